"""Who may have which address: the cluster's rules, and how many addresses a namespace may have.

Without a policy, whoever may create a Pod may take any address of any pool. The policy is asked about new claims only:
a Pod keeps what it holds after every change of the policy, because an edit must not cut live traffic. Parsing is
strict, because a misspelt key would be a rule that nobody enforces; an error names the place of the mistake.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Annotated

import msgspec
import yaml

from controller.core.contract import quoted
from state.model import Mode

Text = Annotated[str, msgspec.Meta(min_length=1, max_length=253)]
Globs = Annotated[tuple[Text, ...], msgspec.Meta(min_length=1)]
Modes = Annotated[tuple[Mode, ...], msgspec.Meta(min_length=1)]


class Effect(StrEnum):
    """What a rule does with what it matches."""

    ALLOW = "allow"
    DENY = "deny"


class Rule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One rule. It matches where all three lists match; a list that is left out matches everything."""

    name: Text
    effect: Effect
    namespaces: Globs = ("*",)
    modes: Modes = tuple(Mode)
    pools: Globs = ("*",)

    def matches(self, namespace: str, mode: Mode, pool: str) -> bool:
        """Whether the rule matches. `pool` is a tag key, for `auto` a public IPv4 pool."""
        return mode in self.modes and _any(self.namespaces, namespace) and _any(self.pools, pool)


class AddressLimit(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The largest number of addresses for each namespace that matches."""

    name: Text
    addresses: Annotated[int, msgspec.Meta(ge=0)]
    namespaces: Globs = ("*",)


class Policy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All rules and limits. The first rule that matches decides, and the first limit. `default` None: the tenancy's."""

    default: Effect | None = None
    rules: tuple[Rule, ...] = ()
    limits: tuple[AddressLimit, ...] = ()

    def refusal(self, namespace: str, mode: Mode, pool: str, *, default: Effect = Effect.ALLOW) -> str | None:
        """Why a Pod of this namespace may not ask for this; None if it may. `default`: used if the policy has none."""
        asked = f"Pods of namespace '{namespace}' use mode {mode} with pool {quoted(pool)}"
        rule = next((rule for rule in self.rules if rule.matches(namespace, mode, pool)), None)
        if rule is None:
            denied = (self.default or default) is Effect.DENY
            return f"no rule of the policy lets {asked}, and its default is deny" if denied else None
        return f"rule '{rule.name}' of the policy does not let {asked}" if rule.effect is Effect.DENY else None

    def limit(self, namespace: str) -> AddressLimit | None:
        """The limit that holds for this namespace, if any."""
        return next((limit for limit in self.limits if _any(limit.namespaces, namespace)), None)


ALLOW_ALL = Policy()


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why the policy refuses a new claim. `waits`: only until another Pod of the namespace gives an address up.

    `for_any`: until any Pod of the install gives one up.
    """

    why: str
    waits: bool = False
    for_any: bool = False


def over(limit: AddressLimit, namespace: str, held: int) -> Refusal:
    """The refusal where a namespace holds as many addresses as its limit allows."""
    why = (
        f"limit '{limit.name}' of the policy lets namespace '{namespace}' have {limit.addresses} at most, "
        f"and it has {held}; waiting for one to get free"
    )
    return Refusal(why=why, waits=True)


def parse(text: str) -> Policy:
    """The policy that a YAML document says; raises ValueError with one line on the first fault and its place."""
    try:
        document = yaml.load(text, Loader=_Strict)
    except (yaml.YAMLError, ValueError) as fault:
        raise ValueError(f"is not YAML: {_where(fault)}") from fault
    except RecursionError as fault:
        raise ValueError("is nested too deeply") from fault
    if document is None:
        raise ValueError("is empty; the policy that allows everything is 'default: allow'")
    try:
        policy = msgspec.convert(document, Policy)
    except msgspec.ValidationError as fault:
        raise ValueError(f"is no policy: {fault}") from fault
    _refuse_twins("rule", (rule.name for rule in policy.rules))
    _refuse_twins("limit", (limit.name for limit in policy.limits))
    return policy


class _Strict(yaml.SafeLoader):
    """A YAML loader that refuses a key that is written twice; PyYAML would drop the first one silently."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[object, object]:
        keys = [(key.value, key) for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        for number, (value, key) in enumerate(keys):
            if value in [earlier for earlier, _ in keys[:number]]:
                raise yaml.constructor.ConstructorError(None, None, f"{value!r} is there twice", key.start_mark)
        return super().construct_mapping(node, deep)


def _where(fault: Exception) -> str:
    if isinstance(fault, yaml.MarkedYAMLError) and fault.problem_mark is not None:
        return f"line {fault.problem_mark.line + 1}, column {fault.problem_mark.column + 1}: {fault.problem}"
    return " ".join(str(fault).split())


def _refuse_twins(what: str, names: Iterable[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise ValueError(
                f"is no policy: two {what}s are named {name!r}; the one that refuses a Pod is told by name"
            )
        seen.add(name)


def _any(globs: Globs, value: str) -> bool:
    return any(fnmatchcase(value, glob) for glob in globs)
