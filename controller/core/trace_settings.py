"""What OpenTelemetry's variables ask for, read at once, so that a start with wrong ones ends and says why.

The SDK reads them too, but where one is wrong it takes a default and says so in a line that nobody sees, or raises
from deep within. Names, values and defaults are those of OpenTelemetry's specification ("Environment Variable
Specification", "OpenTelemetry Protocol Exporter"). An empty variable counts as not set, as the specification wants.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from state.errors import Misconfigured

Kind = Literal["otlp", "xray", "console"]

OFF: Final = "none"
TRACES_PATH: Final = "/v1/traces"
SAMPLERS: Final = (
    "always_on",
    "always_off",
    "traceidratio",
    "parentbased_always_on",
    "parentbased_always_off",
    "parentbased_traceidratio",
)
COMPRESSIONS: Final = ("none", "gzip", "deflate")
LEAST_MS: Final = 100.0
"""The Python SDK reads the exporter's timeout in seconds, the specification wants milliseconds. No receiver answers
within less than this, so a smaller number is taken as seconds."""

_KINDS: Final[Mapping[str, Kind]] = {"otlp": "otlp", "xray": "xray", "console": "console"}
_ENDPOINT, _OWN_ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"
_OTLP: Final = "OTEL_EXPORTER_OTLP_"
FILES: Final = tuple(
    f"{_OTLP}{of}{what}" for of in ("", "TRACES_") for what in ("CERTIFICATE", "CLIENT_KEY", "CLIENT_CERTIFICATE")
)
"""Variables that name a file."""
_LIMITS: Final = (
    "OTEL_ATTRIBUTE_COUNT_LIMIT",
    "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT",
    "OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT",
    "OTEL_LINK_ATTRIBUTE_COUNT_LIMIT",
    "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT",
    "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT",
    "OTEL_SPAN_EVENT_COUNT_LIMIT",
    "OTEL_SPAN_LINK_COUNT_LIMIT",
)
_URL: Final = re.compile(r"https?://[^/\s]+(/\S*)?", re.IGNORECASE)
# CloudWatch user guide, "OTLP Endpoints": https://xray.REGION.amazonaws.com/v1/traces; the suffixes of the partitions
# are botocore's. An unsigned request is always refused there, so whoever names it wants X-Ray.
_XRAY: Final = re.compile(
    r"https://xray(?:-fips)?\.(?P<region>[a-z0-9-]+)\.(?:amazonaws\.com(?:\.cn)?|amazonaws\.eu)(?::443)?/v1/traces/?"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One exporter. `endpoint`: the whole URL; for `xray` empty where it is the Region's own. `region`: the URL's."""

    kind: Kind
    endpoint: str = ""
    region: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceSettings:
    """How traces are made and sent. `queue` and `batch` count spans; `warnings` are lines for the log."""

    targets: tuple[Target, ...]
    sampler: str
    ratio: float
    queue: int
    batch: int
    delay_ms: int
    timeout_s: float
    warnings: tuple[str, ...]


def wanted(env: Mapping[str, str]) -> bool:
    """Whether these variables ask for traces: OTEL_TRACES_EXPORTER names an exporter, or there is an endpoint."""
    if _text(env, "OTEL_SDK_DISABLED").lower() == "true":
        return False
    exporters = _exporters(env)
    return any(name != OFF for name in exporters) if exporters else bool(_first(env, _OWN_ENDPOINT, _ENDPOINT)[1])


def parse(env: Mapping[str, str]) -> TraceSettings | None:
    """What is asked for; None: no traces. Raises Misconfigured with a line for each variable that cannot be obeyed."""
    if not wanted(env):
        return None
    reader = _Reader(env)
    found = TraceSettings(
        targets=reader.targets(),
        sampler=reader.one_of("OTEL_TRACES_SAMPLER", SAMPLERS, "parentbased_always_on"),
        ratio=reader.ratio(),
        queue=(queue := reader.whole("OTEL_BSP_MAX_QUEUE_SIZE", 2048, most=100_000)),
        batch=reader.batch(queue),
        delay_ms=reader.whole("OTEL_BSP_SCHEDULE_DELAY", 5000, most=3_600_000),
        timeout_s=reader.timeout_s(),
        warnings=reader.warned(),
    )
    if reader.faults:
        raise Misconfigured(reader.faults)
    return found


