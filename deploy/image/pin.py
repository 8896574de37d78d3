"""The base image's tag is given to other images as time goes on: this writes into the Dockerfile which one it is now.

    python deploy/image/pin.py [DOCKERFILE]

It asks the registry for what stands behind the tag of `ARG BASE=...`, as an image builder would, and writes the digest
behind it: `NAME:TAG@sha256:...`. The digest is counted from what the registry sent, not taken from its word.
"""

import hashlib
import json
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode, urlsplit
from urllib.request import Request, urlopen

LINE = re.compile(r"^ARG BASE=(?P<name>[^\s@:]+(?::\d+/[^\s@:]+)?):(?P<tag>[\w.-]+)(?P<digest>@\S+)?$", re.MULTILINE)
INDEXES = ("application/vnd.oci.image.index.v1+json", "application/vnd.docker.distribution.manifest.list.v2+json")
"""For several platforms. A tag that has a manifest for one only is refused: its digest would fit no other machine."""
HUB, HUB_API = "docker.io", "registry-1.docker.io"
PLAIN = ("127.0.0.1", "localhost")
"""Hosts that may be asked without TLS: this machine."""
TIME_LIMIT_S = 30
LARGEST = 4 << 20
"""Bytes of an answer: what registries allow a manifest to have."""


class PinError(Exception):
    """Why there is no digest."""


@dataclass(frozen=True, slots=True)
class Image:
    """Where a registry has an image."""

    host: str
    repository: str
    tag: str

    @property
    def url(self) -> str:
        """Of its manifest."""
        host = HUB_API if self.host == HUB else self.host
        scheme = "http" if host.partition(":")[0] in PLAIN else "https"
        return f"{scheme}://{host}/v2/{self.repository}/manifests/{self.tag}"


def image_of(name: str, tag: str) -> Image:
    """As Docker reads names: without a host it is Docker Hub, and there without a folder `library`."""
    first, _, rest = name.partition("/")
    host, path = (first, rest) if rest and ("." in first or ":" in first or first == "localhost") else (HUB, name)
    return Image(host, f"library/{path}" if host == HUB and "/" not in path else path, tag)


def named(dockerfile: str) -> tuple[str, str]:
    """The base's name and tag; raises PinError unless there is just one."""
    found = [(line["name"], line["tag"]) for line in LINE.finditer(dockerfile)]
    if len(found) != 1:
        raise PinError("it needs one line ARG BASE=NAME:TAG")
    return found[0]


def pinned(dockerfile: str, digest: str) -> str:
    """The Dockerfile with this digest in the place of the old one."""
    return LINE.sub(lambda line: f"ARG BASE={line['name']}:{line['tag']}@{digest}", dockerfile)


def digest_of(image: Image) -> str:
    """What the tag means now. Raises PinError."""
    try:
        kind, body, told = _manifest(image.url)
    except (OSError, HTTPException, ValueError) as error:
        raise PinError(f"{image.url}: {error}") from error
    if kind not in INDEXES:
        raise PinError(f"{image.url}: {kind or 'what came'} is not an image for several platforms")
    digest = f"sha256:{hashlib.sha256(body).hexdigest()}"
    if told and told != digest:
        raise PinError(f"{image.url}: what came is {digest}, and not {told} as the registry says")
    return digest


def _manifest(url: str) -> tuple[str, bytes, str]:
    """Its media type, itself, and the digest that the registry says it has."""
    headers = {"Accept": ", ".join(INDEXES)}
    try:
        return _get(url, headers)
    except HTTPError as refusal:
        with refusal:
            wanted = refusal.headers.get("WWW-Authenticate", "")
            if refusal.code != 401 or not wanted.lower().startswith("bearer "):
                raise
    return _get(url, {**headers, "Authorization": f"Bearer {_token(wanted)}"})


def _token(wanted: str) -> str:
    """One for anybody, from where the registry says."""
    asked = dict(re.findall(r'(\w+)="([^"]*)"', wanted))
    realm = asked.pop("realm", "")
    if not realm.startswith("https://") and urlsplit(realm).hostname not in PLAIN:
        raise ValueError(f"tokens are at {realm or 'no address'}, which is not https")
    _, body, _ = _get(f"{realm}?{urlencode(asked)}", {})
    given: dict[str, Any] = json.loads(body)
    token = given.get("token") or given.get("access_token")
    if not token:
        raise ValueError(f"{realm} gives no token")
    return str(token)


def _get(url: str, headers: Mapping[str, str]) -> tuple[str, bytes, str]:
    with urlopen(Request(url, headers=dict(headers)), timeout=TIME_LIMIT_S) as answer:
        body: bytes = answer.read(LARGEST + 1)
        if len(body) > LARGEST:
            raise ValueError(f"the answer has more than {LARGEST} bytes")
        return answer.headers.get_content_type(), body, answer.headers.get("Docker-Content-Digest", "")


def main(argv: list[str]) -> str:
    """Write the digest, and say which; SystemExit with what is wrong."""
    file = Path(argv[0] if argv else "Dockerfile")
    try:
        before = file.read_text()
        digest = digest_of(image_of(*named(before)))
    except (PinError, OSError) as error:
        sys.exit(f"{file}: {error}")
    after = pinned(before, digest)
    if after == before:
        return f"{file}: {digest} is still what the tag means"
    file.write_text(after)
    return f"{file}: the base is now {digest}"


if __name__ == "__main__":
    sys.stdout.write(main(sys.argv[1:]) + "\n")
