"""Settings with a form of their own: tags for what is allocated, and where traces are shown."""

import pytest

from controller.core.config import parse
from state.errors import Misconfigured

NAMED = {"cluster_name": "c"}


def faults(flags: dict[str, str]) -> tuple[str, ...]:
    """What is wrong with these."""
    with pytest.raises(Misconfigured) as caught:
        parse(NAMED | flags, {})
    return caught.value.faults


@pytest.mark.parametrize(
    ("raw", "tags"),
    [
        ("", None),
        ("CostCenter=42", {"CostCenter": "42"}),
        ("CostCenter=42, team=net=1", {"CostCenter": "42", "team": "net=1"}),
        ('{"a, b": "c=d", "n": 7, "on": true}', {"a, b": "c=d", "n": "7", "on": "true"}),
    ],
)
def test_more_tags_for_what_is_allocated(raw: str, tags: dict[str, str] | None) -> None:
    assert parse(NAMED | {"extra_tags": raw}, {}).extra_tags == tags


@pytest.mark.parametrize(
    "raw",
    [
        "CostCenter",
        "=42",
        "aws:cost=1",
        "aws-samples.github.com/x=1",
        '{"a": []}',
        "{",
        f"k={'v' * 257}",
        f"{'k' * 129}=v",
        ",".join(f"k{number}=v" for number in range(46)),
    ],
)
def test_tags_that_ec2_would_refuse_end_the_start(raw: str) -> None:
    [fault] = faults({"extra_tags": raw})
    assert fault.startswith("--extra-tags (PEC_EXTRA_TAGS)")


@pytest.mark.parametrize(
    "url",
    [
        "https://jaeger.example/trace/{trace_id}",
        "http://localhost:16686/trace/{trace_id}?uiFind=a%20b#x",
        "http://[::1]:16686/trace/{trace_id}",
        "https://eu-central-1.console.aws.amazon.com/cloudwatch/home?region=eu-central-1#xray:traces/{xray_trace_id}",
    ],
)
def test_where_traces_are_shown(url: str) -> None:
    assert parse(NAMED | {"trace_url": url}, {}).trace_url == url
    assert parse(NAMED, {}).trace_url is None


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)/{trace_id}",
        "data:text/html,/{trace_id}",
        "//jaeger.example/{trace_id}",
        "HTTPS:/jaeger/{trace_id}",
        "https://{trace_id}.evil.example/",
        "https://jaeger.example/trace/",
        "https://jaeger.example/{trace_id}/{trace_id}",
        "https://jaeger.example/{trace}",
        'https://jaeger.example/"onx=y {trace_id}',
        "https://jaeger.example/\u202e{trace_id}",
    ],
)
def test_a_place_for_traces_that_no_page_may_link_to_ends_the_start(url: str) -> None:
    [fault] = faults({"trace_url": url})
    assert fault.startswith("--trace-url (PEC_TRACE_URL)")
