"""EC2's filters: names that read a resource, values with wildcards, and their limits.

Values of one filter are alternatives, filters are conditions that must all hold. `*` stands for any characters, `?`
for one, a backslash makes either literal; matching is case-sensitive. Source: "Filter your resources" in the EC2 user
guide (50 filters a request, 200 values a filter).
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from sandbox.ec2.model import Ec2Error
from sandbox.ec2.requests import Filter

MAX_FILTERS = 50
MAX_VALUES = 200

Reader = Callable[[str], Iterable[str]]
"""From a filter's name to the values that a resource has for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """A filter made ready: most values are plain, and a set finds those at once among 200."""

    name: str
    exact: frozenset[str]
    patterns: tuple[re.Pattern[str], ...]

    def passes(self, values: Iterable[str]) -> bool:
        """Whether one of a resource's values is one of the filter's."""
        return any(value in self.exact or any(p.fullmatch(value) for p in self.patterns) for value in values)


def conditions(filters: tuple[Filter, ...], known: Iterable[str]) -> tuple[Condition, ...]:
    """The filters made ready. Raises FilterLimitExceeded, or InvalidParameterValue for a name not known here."""
    names = set(known)
    if len(filters) > MAX_FILTERS:
        raise Ec2Error("FilterLimitExceeded", f"The maximum number of filters is {MAX_FILTERS}.")
    for wanted in filters:
        if wanted.name not in names and wanted.name != "tag-key" and not wanted.name.startswith("tag:"):
            raise Ec2Error("InvalidParameterValue", f"The filter '{wanted.name}' is invalid")
        if len(wanted.values) > MAX_VALUES:
            message = f"The maximum number of filter values specified on a single call is {MAX_VALUES}"
            raise Ec2Error("FilterLimitExceeded", message)
    return tuple(_condition(wanted) for wanted in filters)


def _condition(wanted: Filter) -> Condition:
    wild = [value for value in wanted.values if any(sign in value for sign in "*?\\")]
    exact = frozenset(wanted.values).difference(wild)
    return Condition(name=wanted.name, exact=exact, patterns=tuple(map(_compiled, wild)))


def matches(required: tuple[Condition, ...], read: Reader) -> bool:
    """Whether a resource passes every condition."""
    return all(condition.passes(read(condition.name)) for condition in required)


def tag_values(tags: Mapping[str, str], name: str) -> Iterable[str]:
    """What the filters `tag-key` and `tag:KEY` look at."""
    if name == "tag-key":
        return tags
    key = name.removeprefix("tag:")
    return (tags[key],) if key in tags else ()


def _compiled(pattern: str) -> re.Pattern[str]:
    parts = re.findall(r"\\.|.", pattern, flags=re.DOTALL)
    signs = {"*": ".*", "?": "."}
    return re.compile("".join(signs.get(part) or re.escape(part[-1]) for part in parts), flags=re.DOTALL)
