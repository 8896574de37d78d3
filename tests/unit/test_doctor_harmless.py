"""Nothing that `doctor` sends changes anything, whatever its checks ask for; and its arithmetic of clocks."""

from urllib.parse import parse_qs

import pytest

from controller.aws.client import MUTATIONS, READS
from controller.core.diagnosis.rights import NEEDED
from controller.doctor.dates import ahead_of
from controller.doctor.ec2 import Ec2Reader, is_harmless
from sandbox.ec2.server import Ec2Server
from state.credentials import CredentialKeeper
from state.errors import NotSent
from tests.fakes.kube_http import Reply, scripted

DATE = "Sat, 28 Nov 2026 00:00:10 GMT"
AT = 1_795_824_010.0


@pytest.mark.parametrize("action", sorted(MUTATIONS | {"CreateTags", "ModifyInstanceAttribute"}))
def test_a_mutation_is_harmless_as_a_dry_run_alone(action: str) -> None:
    assert is_harmless(f"Action={action}&Version=2016-11-15&DryRun=true")
    assert not is_harmless(f"Action={action}&Version=2016-11-15".encode())
    assert not is_harmless(f"Action={action}&DryRun=false")
    assert not is_harmless(f"Action={action}&DryRun=true&DryRun=false")


@pytest.mark.parametrize("action", sorted(READS))
def test_a_describe_is_harmless(action: str) -> None:
    assert is_harmless(f"Action={action}&MaxResults=5")


def test_a_mutation_that_somebody_forgot_to_mark_does_not_leave(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s")
    with Ec2Server() as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL_EC2", server.url)
        keeper = CredentialKeeper()
        reader = Ec2Reader(region="us-west-2", call_timeout_s=10.0, keeper=keeper)
        with pytest.raises(NotSent):
            reader.ask("AllocateAddress", Domain="vpc")
        assert reader.dry_run("AllocateAddress", Domain="vpc").code == "DryRunOperation"
        assert [record.code for record in server.control.log()] == ["DryRunOperation"] * 2
        assert not server.control.world().addresses
        reader.close()
        keeper.stop()


def test_where_the_mark_is_not_known_nothing_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stand-in for EC2 that answers a dry run as if it were none would carry a mutation out."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s")
    body = b"<DescribeAddressesResponse><addressesSet/></DescribeAddressesResponse>"
    with scripted(lambda _: Reply(status=200, body=body)) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL_EC2", server.url)
        keeper = CredentialKeeper()
        reader = Ec2Reader(region="us-west-2", call_timeout_s=10.0, keeper=keeper)
        for action in ("AllocateAddress", "ReleaseAddress"):
            assert "might carry it out" in reader.dry_run(action).why_not
        reader.close()
        keeper.stop()
    assert [parse_qs(heard.body.decode())["Action"] for heard in server.heard] == [["DescribeAddresses"]]


def test_the_rights_that_are_tried_come_from_the_policies() -> None:
    assert {f"ec2:{name}" for name in MUTATIONS | READS} < NEEDED


@pytest.mark.parametrize(
    ("sent", "received", "ahead"),
    [
        (AT, AT + 0.5, 0.0),
        (AT + 0.9, AT + 3, 0.0),
        (AT - 3, AT, 0.0),
        (AT + 61, AT + 62, 60.0),
        (AT - 90, AT - 40, -40),
    ],
)
def test_a_clock_is_off_where_no_instant_of_the_call_fits_the_date(sent: float, received: float, ahead: float) -> None:
    assert ahead_of(DATE, sent, received) == pytest.approx(ahead)


@pytest.mark.parametrize("date", [None, "", "yesterday"])
def test_a_missing_date_says_nothing(date: str | None) -> None:
    assert ahead_of(date, AT, AT) is None
