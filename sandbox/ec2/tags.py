"""Tags of addresses and interfaces, with the limits that EC2 puts on them.

Tags are what a pool is made of, so they can be changed by a call and by hand, and both pass through here.
"""

from collections.abc import Mapping
from dataclasses import replace

from sandbox.ec2.model import Change, Ec2Error, Effect, World
from sandbox.ec2.requests import CreateTags, DeleteTags
from sandbox.ec2.rules import Rules

MAX_TAGS = 50
MAX_KEY = 128
MAX_VALUE = 256


def check_tags(tags: Mapping[str, str]) -> None:
    """Raises Ec2Error for tags that EC2 refuses: too many, too long, or of AWS's own prefix."""
    if len(tags) > MAX_TAGS:
        raise Ec2Error("TagLimitExceeded", f"More than {MAX_TAGS} tags specified")
    for key, value in tags.items():
        if not 1 <= len(key) <= MAX_KEY or len(value) > MAX_VALUE:
            raise Ec2Error("InvalidParameterValue", f"Tag '{key}' exceeds the maximum length.")
        if key.lower().startswith("aws:"):
            raise Ec2Error("InvalidParameterValue", f"Tag keys starting with 'aws:' are reserved: {key}")


def create_tags(world: World, request: CreateTags, rules: Rules) -> Change:
    """Adds or overwrites tags on every named resource, or on none."""
    check_tags(request.tags)
    effects: tuple[Effect, ...] = ()
    for resource in request.resources:
        merged = {**_tags(world, resource, rules), **request.tags}
        check_tags(merged)
        world = _retagged(world, resource, merged)
        effects += (_effect(world, resource, tags=request.tags),)
    return Change(world=world, effects=effects)


def delete_tags(world: World, request: DeleteTags, rules: Rules) -> Change:
    """Removes the named tags where they are; a value, if given, must match; no tags named means all."""
    effects: tuple[Effect, ...] = ()
    for resource in request.resources:
        before = _tags(world, resource, rules)
        gone = {key: value for key, value in before.items() if _is_named(request.tags, key, value)}
        if gone:
            world = _retagged(world, resource, {key: value for key, value in before.items() if key not in gone})
            effects += (replace(_effect(world, resource, tags=gone), kind="untagged"),)
    return Change(world=world, effects=effects)


def _is_named(named: Mapping[str, str | None], key: str, value: str) -> bool:
    return not named or (key in named and named[key] in (None, value))


def _tags(world: World, resource: str, rules: Rules) -> Mapping[str, str]:
    address = world.addresses.get(resource)
    if address and rules.is_visible(address.created):
        return address.tags
    if resource in world.interfaces:
        return world.interfaces[resource].tags
    kinds = {"eipalloc": "InvalidAllocationID.NotFound", "eni": "InvalidNetworkInterfaceID.NotFound"}
    code = kinds.get(resource.partition("-")[0], "InvalidID")
    raise Ec2Error(code, f"The ID '{resource}' does not exist")


def _retagged(world: World, resource: str, tags: Mapping[str, str]) -> World:
    if resource in world.addresses:
        address = replace(world.addresses[resource], tags=tags)
        return replace(world, addresses={**world.addresses, resource: address})
    interface = replace(world.interfaces[resource], tags=tags)
    return replace(world, interfaces={**world.interfaces, resource: interface})


def _effect(world: World, resource: str, *, tags: Mapping[str, str]) -> Effect:
    if resource in world.addresses:
        address = world.addresses[resource]
        return Effect(kind="tagged", allocation_id=resource, public_ip=address.public_ip, tags=tags)
    return Effect(kind="tagged", interface_id=resource, tags=tags)
