"""The base's digest comes from the registry, which here is a stub that behaves like one, and from nowhere else."""

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import parse_qs, urlsplit

import pytest

from deploy.image import pin
from tests.image.tree import ROOT

OCI, DOCKER = pin.INDEXES
ONE_PLATFORM = "application/vnd.oci.image.manifest.v1+json"
OLD = "sha256:" + "0" * 64
INDEX = b'{"schemaVersion": 2, "manifests": []}'
DIGEST = "sha256:" + hashlib.sha256(INDEX).hexdigest()
SCOPE = "repository:library/python:pull"


@dataclass
class Registry:
    """What it has, and how it behaves."""

    kind: str = OCI
    body: bytes = INDEX
    digest: str = DIGEST
    status: int = 200
    token: str = ""
    field_of_token: str = "token"
    realm: str = ""
    port: int = 0

    @property
    def name(self) -> str:
        """Of the image that it has."""
        return f"127.0.0.1:{self.port}/library/python"

    def challenge(self) -> str:
        """What it says to whoever comes without a token."""
        realm = self.realm or f"http://127.0.0.1:{self.port}/token"
        return f'Bearer realm="{realm}",service="the registry",scope="{SCOPE}"'


@contextmanager
def serving(registry: Registry) -> Iterator[Registry]:
    """It answers on a port of its own."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path.startswith("/token?"):
                assert parse_qs(urlsplit(self.path).query) == {"service": ["the registry"], "scope": [SCOPE]}
                self.say(200, f'{{"{registry.field_of_token}": "{registry.token}"}}'.encode(), {})
            elif registry.token and self.headers["Authorization"] != f"Bearer {registry.token}":
                self.say(401, b"", {"WWW-Authenticate": registry.challenge()})
            else:
                known = self.path == "/v2/library/python/manifests/3.11-slim" and OCI in self.headers["Accept"]
                headers = {"Content-Type": registry.kind, "Docker-Content-Digest": registry.digest}
                self.say(registry.status if known else 404, registry.body, {k: v for k, v in headers.items() if v})

        def say(self, status: int, body: bytes, headers: dict[str, str]) -> None:
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    registry.port = server.server_port
    thread = Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield registry
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


@pytest.fixture
def dockerfile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Ours, to be changed; no proxy stands before the stub."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    path = tmp_path / "Dockerfile"
    path.write_text((ROOT / "Dockerfile").read_text())
    return path


def have(dockerfile: Path, base: str) -> None:
    """Its base is this one."""
    dockerfile.write_text(re.sub(r"^ARG BASE=.*$", f"ARG BASE={base}", dockerfile.read_text(), flags=re.MULTILINE))


def base_of(dockerfile: Path) -> str:
    """What it names."""
    [base] = re.findall(r"^ARG BASE=(.*)$", dockerfile.read_text(), re.MULTILINE)
    return str(base)


@pytest.mark.parametrize("old", ["", "@" + OLD])
@pytest.mark.parametrize(
    "registry",
    [
        Registry(),
        Registry(kind=DOCKER),
        Registry(digest=""),
        Registry(token="t"),
        Registry(token="t", field_of_token="access_token"),
    ],
    ids=["open", "docker", "says no digest", "token", "other token"],
)
def test_the_digest_of_the_registry_is_written(dockerfile: Path, registry: Registry, old: str) -> None:
    with serving(registry):
        have(dockerfile, f"{registry.name}:3.11-slim{old}")
        before = dockerfile.read_text()
        assert pin.main([str(dockerfile)]).endswith(f"the base is now {DIGEST}")
        assert base_of(dockerfile) == f"{registry.name}:3.11-slim@{DIGEST}"
        assert len(dockerfile.read_text().splitlines()) == len(before.splitlines())
        assert pin.main([str(dockerfile)]).endswith("is still what the tag means")


@pytest.mark.parametrize(
    ("registry", "words"),
    [
        (Registry(digest=OLD), f"not {OLD} as the registry says"),
        (Registry(kind=ONE_PLATFORM), "not an image for several platforms"),
        (Registry(status=404), "404"),
        (Registry(status=429), "429"),
        (Registry(status=401), "401"),
        (Registry(body=b" " * (pin.LARGEST + 1)), "more than"),
        (Registry(token="t", field_of_token="other"), "gives no token"),
        (Registry(token="t", realm="http://example.com/token"), "which is not https"),
    ],
    ids=["another digest", "one platform", "no tag", "too often", "no way to log in", "large", "no token", "no TLS"],
)
def test_whatever_is_not_right_changes_nothing(dockerfile: Path, registry: Registry, words: str) -> None:
    with serving(registry):
        have(dockerfile, f"{registry.name}:3.11-slim@{OLD}")
        with pytest.raises(SystemExit, match=re.escape(words)):
            pin.main([str(dockerfile)])
        assert base_of(dockerfile).endswith(OLD)


def test_a_registry_that_is_not_there_is_told(dockerfile: Path) -> None:
    with serving(Registry()) as registry:
        have(dockerfile, f"{registry.name}:3.11-slim")
    with pytest.raises(SystemExit, match="refused"):
        pin.main([str(dockerfile)])


@pytest.mark.parametrize("text", ["FROM x\n", "ARG BASE=python\n", "ARG BASE=a:1\nARG BASE=b:1\n"])
def test_a_dockerfile_without_one_base_is_told(tmp_path: Path, text: str) -> None:
    (tmp_path / "Dockerfile").write_text(text)
    with pytest.raises(SystemExit, match="it needs one line ARG BASE=NAME:TAG"):
        pin.main([str(tmp_path / "Dockerfile")])


@pytest.mark.parametrize(
    ("name", "url"),
    [
        ("python", "https://registry-1.docker.io/v2/library/python/manifests/1"),
        ("docker.io/library/python", "https://registry-1.docker.io/v2/library/python/manifests/1"),
        ("docker.io/python", "https://registry-1.docker.io/v2/library/python/manifests/1"),
        ("some/python", "https://registry-1.docker.io/v2/some/python/manifests/1"),
        ("example.com/a/b/python", "https://example.com/v2/a/b/python/manifests/1"),
        ("example.com:5000/python", "https://example.com:5000/v2/python/manifests/1"),
        ("localhost/python", "http://localhost/v2/python/manifests/1"),
    ],
)
def test_names_are_read_as_docker_reads_them(name: str, url: str) -> None:
    assert pin.named(f"ARG BASE={name}:1\n") == (name, "1")
    assert pin.image_of(name, "1").url == url


def test_our_dockerfile_names_one_base_by_its_digest() -> None:
    ours = (ROOT / "Dockerfile").read_text()
    assert pin.named(ours) == ("docker.io/library/python", "3.11-slim")
    _, _, digest = base_of(ROOT / "Dockerfile").partition("@")
    assert re.fullmatch(r"sha256:[0-9a-f]{64}", digest)
    assert set(re.findall(r"^FROM (\S+)", ours, re.MULTILINE)) == {"${BASE}", "scratch"}
