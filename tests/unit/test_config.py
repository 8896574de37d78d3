"""Settings: where they come from, what is refused, and that all faults are told at once."""

import dataclasses
from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.core.config import SETTINGS, Config, parse
from controller.core.setting import Setting
from controller.core.values import Endpoint
from state.errors import Misconfigured

NAMED = {"cluster_name": "c"}


def faults(flags: Mapping[str, str | None], env: Mapping[str, str] | None = None) -> tuple[str, ...]:
    with pytest.raises(Misconfigured) as caught:
        parse(flags, env or {})
    return caught.value.faults


def test_the_table_and_the_dataclass_have_the_same_fields() -> None:
    assert [*(setting.field for setting in SETTINGS), "warnings"] == [f.name for f in dataclasses.fields(Config)]


def test_defaults() -> None:
    config = parse(NAMED, {})
    assert (config.kubeconfig, config.vpc_id, config.region) == (None, None, None)
    assert (config.watch_namespace, config.lease_namespace) == (None, None)
    assert (config.log_level, config.resync_period, config.create_table) == ("info", 300, False)
    assert (config.table, config.lease_name) == ("aws-pod-eip-controller", "aws-pod-eip-controller")
    assert config.listen == Endpoint(host="0.0.0.0", port=8080)
    assert (config.lease_duration, config.renew_deadline, config.retry_period, config.call_timeout) == (15, 10, 2, 4)


def test_a_flag_wins_over_the_variable_and_an_empty_variable_is_unset() -> None:
    env = {"PEC_VPC_ID": "vpc-2", "PEC_REGION": "", "PEC_WATCH_NAMESPACE": "games", "PEC_CLUSTER_NAME": "c"}
    config = parse({"vpc_id": "vpc-1", "watch_namespace": ""}, env)
    assert (config.vpc_id, config.region, config.watch_namespace) == ("vpc-1", None, None)


def test_upstreams_chart_sets_every_variable() -> None:
    env = {
        "PEC_KUBECONFIG": "",
        "PEC_VPC_ID": "",
        "PEC_REGION": "",
        "PEC_WATCH_NAMESPACE": "",
        "PEC_CLUSTER_NAME": "arn:aws:eks:eu-central-1:111122223333:cluster/games",
        "PEC_LOG_LEVEL": "DEBUG",
        "PEC_RESYNC_PERIOD": "0",
    }
    config = parse({}, env)
    assert (config.log_level, config.resync_period) == ("debug", 300)


def test_all_faults_are_told_at_once_with_flag_variable_and_value() -> None:
    said = faults(
        {"vpc_id": "x y", "log_level": "loud", "listen": "8080", "silence": "-1", "table": "t", "region": "mars 1"},
        {"PEC_LEASE_NAME": "A_b", "PEC_CREATE_TABLE": "yes", "PEC_CONCURRENCY": "0"},
    )
    named = [line.partition(":")[0] for line in said]
    assert named == [
        "--vpc-id (PEC_VPC_ID)",
        "--region (PEC_REGION)",
        "--cluster-name (PEC_CLUSTER_NAME) is required and not set",
        "--log-level (PEC_LOG_LEVEL)",
        "--table (PEC_TABLE)",
        "--create-table (PEC_CREATE_TABLE)",
        "--listen (PEC_LISTEN)",
        "--lease-name (PEC_LEASE_NAME)",
        "--silence (PEC_SILENCE)",
        "--concurrency (PEC_CONCURRENCY)",
    ]
    assert "'x y' is not a VPC id" in said[0]


def test_times_that_contradict_each_other_are_told_beside_other_faults() -> None:
    said = faults({**NAMED, "renew_deadline": "14", "table": "?"})
    assert len(said) == 2
    assert "--renew-deadline (14 s)" in said[1]
    assert "--lease-duration (15 s)" in said[1]


@pytest.mark.parametrize(
    ("raw", "seconds"),
    [("15", 15), ("2.5", 2.5), (".5", 0.5), ("15s", 15), ("1m30s", 90), ("1500ms", 1.5), ("1h", 3600), (" 7 ", 7)],
)
def test_times_are_numbers_or_go_durations(raw: str, seconds: float) -> None:
    assert parse(NAMED | {"consistency_time": raw}, {}).consistency_time == seconds


@pytest.mark.parametrize("raw", ["nan", "inf", "1e3", "15 s", "s", "-1", "1d", "0x10", "١٥", "1.2.3s", ".s"])
def test_other_times_are_refused(raw: str) -> None:
    assert len(faults(NAMED | {"consistency_time": raw})) == 1


@pytest.mark.parametrize(
    ("raw", "seconds"),
    [
        ("", 300),
        ("0", 300),
        ("-0", 300),
        ("0s", 300),
        ("30", 30),
        ("3600", 3600),
        ("+60", 60),
        ("2m", 120),
        ("45.5", 45.5),
    ],
)
def test_a_resync_period_that_can_be_meant_is_taken_without_a_word(raw: str, seconds: float) -> None:
    found = parse({}, {"PEC_CLUSTER_NAME": "c", "PEC_RESYNC_PERIOD": raw})
    assert (found.resync_period, found.warnings) == (seconds, ())


