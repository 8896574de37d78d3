"""Tags of addresses and interfaces, with the limits that EC2 puts on them.

Tags are what a pool is made of, so they can be changed by a call and by hand, and both pass through here. Sources: "Tag
your Amazon EC2 resources" in the EC2 user guide (50 tags, key 128 and value 256 Unicode characters, the prefix `aws:`
reserved in upper and lower case and not counted), the pages of CreateTags and DeleteTags, the list of error codes.
Code and words for the prefix, and the words for lengths, are those of reports of EC2's users; the code for lengths and
the words for too many are those of other simulations of EC2. A character is a code point here; what EC2 counts beyond
the Basic Multilingual Plane is not documented.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace

from sandbox.ec2.model import Change, Ec2Error, Effect, World
from sandbox.ec2.requests import CreateTags, DeleteTags
from sandbox.ec2.rules import Rules
from sandbox.ec2.settings import Ec2Settings

MAX_TAGS = 50
MAX_VALUE = 256
RESERVED = "aws:"
NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 cannot write, so that no answer could show it."""


def check_tags(tags: Mapping[str, str], settings: Ec2Settings) -> None:
    """Raises Ec2Error for tags that no call can give: too many, too long, or of AWS's own prefix."""
    _check_count(tags)
    for key, value in tags.items():
        if not key:
            message = "The specified tag key is not valid. Tag keys cannot be empty or null, and cannot start with aws:"
            raise Ec2Error("InvalidTagKey.Malformed", message)
        if is_reserved(key):
            raise _reserved(key)
        for part, text, limit in (("key", key, settings.tag_key_limit), ("value", value, MAX_VALUE)):
            if len(text) > limit:
                message = f"Tag {part} exceeds the maximum length of {limit} characters"
                raise Ec2Error("InvalidParameterValue", message)
            if NOT_IN_XML.search(text):
                raise Ec2Error("InvalidParameterValue", f"Tag {part} contains characters that are not valid")


def is_reserved(key: str) -> bool:
    """Whether the key is of those that AWS alone gives and takes."""
    return key.lower().startswith(RESERVED)


def _reserved(key: str) -> Ec2Error:
    message = (
        f"Value ( {key} ) for parameter key is invalid. Tag keys starting with 'aws:' are reserved for internal use"
    )
    return Ec2Error("InvalidParameterValue", message)


def _check_count(keys: Iterable[str]) -> None:
    if sum(not is_reserved(key) for key in keys) > MAX_TAGS:
        raise Ec2Error("TagLimitExceeded", "The maximum number of Tags for a resource has been reached.")


def create_tags(world: World, request: CreateTags, rules: Rules) -> Change:
    """Adds or overwrites tags on every named resource, or on none; an overwritten one is not counted twice."""
    check_tags(request.tags, rules.settings)
    effects: tuple[Effect, ...] = ()
    for resource in request.resources:
        merged = {**_tags(world, resource, rules), **request.tags}
        _check_count(merged)
        world = _retagged(world, resource, merged)
        effects += (_effect(world, resource, tags=request.tags),)
    return Change(world=world, effects=effects)


def delete_tags(world: World, request: DeleteTags, rules: Rules) -> Change:
    """Removes the named tags where they are; a value, if given, must match; no tags named means all but AWS's own."""
    for key in filter(is_reserved, request.tags):
        raise _reserved(key)
    effects: tuple[Effect, ...] = ()
    for resource in request.resources:
        before = _tags(world, resource, rules)
        gone = {key: value for key, value in before.items() if _is_named(request.tags, key, value)}
        if gone:
            world = _retagged(world, resource, {key: value for key, value in before.items() if key not in gone})
            effects += (replace(_effect(world, resource, tags=gone), kind="untagged"),)
    return Change(world=world, effects=effects)


def _is_named(named: Mapping[str, str | None], key: str, value: str) -> bool:
    if not named:
        return not is_reserved(key)
    return key in named and named[key] in (None, value)


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
