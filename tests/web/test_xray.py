"""Where X-Ray is in each partition, and that what is signed is what is sent."""

import time
from collections.abc import Iterator

import pytest
from opentelemetry import trace

from controller.core import trace_settings
from controller.core.trace_settings import TraceSettings
from controller.surface import pipeline, xray
from sandbox.xray import Account, Key, XRay
from state.credentials import CredentialKeeper
from state.errors import Misconfigured

ATTRIBUTES = {"service.name": "it"}


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    given = {"AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": "s3cret", "AWS_SESSION_TOKEN": "token"}
    for name, value in given.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def keeper() -> Iterator[CredentialKeeper]:
    made = CredentialKeeper()
    yield made
    made.stop()


@pytest.mark.parametrize(
    ("region", "url"),
    [
        # CloudWatch user guide, "OTLP Endpoints", and the domains of the partitions.
        ("us-west-2", "https://xray.us-west-2.amazonaws.com/v1/traces"),
        ("cn-north-1", "https://xray.cn-north-1.amazonaws.com.cn/v1/traces"),
        ("us-gov-west-1", "https://xray.us-gov-west-1.amazonaws.com/v1/traces"),
    ],
)
def test_each_partition_has_its_domain(region: str, url: str, keeper: CredentialKeeper) -> None:
    assert xray.endpoint_of(region, keeper) == url


def test_fips_and_an_endpoint_of_ones_own(keeper: CredentialKeeper, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_USE_FIPS_ENDPOINT", "true")
    assert xray.endpoint_of("us-gov-west-1", keeper) == "https://xray-fips.us-gov-west-1.amazonaws.com/v1/traces"
    monkeypatch.setenv("AWS_USE_FIPS_ENDPOINT", "false")
    monkeypatch.setenv("AWS_ENDPOINT_URL_XRAY", "https://vpce-1.xray.example/")
    assert xray.endpoint_of("eu-west-1", keeper) == "https://vpce-1.xray.example/v1/traces"


def test_no_region_is_misconfigured(keeper: CredentialKeeper) -> None:
    with pytest.raises(Misconfigured):
        xray.endpoint_of("no region", keeper)


def settings() -> TraceSettings:
    found = trace_settings.parse({"OTEL_TRACES_EXPORTER": "xray"})
    assert found is not None
    return found


class Tally:
    """Counts spans."""

    def __init__(self) -> None:
        self.counts: dict[tuple[str, str], int] = {}

    def spans(self, exporter: str, outcome: str, count: int) -> None:
        """Add."""
        if count:
            self.counts[exporter, outcome] = self.counts.get((exporter, outcome), 0) + count


def test_the_receiver_takes_what_is_sent(keeper: CredentialKeeper, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "api-key=of-another-vendor,x-amz-forged=1")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", "/nonexistent")
    tally = Tally()
    with XRay(Account(region="eu-west-1", keys={"AKID": Key(secret="s3cret", token="token")})) as receiver:
        monkeypatch.setenv("AWS_ENDPOINT_URL_XRAY", receiver.url)
        provider = pipeline.provider(settings(), ATTRIBUTES, region="eu-west-1", keeper=keeper, counted=tally)
        with provider.get_tracer("it").start_as_current_span("Associate", kind=trace.SpanKind.CLIENT):
            pass
        provider.shutdown()
    assert receiver.account.refusals == []
    assert [span.name for span in receiver.account.spans] == ["Associate"]
    assert receiver.account.resources[0]["service.name"] == "it"
    [headers] = receiver.account.headers
    assert not {"api-key", "x-amz-forged"} & set(headers)
    assert tally.counts == {("xray", "sent"): 1}


def test_spans_that_are_days_apart_go_in_requests_of_their_own(
    keeper: CredentialKeeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    tally, hour, now = Tally(), 3600 * 10**9, time.time_ns()
    with XRay(Account(keys={"AKID": Key(secret="s3cret", token="token")})) as receiver:
        monkeypatch.setenv("AWS_ENDPOINT_URL_XRAY", receiver.url)
        provider = pipeline.provider(settings(), ATTRIBUTES, region="us-west-2", keeper=keeper, counted=tally)
        for hours in (0, 50, 30, 1, 25):
            provider.get_tracer("it").start_span(f"{hours} h ago", start_time=now - hours * hour).end()
        provider.shutdown()
    assert receiver.account.refusals == []
    assert len(receiver.account.headers) == 3  # of 50 and 30, of 25, of 1 and 0
    assert tally.counts == {("xray", "sent"): 5}


def test_without_credentials_spans_are_lost_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    keeper, tally = CredentialKeeper(patience_s=0.1), Tally()
    with XRay() as receiver:
        monkeypatch.setenv("AWS_ENDPOINT_URL_XRAY", receiver.url)
        provider = pipeline.provider(settings(), ATTRIBUTES, region="us-west-2", keeper=keeper, counted=tally)
        provider.get_tracer("it").start_span("Associate").end()
        provider.shutdown()
    keeper.stop()
    assert tally.counts == {("xray", "undelivered"): 1}
    assert receiver.account.refusals == []
