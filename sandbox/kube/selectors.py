"""Label and field selectors, because a watch or a list must show exactly what the API server would show.

Labels: equality (`a=b`, `a==b`, `a!=b`), sets (`a in (b,c)`, `a notin (b)`), existence (`a`, `!a`).
Fields: equality on the labels that the kind supports; any other is a 400. (apimachinery/pkg/labels, pkg/fields.)
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias

from sandbox.kube.resources import EVENTS, Json, Resource
from sandbox.kube.status import bad_request
from sandbox.kube.validation import is_label_value, is_qualified_name

Test: TypeAlias = Callable[[Json], bool]

_SET = re.compile(r"(?P<key>[^\s,!=()]+)\s+(?P<op>in|notin)\s*\((?P<values>[^()]*)\)")
_EQUAL = re.compile(r"(?P<key>[^\s,!=()]+)\s*(?P<op>==|!=|=)\s*(?P<value>[^\s,!=()]*)")
_EXISTS = re.compile(r"(?P<op>!?)\s*(?P<key>[^\s,!=()]+)")
_FIELD = re.compile(r"(?P<key>[^!=]+)(?P<op>==|!=|=)(?P<value>.*)")


@dataclass(frozen=True, slots=True)
class Selection:
    """All tests must hold; without any, everything is selected."""

    tests: tuple[Test, ...] = ()

    def __call__(self, body: Json) -> bool:
        """Whether the object is selected."""
        return all(test(body) for test in self.tests)

    @property
    def everything(self) -> bool:
        """Whether nothing is filtered out."""
        return not self.tests


def select(resource: Resource, label_selector: str, field_selector: str) -> Selection:
    """Read both selectors; a 400 where one cannot be read."""
    return Selection((*_label_tests(label_selector), *_field_tests(resource, field_selector)))


def _label_tests(text: str) -> list[Test]:
    tests: list[Test] = []
    rest = text.strip()
    while rest:
        match = next((m for p in (_SET, _EQUAL, _EXISTS) if (m := p.match(rest))), None)
        tail = rest[match.end() :].lstrip() if match else ""
        if match is None or (tail and not tail.startswith(",")):
            raise bad_request(f"unable to parse requirement: {text!r}")
        tests.append(_label_test(match))
        rest = tail[1:].lstrip()
    return tests


def _label_test(match: re.Match[str]) -> Test:
    parts = match.groupdict()
    values = [v.strip() for v in parts["values"].split(",")] if "values" in parts else [parts.get("value", "")]
    if not is_qualified_name(parts["key"]) or not all(map(is_label_value, values)):
        raise bad_request(f"unable to parse requirement: {match.group()!r}")
    if "value" not in parts and "values" not in parts:
        return partial(_label_exists, key=parts["key"], wanted=not parts["op"])
    return partial(_label_in, key=parts["key"], values=frozenset(values), wanted=parts["op"] in ("in", "=", "=="))


def _label_exists(body: Json, *, key: str, wanted: bool) -> bool:
    return (key in body["metadata"].get("labels", {})) is wanted


def _label_in(body: Json, *, key: str, values: frozenset[str], wanted: bool) -> bool:
    return (body["metadata"].get("labels", {}).get(key) in values) is wanted


def _field_tests(resource: Resource, text: str) -> list[Test]:
    tests: list[Test] = []
    for term in filter(None, text.split(",")):
        match = _FIELD.fullmatch(term)
        if match is None:
            raise bad_request(f"invalid field selector: {term!r}")
        if match["key"] not in resource.fields:
            raise bad_request(f"field label not supported: {match['key']}")
        tests.append(_field_test(resource, match["key"], match["value"], match["op"] != "!="))
    return tests


def _field_test(resource: Resource, key: str, value: str, wanted: bool) -> Test:
    path = ("source", "component") if (resource, key) == (EVENTS, "source") else tuple(key.split("."))
    return lambda body: (_field_value(body, path) == value) is wanted


def _field_value(body: Json, path: tuple[str, ...]) -> str:
    value: Any = body
    for part in path:
        value = value.get(part) if isinstance(value, dict) else None
    if isinstance(value, bool):
        return str(value).lower()
    if value is None:
        return "false" if path[-1] in ("hostNetwork", "unschedulable") else ""
    return str(value)
