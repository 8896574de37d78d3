"""Whether an IAM policy allows a call: as much of IAM's rules as our own policies use, and an error for the rest.

A stand-in that guesses would prove nothing, so an element or operator that is not known here fails the test. Sources:
the IAM user guide, "IAM JSON policy elements: Condition operators" and "Multivalued context keys": all operators and
keys of a statement must hold; a key that the request does not have fails a plain operator and passes a negated one;
ForAllValues holds where there is no value, ForAnyValue does not. Names of actions and keys have no case.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Policy = Mapping[str, Any]
Values = Sequence[str]
Decision = Literal["allowed", "explicitDeny", "implicitDeny"]
_ELEMENTS = frozenset({"Sid", "Effect", "Action", "Resource", "Condition"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One question to IAM. A call asks several: one for each resource, and each must be allowed."""

    action: str
    resource: str
    context: Mapping[str, Values] = field(default_factory=dict)


def decide(policy: Policy, check: Check) -> Decision:
    """What its statements say together. Raises ValueError for what is not known here."""
    effects = {statement["Effect"] for statement in policy["Statement"] if _matches(statement, check)}
    if "Deny" in effects:
        return "explicitDeny"
    return "allowed" if effects else "implicitDeny"


def allows(policy: Policy, check: Check) -> bool:
    """Whether it is allowed. Raises ValueError for what is not known here."""
    return decide(policy, check) == "allowed"


def keys_of(policy: Policy) -> set[str]:
    """The keys that its conditions look at."""
    return {key for s in policy["Statement"] for keys in s.get("Condition", {}).values() for key in keys}


def _matches(statement: Mapping[str, Any], check: Check) -> bool:
    unknown = statement.keys() - _ELEMENTS
    if unknown or statement["Effect"] not in ("Allow", "Deny"):
        raise ValueError(f"{sorted(unknown)} or the effect of {statement} is not known here")
    context = {key.lower(): values for key, values in check.context.items()}
    conditions = statement.get("Condition", {})
    held = [
        _holds(operator, _listed(wanted), context.get(key.lower(), ()))
        for operator, keys in conditions.items()
        for key, wanted in keys.items()
    ]
    named = any(_like(pattern.lower(), check.action.lower()) for pattern in _listed(statement["Action"]))
    return named and any(_like(pattern, check.resource) for pattern in _listed(statement["Resource"])) and all(held)


def _listed(value: str | Sequence[str]) -> Values:
    return [value] if isinstance(value, str) else list(value)


def _like(pattern: str, value: str) -> bool:
    return re.fullmatch(re.escape(pattern).replace(r"\*", ".*").replace(r"\?", "."), value, re.DOTALL) is not None


def _holds(operator: str, wanted: Values, given: Values) -> bool:
    if operator == "Null":
        return _listed("false" if given else "true") == list(wanted)
    every, _, plain = operator.rpartition(":")
    test = _COMPARISONS[plain] if plain in _COMPARISONS else _unknown(operator)
    fits = [any(test(pattern, value) for pattern in wanted) for value in given]
    if every == "ForAllValues":
        return all(fits)
    if every == "ForAnyValue":
        return any(fits)
    if every or len(given) > 1:
        _unknown(operator)
    return not any(fits) if plain in _NEGATED else any(fits)


def _unknown(operator: str) -> Callable[[str, str], bool]:
    raise ValueError(f"the condition operator {operator} is not known here, or not with several values")


def _arn(pattern: str, value: str) -> bool:
    """Part by part: a star does not reach over a colon."""
    parts, of_value = pattern.split(":", 5), value.split(":", 5)
    return len(parts) == len(of_value) and all(map(_like, parts, of_value))


def _same(pattern: str, value: str) -> bool:
    return pattern == value


_COMPARISONS: Mapping[str, Callable[[str, str], bool]] = {
    "StringEquals": _same,
    "StringNotEquals": _same,
    "StringLike": _like,
    "ArnEquals": _arn,
}
_NEGATED = frozenset({"StringNotEquals"})
