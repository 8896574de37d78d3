"""EC2's filters: names that read a resource, values with wildcards, and their limits.

Values of one filter are alternatives, filters are conditions that must all hold. `*` stands for any characters, `?`
for one, a backslash makes either literal; matching is case-sensitive. Source: "Filter your resources" in the EC2 user
guide (50 filters a request, 200 values a filter).
"""

import re
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache

from sandbox.ec2.model import Ec2Error
from sandbox.ec2.requests import Filter

MAX_FILTERS = 50
MAX_VALUES = 200

Reader = Callable[[str], Iterable[str]]
"""From a filter's name to the values that a resource has for it."""


def check_filters(filters: tuple[Filter, ...], known: Iterable[str]) -> None:
    """Raises FilterLimitExceeded, or InvalidParameterValue for a name that this call does not have."""
    names = set(known)
    if len(filters) > MAX_FILTERS:
        raise Ec2Error("FilterLimitExceeded", f"The maximum number of filters is {MAX_FILTERS}.")
    for wanted in filters:
        if wanted.name not in names and wanted.name != "tag-key" and not wanted.name.startswith("tag:"):
            raise Ec2Error("InvalidParameterValue", f"The filter '{wanted.name}' is invalid")
        if len(wanted.values) > MAX_VALUES:
            message = f"The maximum number of filter values specified on a single call is {MAX_VALUES}"
            raise Ec2Error("FilterLimitExceeded", message)


def matches(filters: tuple[Filter, ...], read: Reader) -> bool:
    """Whether a resource passes every filter."""
    return all(_passes(wanted, read(wanted.name)) for wanted in filters)


def tag_values(tags: Mapping[str, str], name: str) -> Iterable[str]:
    """What the filters `tag-key` and `tag:KEY` look at."""
    if name == "tag-key":
        return tags
    key = name.removeprefix("tag:")
    return (tags[key],) if key in tags else ()


def _passes(wanted: Filter, values: Iterable[str]) -> bool:
    return any(matches_pattern(pattern, value) for value in values for pattern in wanted.values)


def matches_pattern(pattern: str, value: str) -> bool:
    """Whether a value matches one filter value."""
    if not any(sign in pattern for sign in "*?\\"):
        return pattern == value
    return _compiled(pattern).fullmatch(value) is not None


@lru_cache(maxsize=1024)
def _compiled(pattern: str) -> re.Pattern[str]:
    parts = re.findall(r"\\.|.", pattern, flags=re.DOTALL)
    signs = {"*": ".*", "?": "."}
    return re.compile("".join(signs.get(part) or re.escape(part[-1]) for part in parts), flags=re.DOTALL)
