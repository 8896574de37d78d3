"""The client's settings: what a call may take, and that the reduced model has all that our calls need."""

from typing import Any

import pytest

from controller.aws.client import MUTATIONS, READS, ec2_client
from state.errors import Misconfigured


class Nobody:
    """A guard that is never asked here."""

    def check(self) -> None:
        raise AssertionError("nothing is sent")


@pytest.mark.parametrize("limit", [0.9, 4.0, 30.0])
def test_connecting_and_reading_fit_into_one_calls_limit(limit: float) -> None:
    config: Any = ec2_client(region="us-west-2", guard=Nobody(), call_timeout_s=limit, version="1").meta.config
    assert config.connect_timeout <= min(1.0, limit / 3)
    assert config.connect_timeout + config.read_timeout <= limit + 1e-9
    assert config.retries["total_max_attempts"] == 1


def test_the_model_holds_our_calls_only() -> None:
    model = ec2_client(region="us-west-2", guard=Nobody(), call_timeout_s=4, version="1").meta.service_model
    assert set(model.operation_names) == MUTATIONS | READS
    for name in model.operation_names:
        operation = model.operation_model(name)
        assert operation.input_shape is not None
    assert len(model.shape_names) < 100


@pytest.mark.parametrize(("name", "value"), [("AWS_ENDPOINT_URL_EC2", "nonsense"), ("AWS_PROFILE", "missing")])
def test_settings_that_cannot_be_used_are_told(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    monkeypatch.setenv(name, value)
    with pytest.raises(Misconfigured, match=value):
        ec2_client(region="us-west-2", guard=Nobody(), call_timeout_s=4, version="1")