@pytest.mark.parametrize(
    ("raw", "seconds", "said"),
    [
        ("-1", 300, "is negative; 300 s are used"),
        ("-1h", 300, "is negative; 300 s are used"),
        ("often", 300, "is not a number of seconds; 300 s are used"),
        ("0x3c", 300, "is not a number of seconds; 300 s are used"),
        ("6 0", 300, "is not a number of seconds; 300 s are used"),
        ("a\x07\nb", 300, "is not a number of seconds; 300 s are used"),
        ("1", 30, "is too often; 30 s are used"),
        ("29.9", 30, "is too often; 30 s are used"),
        ("5ms", 30, "is too often; 30 s are used"),
        ("3601", 3600, "is too seldom; 3600 s are used"),
        ("86400", 3600, "is too seldom; 3600 s are used"),
        ("9" * 400, 3600, "is too seldom; 3600 s are used"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_any_other_resync_period_is_no_refusal_but_a_warning(raw: str, seconds: float, said: str) -> None:
    for found in (
        parse({"cluster_name": "c", "resync_period": raw}, {}),
        parse({}, {"PEC_CLUSTER_NAME": "c", "PEC_RESYNC_PERIOD": raw}),
    ):
        assert found.resync_period == seconds
        (line,) = found.warnings
        assert line.startswith("--resync-period (PEC_RESYNC_PERIOD): '")
        assert line.endswith(said)
        assert line.isprintable()
        assert len(line) < 250


def test_tests_may_resync_more_often() -> None:
    found = parse(NAMED | {"resync_period": "4", "resync_minimum": "1"}, {})
    assert (found.resync_period, found.warnings) == (4, ())
    assert faults(NAMED | {"resync_minimum": "0"})
    assert faults(NAMED | {"resync_minimum": "301"})


@pytest.mark.parametrize("raw", ["vpc-0123456789abcdef0", "vpc-1", "default", "VPC-7"])
def test_any_word_may_be_a_vpc(raw: str) -> None:
    assert parse(NAMED | {"vpc_id": raw}, {}).vpc_id == raw


@pytest.mark.parametrize(
    "raw", ["eu-central-1", "us-gov-west-1", "eusc-de-east-1", "EU-CENTRAL-1", "local", "us-iso-b-2"]
)
def test_any_word_may_be_a_region(raw: str) -> None:
    assert parse(NAMED | {"region": raw}, {}).region == raw


@pytest.mark.parametrize("raw", ["a b", "a_b", "a.b", "-a", "a-", "12", "a" * 64, "ä"])
def test_a_region_that_no_client_can_be_made_for_is_refused(raw: str) -> None:
    assert len(faults(NAMED | {"region": raw})) == 1


@pytest.mark.parametrize(
    ("field", "raw", "fault"),
    [
        ("poll_interval", "0.09", "is not a time of 0.1 to 15 seconds"),
        ("poll_interval", "15.1", "is not a time of 0.1 to 15 seconds"),
        ("lease_duration", "15.5", "is not a whole number of seconds"),
        ("concurrency", "0", "is not a whole number from 1 to 256"),
        ("concurrency", "257", "is not a whole number from 1 to 256"),
        ("concurrency", "8.0", "is not a whole number from 1 to 256"),
    ],
)
def test_numbers_have_bounds(field: str, raw: str, fault: str) -> None:
    (said,) = faults(NAMED | {field: raw})
    assert fault in said


@pytest.mark.parametrize(
    ("field", "raw", "value"),
    [("poll_interval", "0.1", 0.1), ("poll_interval", "15", 15), ("concurrency", "1", 1), ("concurrency", "256", 256)],
)
def test_bounds_are_included(field: str, raw: str, value: float) -> None:
    assert getattr(parse(NAMED | {field: raw}, {}), field) == value


@pytest.mark.parametrize(
    ("raw", "value"),
    [("true", True), ("T", True), ("1", True), ("TRUE", True), ("false", False), ("f", False), ("0", False)],
)
def test_booleans_are_gos(raw: str, value: bool) -> None:
    assert parse(NAMED | {"create_table": raw}, {}).create_table is value


@pytest.mark.parametrize(
    ("raw", "endpoint"),
    [
        ("0.0.0.0:8080", Endpoint(host="0.0.0.0", port=8080)),
        (":8080", Endpoint(host="", port=8080)),
        ("[::]:8080", Endpoint(host="::", port=8080)),
        ("localhost:65535", Endpoint(host="localhost", port=65535)),
    ],
)
def test_endpoints(raw: str, endpoint: Endpoint) -> None:
    found = parse(NAMED | {"listen": raw}, {}).listen
    assert found == endpoint
    assert str(found) == raw


@pytest.mark.parametrize("raw", ["8080", ":0", ":65536", "::1:80", "[::1]", "host:", "a b:80", "[x]:80", ":-1"])
def test_other_endpoints_are_refused(raw: str) -> None:
    assert len(faults(NAMED | {"listen": raw})) == 1


@pytest.mark.parametrize("raw", ["warning", "WARN", "Warn"])
def test_log_levels_in_any_case(raw: str) -> None:
    assert parse(NAMED | {"log_level": raw}, {}).log_level == "warn"


def test_a_command_says_what_it_needs() -> None:
    assert parse({}, {}, required=()).cluster_name == ""


@settings(deadline=None)
@given(st.sampled_from(SETTINGS), st.text(max_size=300))
def test_whatever_is_written_gives_a_value_or_one_line_a_fault(setting: Setting, raw: str) -> None:
    lines = faults_if_any(NAMED | {setting.field: raw})
    assert all(line.isprintable() and len(line) < 400 for line in lines)


def test_the_format_of_logs_is_one_of_three_words() -> None:
    assert parse(NAMED, {}).log_format is None
    assert parse(NAMED, {"PEC_LOG_FORMAT": "JSON"}).log_format == "json"
    assert parse(NAMED | {"log_format": "text"}, {"PEC_LOG_FORMAT": "json"}).log_format == "text"
    wrong = "--log-format (PEC_LOG_FORMAT): 'xml' is not text or json"
    assert faults(NAMED | {"log_format": "xml"}) == (wrong,)


def faults_if_any(flags: Mapping[str, str | None]) -> tuple[str, ...]:
    try:
        parse(flags, {})
    except Misconfigured as fault:
        return fault.faults
    return ()
