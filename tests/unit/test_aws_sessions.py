"""Sessions of botocore read its data files once for the process, and still look where AWS_DATA_PATH says."""

import json
from pathlib import Path

import pytest
from botocore.session import Session

from state.connection import GuardedConnection
from state.sessions import new_session, with_files


def test_a_second_session_finds_what_the_first_has_read() -> None:
    first, second = new_session(), new_session()
    model = first.get_component("data_loader").load_service_model("sts", "service-2")
    assert second.get_component("data_loader").load_service_model("sts", "service-2") is model
    assert with_files(Session()).get_component("data_loader").load_service_model("sts", "service-2") is model


def test_sessions_share_nothing_else() -> None:
    first, second = new_session(), new_session()
    first.set_config_variable("region", "eu-central-1")
    assert second.get_config_variable("region") != "eu-central-1"
    assert first.get_component("event_emitter") is not second.get_component("event_emitter")


def test_the_ledgers_connection_has_them_too() -> None:
    connection = GuardedConnection("table", region="eu-central-1", call_timeout=1.0)
    assert connection.session.get_component("data_loader") is new_session().get_component("data_loader")


def test_models_of_ones_own_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "own" / "2026-01-01"
    folder.mkdir(parents=True)
    (folder / "service-2.json").write_text(json.dumps({"metadata": {"serviceId": "own"}}))
    monkeypatch.setenv("AWS_DATA_PATH", str(tmp_path))
    loader = new_session().get_component("data_loader")
    assert loader.load_service_model("own", "service-2")["metadata"]["serviceId"] == "own"
