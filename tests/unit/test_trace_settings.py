"""OpenTelemetry's variables, read as its specification has them; each one that cannot be obeyed is named at once."""

from collections.abc import Mapping

import pytest

from controller.core.trace_settings import Target, TraceSettings, parse, wanted
from state.errors import Misconfigured

ON = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318"}


def read(**variables: str) -> TraceSettings:
    found = parse({**ON, **variables})
    assert found is not None
    return found


def faults(env: Mapping[str, str]) -> list[str]:
    with pytest.raises(Misconfigured) as raised:
        parse(env)
    return [fault.partition(":")[0] for fault in raised.value.faults]


def test_the_defaults_are_those_of_the_specification() -> None:
    """OpenTelemetry specification: "Batch Span Processor" and "General SDK Configuration", and OTLP's 10 s."""
    assert read() == TraceSettings(
        targets=(Target(kind="otlp", endpoint="http://collector:4318/v1/traces"),),
        sampler="parentbased_always_on",
        ratio=1.0,
        queue=2048,
        batch=512,
        delay_ms=5000,
        timeout_s=10.0,
        warnings=(),
    )


@pytest.mark.parametrize(
    ("variables", "targets"),
    [
        ({"OTEL_TRACES_EXPORTER": "otlp"}, [Target(kind="otlp")]),
        ({"OTEL_TRACES_EXPORTER": "XRay"}, [Target(kind="xray")]),
        ({"OTEL_TRACES_EXPORTER": "console, otlp,none"}, [Target(kind="console"), Target(kind="otlp")]),
        (
            {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "https://x/own", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://y"},
            [Target(kind="otlp", endpoint="https://x/own")],
        ),
        (
            {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://x:4318/base/"},
            [Target(kind="otlp", endpoint="http://x:4318/base/v1/traces")],
        ),
        # AWS's own distribution of the SDK has users name X-Ray so; unsigned, each request would be refused.
        (
            {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "https://xray.us-west-2.amazonaws.com/v1/traces"},
            [Target(kind="xray", endpoint="https://xray.us-west-2.amazonaws.com/v1/traces", region="us-west-2")],
        ),
        (
            {"OTEL_EXPORTER_OTLP_ENDPOINT": "https://xray.cn-north-1.amazonaws.com.cn"},
            [Target(kind="xray", endpoint="https://xray.cn-north-1.amazonaws.com.cn/v1/traces", region="cn-north-1")],
        ),
        (
            {"OTEL_EXPORTER_OTLP_ENDPOINT": "https://xray.us-west-2.amazonaws.com.evil.example"},
            [Target(kind="otlp", endpoint="https://xray.us-west-2.amazonaws.com.evil.example/v1/traces")],
        ),
    ],
)
def test_where_the_traces_go(variables: Mapping[str, str], targets: list[Target]) -> None:
    found = parse(variables)
    assert found is not None
    assert list(found.targets) == targets


@pytest.mark.parametrize(
    ("variables", "seconds", "warned"),
    [
        ({"OTEL_EXPORTER_OTLP_TIMEOUT": "2500"}, 2.5, False),
        ({"OTEL_EXPORTER_OTLP_TIMEOUT": "2500", "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT": "700"}, 0.7, False),
        ({"OTEL_EXPORTER_OTLP_TIMEOUT": "7"}, 7.0, True),  # as the Python SDK reads it
        ({"OTEL_BSP_EXPORT_TIMEOUT": "3000"}, 3.0, False),
        ({"OTEL_BSP_EXPORT_TIMEOUT": "3000", "OTEL_EXPORTER_OTLP_TIMEOUT": "9"}, 3.0, True),
    ],
)
def test_a_batch_takes_no_longer_than_either_limit(variables: dict[str, str], seconds: float, warned: bool) -> None:
    found = read(**variables)
    assert (found.timeout_s, bool(found.warnings)) == (seconds, warned)


def test_the_sampler_and_its_ratio() -> None:
    found = read(OTEL_TRACES_SAMPLER="ParentBased_TraceIdRatio", OTEL_TRACES_SAMPLER_ARG="0.25")
    assert (found.sampler, found.ratio) == ("parentbased_traceidratio", 0.25)
    assert read(OTEL_TRACES_SAMPLER="always_off", OTEL_TRACES_SAMPLER_ARG="x").ratio == 1.0


def test_a_short_queue_makes_short_batches() -> None:
    assert read(OTEL_BSP_MAX_QUEUE_SIZE="100").batch == 100


def test_empty_variables_count_as_not_set() -> None:
    names = ("OTEL_BSP_MAX_QUEUE_SIZE", "OTEL_TRACES_SAMPLER", "OTEL_EXPORTER_OTLP_PROTOCOL", "OTEL_TRACES_EXPORTER")
    assert read(**dict.fromkeys(names, " ")) == read()


@pytest.mark.parametrize(
    "wrong",
    [
        {"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"},
        {"OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "http/json"},
        {"OTEL_TRACES_EXPORTER": "zipkin"},
        {"OTEL_TRACES_SAMPLER": "jaeger_remote"},
        {"OTEL_BSP_MAX_QUEUE_SIZE": "0"},
        {"OTEL_BSP_MAX_QUEUE_SIZE": "1e3"},
        {"OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "4096"},
        {"OTEL_BSP_SCHEDULE_DELAY": "-1"},
        {"OTEL_BSP_EXPORT_TIMEOUT": "soon"},
        {"OTEL_EXPORTER_OTLP_TIMEOUT": "0"},
        {"OTEL_EXPORTER_OTLP_COMPRESSION": "zstd"},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "collector:4317"},
        {"OTEL_SPAN_LINK_COUNT_LIMIT": "many"},
    ],
)
def test_what_cannot_be_obeyed_is_named(wrong: dict[str, str]) -> None:
    assert faults({**ON, **wrong}) == list(wrong)


@pytest.mark.parametrize("argument", ["1.1", "-0.5", "nan", "half", "1e-3"])
def test_a_ratio_is_a_plain_number(argument: str) -> None:
    env = {**ON, "OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": argument}
    assert faults(env) == ["OTEL_TRACES_SAMPLER_ARG"]


def test_all_faults_are_told_at_once_and_none_where_traces_are_off() -> None:
    wrong = {"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc", "OTEL_BSP_SCHEDULE_DELAY": "x"}
    assert sorted(faults({**ON, **wrong})) == sorted(wrong)
    assert parse(wrong) is None
    assert parse({**ON, **wrong, "OTEL_SDK_DISABLED": "true"}) is None
    assert parse({**ON, **wrong, "OTEL_TRACES_EXPORTER": "none"}) is None


def test_what_is_odd_is_warned_of() -> None:
    assert "4318" in read(OTEL_EXPORTER_OTLP_ENDPOINT="http://collector:4317").warnings[0]
    assert "OTEL_CONFIG_FILE" in read(OTEL_CONFIG_FILE="/etc/otel.yaml").warnings[0]


def test_x_ray_has_nothing_to_do_with_the_variables_of_otlp() -> None:
    assert wanted({"OTEL_TRACES_EXPORTER": "xray"})
    assert parse({"OTEL_TRACES_EXPORTER": "xray", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}) is not None
