"""Parsers of single values: what a person wrote, as a value or as a ValueError that says what would be right.

Upstream is a Go program, and its users' manifests hold what Go's flag package accepts: booleans such as `t` and `1`,
durations such as `1m30s`. Both are understood here. A message continues the sentence "--flag (ENV): 'bad value' ...".
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass

Parser = Callable[[str], object]

_DNS_LABEL = r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?"
_DNS_NAME = rf"{_DNS_LABEL}(\.{_DNS_LABEL})*"
_NUMBER = re.compile(r"\d+(\.\d*)?|\.\d+", re.ASCII)
_DURATION = re.compile(r"((\d+(\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h))+", re.ASCII)
_DURATION_PART = re.compile(r"([\d.]+)(ns|us|µs|μs|ms|s|m|h)", re.ASCII)
_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_TRUE = frozenset({"1", "t", "true"})
_FALSE = frozenset({"0", "f", "false"})
_LEVELS = {"debug": "debug", "info": "info", "warn": "warn", "warning": "warn", "error": "error"}
# The characters of a URI (RFC 3986) but for those that would end an attribute, and the two placeholders.
_TRACE_URL = re.compile(
    r"https?://[\w.~:@\[\]-]+/(?=[^{}]*\{(xray_)?trace_id\}[^{}]*\Z)[\w.~:/?#\[\]@!$&()*+,;=%{}-]*", re.ASCII
)
_ENDPOINT = re.compile(r"(\[(?P<v6>[0-9A-Fa-f:.]+)\]|(?P<host>[A-Za-z0-9_.-]*)):(?P<port>[0-9]{1,5})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where to listen. An empty host means every address of the machine, of both families."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def matching(pattern: str, wanted: str) -> Parser:
    """A parser that takes what the whole pattern matches and calls everything else not `wanted`."""
    compiled = re.compile(pattern)

    def parse(raw: str) -> str:
        if not compiled.fullmatch(raw):
            raise ValueError(f"is not {wanted}")
        return raw

    return parse


text = matching(r"[^\x00-\x1f\x7f]+", "one line of text")
# The Go controller accepts any text for these two, and AWS may name new Regions in any way. So one plain word is
# asked for; a Region must be what botocore accepts.
vpc_id = matching(r"[0-9A-Za-z-]{1,64}", "a VPC id such as vpc-0123456789abcdef0")
region = matching(r"(?!\d+\Z)(?!-)[0-9A-Za-z-]{1,63}(?<!-)", "an AWS Region such as eu-central-1")
# AWS documentation, Tag your Amazon EC2 resources: the name of the cluster becomes the value of a tag.
tag_value = matching(r"[\w +\-=.:/@]{1,256}", "a tag value: 1 to 256 letters, digits, spaces and + - = . _ : / @")
# DynamoDB Developer Guide, Naming rules.
table_name = matching(r"[A-Za-z0-9_.-]{3,255}", "a table name: 3 to 255 letters, digits and _ - .")
# Kubernetes documentation, Object Names and IDs: RFC 1123 labels and subdomains.
dns_label = matching(_DNS_LABEL, "a namespace: up to 63 small letters, digits and - with a letter or digit at each end")
dns_name = matching(
    rf"(?=.{{1,253}}\Z){_DNS_NAME}", "an object name: small letters, digits, - and . with a letter or digit at each end"
)


def trace_url(raw: str) -> str:
    """Where a trace is shown: http or https, with a place for its id after the host."""
    if not _TRACE_URL.fullmatch(raw):
        raise ValueError("is not a URL with http or https, and {trace_id} or {xray_trace_id} after its host")
    return raw


def log_level(raw: str) -> str:
    """debug, info, warn or error, in any case; `warning` is warn."""
    if (level := _LEVELS.get(raw.lower())) is None:
        raise ValueError("is not a log level: debug, info, warn or error")
    return level


def boolean(raw: str) -> bool:
    """What Go's strconv.ParseBool takes, in any case."""
    word = raw.lower()
    if word not in _TRUE | _FALSE:
        raise ValueError("is not true or false")
    return word in _TRUE


def is_boolean(raw: str) -> bool:
    """Whether `boolean` takes it."""
    return raw.lower() in _TRUE | _FALSE


def seconds(least: float, most: float, *, whole: bool = False) -> Parser:
    """A parser of seconds, as a number or as a Go duration, between two bounds (both included)."""
    wanted = f"is not a time of {least:g} to {most:g} seconds, such as {max(least, 1):g} or {max(least, 1):g}s"

    def parse(raw: str) -> float:
        value = duration(raw)
        if value is None or not least <= value <= most:
            raise ValueError(wanted)
        if whole and value != int(value):
            raise ValueError("is not a whole number of seconds")
        return value

    return parse


def duration(raw: str) -> float | None:
    """The seconds of a number or of a Go duration without a sign; None where it is neither."""
    if _NUMBER.fullmatch(raw):
        return float(raw)
    if not _DURATION.fullmatch(raw):
        return None
    return sum(float(number) * _UNITS[unit] for number, unit in _DURATION_PART.findall(raw))


def whole(least: int, most: int) -> Parser:
    """A parser of whole numbers between two bounds (both included)."""

    def parse(raw: str) -> int:
        if not re.fullmatch(r"\d{1,9}", raw, re.ASCII) or not least <= int(raw) <= most:
            raise ValueError(f"is not a whole number from {least} to {most}")
        return int(raw)

    return parse


def one_of(*words: str) -> Parser:
    """A parser that takes one of these words, in any case."""

    def parse(raw: str) -> str:
        if raw.lower() not in words:
            raise ValueError(f"is not {' or '.join(words)}")
        return raw.lower()

    return parse


def globs(raw: str) -> tuple[str, ...] | None:
    """Patterns between commas, or a JSON list of them where one has a comma; None for none."""
    is_json = raw.strip() == "[]" or re.match(r'\s*\[\s*"', raw)
    found = _texts(raw) if is_json else [glob.strip() for glob in raw.split(",")]
    return tuple(glob for glob in found if glob) or None


def _texts(raw: str) -> list[str]:
    try:
        found = json.loads(raw)
    except ValueError:
        raise ValueError("is not a JSON list") from None
    if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
        raise ValueError("is not a JSON list of texts")
    return found


def endpoint(raw: str) -> Endpoint:
    """HOST:PORT, :PORT or [IPV6]:PORT, the port from 1 to 65535."""
    found = _ENDPOINT.fullmatch(raw)
    if found is None or not 1 <= int(found["port"]) <= 65535:
        raise ValueError("is not HOST:PORT such as 0.0.0.0:8080, :8080 or [::]:8080, with a port from 1 to 65535")
    return Endpoint(host=found["v6"] or found["host"] or "", port=int(found["port"]))