class _Reader:
    """Reads variables and gathers what is wrong with them."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self._env = env
        self.faults: list[str] = []
        self._warnings: list[str] = []

    def targets(self) -> tuple[Target, ...]:
        """The exporters, each once."""
        names = dict.fromkeys(name for name in _exporters(self._env) or ["otlp"] if name != OFF)
        for name in names.keys() - _KINDS.keys():
            self._fault("OTEL_TRACES_EXPORTER", name, f"is not one of {', '.join(_KINDS)} and {OFF}")
        found = [self._otlp() if name == "otlp" else Target(kind=_KINDS[name]) for name in names if name in _KINDS]
        return tuple(dict.fromkeys(found))

    def _otlp(self) -> Target:
        """The receiver of OTLP: X-Ray, where the URL is X-Ray's own."""
        name, value = _first(self._env, _OWN_ENDPOINT, _ENDPOINT)
        if value and not _URL.fullmatch(value):
            self._fault(name, value, "is not a URL that begins with http:// or https://")
        own, protocol = _first(self._env, _OTLP + "TRACES_PROTOCOL", _OTLP + "PROTOCOL")
        if protocol and protocol.lower() != "http/protobuf":
            self._fault(own, protocol, "is not built in: traces leave as http/protobuf, as a rule to port 4318")
        elif re.search(r":4317(/|$)", value):
            self._warnings.append(
                f"{name}: port 4317 is as a rule gRPC's; traces leave by HTTP, as a rule to port 4318"
            )
        for key in (_OTLP + "TRACES_COMPRESSION", _OTLP + "COMPRESSION"):
            self.one_of(key, COMPRESSIONS, "none")
        whole = value if name == _OWN_ENDPOINT or not value else value.rstrip("/") + TRACES_PATH
        own_of_xray = _XRAY.fullmatch(whole)
        if own_of_xray:
            return Target(kind="xray", endpoint=whole, region=own_of_xray["region"])
        return Target(kind="otlp", endpoint=whole)

    def ratio(self) -> float:
        """The part of the traces that a ratio sampler keeps."""
        given = _text(self._env, "OTEL_TRACES_SAMPLER_ARG")
        if not given or not _text(self._env, "OTEL_TRACES_SAMPLER").lower().endswith("traceidratio"):
            return 1.0
        if not re.fullmatch(r"\d*\.?\d+|\d+\.", given) or float(given) > 1:
            self._fault("OTEL_TRACES_SAMPLER_ARG", given, "is not a number from 0 to 1")
            return 1.0
        return float(given)

    def batch(self, queue: int) -> int:
        """The most spans in one request: no more than the queue holds."""
        name = "OTEL_BSP_MAX_EXPORT_BATCH_SIZE"
        found = self.whole(name, min(512, queue), most=100_000)
        if found > queue:
            self._fault(name, str(found), f"is more than OTEL_BSP_MAX_QUEUE_SIZE, {queue}")
        return found

    def timeout_s(self) -> float:
        """Seconds that a batch may take, with its retries: the shorter one of the exporter's and the processor's."""
        name, given = _first(self._env, _OTLP + "TRACES_TIMEOUT", _OTLP + "TIMEOUT")
        limit_ms = self.whole("OTEL_BSP_EXPORT_TIMEOUT", 30_000, most=3_600_000)
        if not given:
            return min(10_000, limit_ms) / 1000
        if not re.fullmatch(r"\d+(\.\d+)?", given) or not 0 < float(given) <= 3_600_000:
            self._fault(name, given, "is not a number of milliseconds from 1 to 3600000")
            return 10.0
        if float(given) >= LEAST_MS:
            return min(float(given), limit_ms) / 1000
        self._warnings.append(f"{name}: {given} is taken as seconds; OpenTelemetry's unit is milliseconds")
        return min(float(given), limit_ms / 1000)

    def warned(self) -> tuple[str, ...]:
        """All warnings; checks what the SDK alone reads."""
        for name in _LIMITS:
            self.whole(name, 0, least=0, most=1_000_000_000)
        if _text(self._env, "OTEL_CONFIG_FILE"):
            self._warnings.append("OTEL_CONFIG_FILE is not read: the other variables are")
        return tuple(self._warnings)

    def whole(self, name: str, default: int, *, most: int, least: int = 1) -> int:
        """A whole number."""
        given = _text(self._env, name)
        if not given:
            return default
        if not re.fullmatch(r"\d{1,10}", given, re.ASCII) or not least <= int(given) <= most:
            self._fault(name, given, f"is not a whole number from {least} to {most}")
            return default
        return int(given)

    def one_of(self, name: str, known: tuple[str, ...], default: str) -> str:
        """One of the known words, in any case."""
        given = _text(self._env, name).lower()
        if given and given not in known:
            self._fault(name, given, f"is not one of {', '.join(known)}")
        return given if given in known else default

    def _fault(self, name: str, value: str, words: str) -> None:
        self.faults.append(f"{name}: {value[:100]!r} {words}")


def _text(env: Mapping[str, str], name: str) -> str:
    return env.get(name, "").strip()


def _first(env: Mapping[str, str], *names: str) -> tuple[str, str]:
    """The first of these that is set, and its value."""
    return next(((name, text) for name in names if (text := _text(env, name))), (names[0], ""))


def _exporters(env: Mapping[str, str]) -> list[str]:
    names = (name.strip().lower() for name in _text(env, "OTEL_TRACES_EXPORTER").split(","))
    return [name for name in names if name]
