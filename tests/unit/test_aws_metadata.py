"""Where we are, asked of a small metadata service that insists on version 2, and of one that never answers."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

import pytest

from controller.aws.metadata import discover_region, discover_vpc_id, instance_attributes
from state.errors import Misconfigured

TOKEN = "AQAEtoken"
ROOT = "/latest/meta-data/"
# As the EC2 user guide shows it ("Instance identity documents").
DOCUMENT = """{
    "devpayProductCodes" : null,
    "availabilityZone" : "us-west-2b",
    "privateIp" : "10.158.112.84",
    "version" : "2017-09-30",
    "instanceId" : "i-1234567890abcdef0",
    "billingProducts" : null,
    "instanceType" : "t2.micro",
    "accountId" : "123456789012",
    "imageId" : "ami-5fb8c835",
    "pendingTime" : "2016-11-19T16:32:11Z",
    "architecture" : "x86_64",
    "kernelId" : null,
    "ramdiskId" : null,
    "region" : "us-west-2"
}"""


class Metadata(BaseHTTPRequestHandler):
    """Knows its token and a few paths."""

    pages: ClassVar = {
        ROOT + "mac": "0e:49:61:0f:c3:11",
        ROOT + "network/interfaces/macs/0e:49:61:0f:c3:11/vpc-id": "vpc-0a1b",
        ROOT + "placement/region": "eu-north-1",
        "/latest/dynamic/instance-identity/document": DOCUMENT,
    }

    def do_PUT(self) -> None:
        right = self.path == "/latest/api/token" and self.headers.get("X-aws-ec2-metadata-token-ttl-seconds")
        self._answer(200 if right else 400, TOKEN)

    def do_GET(self) -> None:
        if self.headers.get("X-aws-ec2-metadata-token") != TOKEN:
            self._answer(401, "")
        else:
            self._answer(200 if self.path in self.pages else 404, self.pages.get(self.path, "Not Found"))

    def _answer(self, status: int, text: str) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@pytest.fixture
def service() -> Iterator[str]:
    """The URL of a running metadata service."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Metadata) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """No AWS settings but those that a test makes."""
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, "/nonexistent")


def at(url: str, **more: str) -> dict[str, str]:
    """An environment that points to the service."""
    return {"AWS_EC2_METADATA_SERVICE_ENDPOINT": url, **more}


def answered(ask: Callable[[], str | None]) -> str | None:
    """The first answer of some: on a busy machine the service may be slower than the product waits for it."""
    return next(filter(None, (ask() for _ in range(10))), None)


def test_the_instance_tells_what_it_is_in_the_words_of_opentelemetry(service: str) -> None:
    assert next(filter(None, (instance_attributes(at(service)) for _ in range(10)))) == {
        "cloud.account.id": "123456789012",
        "cloud.availability_zone": "us-west-2b",
        "host.id": "i-1234567890abcdef0",
        "host.type": "t2.micro",
        "host.image.id": "ami-5fb8c835",
    }
    assert instance_attributes(at(service, AWS_EC2_METADATA_DISABLED="true")) == {}
    assert instance_attributes(at(service + "/nowhere")) == {}


def test_the_instance_knows_its_vpc_and_region(service: str) -> None:
    assert answered(lambda: discover_vpc_id(at(service))) == "vpc-0a1b"
    assert answered(lambda: discover_region(at(service + "/"))) == "eu-north-1"


def test_settings_go_before_metadata(service: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-2")
    assert discover_region(at(service)) == "us-east-2"
    assert discover_region(at(service, AWS_REGION="us-east-1")) == "us-east-1"


def test_a_profile_has_a_region(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    config = tmp_path / "config"
    config.write_text("[profile games]\nregion = ap-south-1\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    monkeypatch.setenv("AWS_PROFILE", "games")
    assert discover_region({}) == "ap-south-1"


def test_a_profile_that_is_not_there_is_the_operators_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "missing")
    with pytest.raises(Misconfigured, match="missing"):
        discover_region({})


def test_metadata_can_be_turned_off(service: str) -> None:
    environ = at(service, AWS_EC2_METADATA_DISABLED="True")
    assert discover_vpc_id(environ) is None
    assert discover_region(environ) is None


def test_no_service_is_no_answer() -> None:
    assert discover_vpc_id(at("http://127.0.0.1:9")) is None


def test_something_else_at_the_address_is_no_answer(service: str) -> None:
    assert discover_vpc_id(at(f"{service}/elsewhere")) is None


def test_silence_ends_soon() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        started = time.monotonic()
        assert discover_vpc_id(at(f"http://127.0.0.1:{silent.getsockname()[1]}")) is None
    assert time.monotonic() - started < 60  # it would be silent for ever
