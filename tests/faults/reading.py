"""What a request at a door asks for, and when it was made: read from its method, path, headers and body."""

import json
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from math import inf
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from sandbox.kube.target import parse_path, verb_of
from tests.history import Call, Process, Service


def read(service: Service, who: Process, method: str, path: str, target: str, body: bytes) -> Call:
    """What a request asks for; `target` is DynamoDB's header of that name."""
    call = Call(service=service, who=who, what=method, began=time.monotonic())
    if service == "ec2":
        asked = dict(parse_qsl(body.decode()))
        about = " ".join(v for k, v in asked.items() if k.endswith("Id") or k == "PrivateIpAddress")
        return replace(call, what=asked.get("Action", ""), about=about, body=asked)
    if service == "dynamodb":
        wanted = json.loads(body)
        return replace(call, what=target.rpartition(".")[2], about=_items(wanted), body=wanted)
    url = urlsplit(path)
    place = parse_path(url.path)
    if place is None:
        return replace(call, what=f"{method} {url.path}")
    verb = verb_of(method, place, watching="watch=" in url.query)
    what = " ".join(filter(None, (verb, place.resource.plural, place.subresource)))
    return replace(call, what=what, about=place.key, body=_json(body))


def signed_at(date: str) -> float:
    """The end of the second that a signature names, in this machine's monotonic time; infinite where there is none."""
    if not date:
        return inf
    second = datetime.strptime(date, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    return second.timestamp() + 1 - time.time() + time.monotonic()


def _items(wanted: Mapping[str, Any]) -> str:
    parts = [part for entry in wanted.get("TransactItems", ()) for part in entry.items()]
    keys = ((verb, asked.get("Key") or asked.get("Item", {})) for verb, asked in parts)
    return ", ".join(f"{verb} {key.get('pk', {}).get('S')} {key.get('sk', {}).get('S')}" for verb, key in keys)


def _json(body: bytes) -> Mapping[str, Any]:
    with suppress(ValueError):
        found = json.loads(body)
        if isinstance(found, dict):
            return found
    return {}
