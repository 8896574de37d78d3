"""Writes a history down while it happens: the calls at the doors, the Pods by a watch, the table by its own words.

Nothing here asks a replica. What a door saw of a transaction is turned into what it wrote; the table itself is read
by bare boto3, at the end and where a person changes it behind the doors.
"""

import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import boto3
import urllib3
from boto3.dynamodb.types import TypeDeserializer
from botocore.config import Config

from controller.core import contract
from sandbox.kube.client import ApiClient
from tests.history import TRANSACTION, Call, Item, Key, PodSight, Process, Signal, Write

_DECODE = TypeDeserializer()
_LIMITS = Config(connect_timeout=2, read_timeout=10, retries={"total_max_attempts": 2})
REGION = "us-west-2"
POD_ENI = "vpc.amazonaws.com/pod-eni"


class Recorder:
    """What was seen so far; safe to use from many threads."""

    def __init__(self) -> None:
        self.began = time.monotonic()
        self.calls: list[Call] = []
        self.writes: list[Write] = []
        self.pods: list[PodSight] = []
        self.signals: list[Signal] = []
        self.lives: dict[str, int] = {}
        self._tokens: set[str] = set()
        self.order = threading.Lock()

    def process(self, name: str) -> Process:
        """The process that runs under this name now."""
        return Process(name=name, life=self.lives.get(name, 0))

    def saw(self, call: Call) -> None:
        """A call came through a door, or did not."""
        self.calls.append(call)
        if call.what == TRANSACTION and (call.status == 200 or call.ended - call.began > 30):
            self._wrote(call)

    def _wrote(self, call: Call) -> None:
        """A transaction was accepted, or perhaps was; one that is repeated with its token changes nothing."""
        token = str(call.body.get("ClientRequestToken", ""))
        if token and token in self._tokens:
            return
        if call.status == 200:
            self._tokens.add(token)
        self.writes.append(_write(call, sure=call.status == 200))

    def signal(self, name: str, kind: Any) -> None:
        """A process is sent a signal."""
        self.signals.append(Signal(at=time.monotonic(), who=self.process(name), kind=kind))

    def replaced(self, items: Mapping[Key, Item]) -> None:
        """A person changed the table behind the doors; this is what stands in it now."""
        self.writes.append(Write(at=time.monotonic(), puts=dict(items), resets=True))


def _write(call: Call, *, sure: bool) -> Write:
    puts: dict[Key, Item] = {}
    deletes: set[Key] = set()
    fence, raises = "", set()
    directory = False
    for entry in call.body["TransactItems"]:
        if "Put" in entry:
            item = decoded(entry["Put"]["Item"])
            key = (str(item["pk"]), str(item["sk"]))
            directory = directory or key[0] == "installs"
            puts[key] = item
        elif "Delete" in entry:
            key_item = decoded(entry["Delete"]["Key"])
            deletes.add((str(key_item["pk"]), str(key_item["sk"])))
        elif "Update" in entry:
            install = _install(entry["Update"])
            takes = "nonce" in entry["Update"].get("ExpressionAttributeNames", {}).values()
            raises |= {install} if takes else set()
            fence = fence if takes else install
    raises |= {fence} if directory else set()
    return Write(
        who=call.who,
        at=call.ended,
        puts=puts,
        deletes=frozenset(deletes),
        fence=fence,
        raises=frozenset(raises),
        sure=sure,
    )


def _install(update: Mapping[str, Any]) -> str:
    key = decoded(update["Key"])
    return f"{key['pk']}/{key['sk']}"


def decoded(raw: Mapping[str, Any]) -> dict[str, Any]:
    """An item without DynamoDB's types."""
    return {name: _DECODE.deserialize(value) for name, value in raw.items()}


def open_table(url: str) -> Any:
    """A DynamoDB client past the doors."""
    session = boto3.Session(aws_access_key_id="sandbox", aws_secret_access_key="sandbox", region_name=REGION)
    return session.client("dynamodb", endpoint_url=url, config=_LIMITS)


def items(client: Any, table: str) -> dict[Key, Item]:
    """All items of the table; none if there is no table."""
    found: dict[Key, Item] = {}
    try:
        for page in client.get_paginator("scan").paginate(TableName=table, ConsistentRead=True):
            found |= {(i["pk"], i["sk"]): i for i in map(decoded, page["Items"])}
    except client.exceptions.ResourceNotFoundException:
        return {}
    return found


class PodWatch:
    """Watches the Pods of one cluster past the doors, and tells each change of what matters with its time."""

    def __init__(self, api: ApiClient, cluster: str, tell: Callable[[PodSight], None]) -> None:
        self._api = api
        self._cluster, self._tell = cluster, tell
        self._last: dict[str, PodSight] = {}
        self._machines: dict[str, str] = {}
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"pod-watch-{cluster}", daemon=True)

    def start(self) -> None:
        """Begin to watch."""
        self._thread.start()

    def stop(self) -> None:
        """End it."""
        self._stopping.set()
        self._api.close()

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._watch()
            except (urllib3.exceptions.HTTPError, OSError, ValueError):
                self._stopping.wait(0.05)

    def _watch(self) -> None:
        """One watch; what went away between two of them is missed by it, and so found by a list first."""
        listed = self._api.call("GET", "/api/v1/pods")
        bodies = listed["items"]
        here = {body["metadata"]["uid"] for body in bodies}
        for sight in [s for s in self._last.values() if not s.gone and s.uid not in here]:
            self._note(replace(sight, at=time.monotonic(), gone=True))
        for body in bodies:
            self._saw(body)
        version = listed["metadata"]["resourceVersion"]
        path = f"/api/v1/pods?watch=true&resourceVersion={version}&timeoutSeconds=300"
        answer, rest = self._api.stream(path, 310), b""
        for piece in answer.stream(1 << 16):
            *lines, rest = (rest + piece).split(b"\n")
            for line in filter(None, lines):
                event = json.loads(line)
                if event["type"] == "ERROR" or self._stopping.is_set():
                    return
                self._saw(event["object"], gone=event["type"] == "DELETED")

    def _saw(self, body: Mapping[str, Any], *, gone: bool = False) -> None:
        machine = self._machine(body.get("spec", {}).get("nodeName", ""))
        self._note(replace(sight_of(body, self._cluster, gone=gone), machine=machine))

    def _machine(self, node: str) -> str:
        """The instance that this Node names, as it was first seen: no world gives a name to another machine later."""
        if node and not self._machines.get(node):
            found = self._api.send("GET", f"/api/v1/nodes/{node}")
            spec = found.body["spec"] if found.code == 200 else {}
            self._machines[node] = spec.get("providerID", "").rpartition("/")[2]
        return self._machines.get(node, "")

    def _note(self, sight: PodSight) -> None:
        before = self._last.get(sight.uid)
        if before is None or _facts(before) != _facts(sight):
            self._last[sight.uid] = sight
            self._tell(sight)


def _facts(s: PodSight) -> tuple[object, ...]:
    return (s.ip, s.mode, s.pool, s.label, s.gone, s.machine, s.branches)


def sight_of(body: Mapping[str, Any], cluster: str, *, gone: bool = False) -> PodSight:
    """What matters of a Pod. One whose phase is terminal, or whose containers ended on deletion, is as good as gone."""
    meta, status = body["metadata"], body.get("status", {})
    notes, labels = meta.get("annotations") or {}, meta.get("labels") or {}
    branches = json.loads(notes.get(POD_ENI, "[]"))
    return PodSight(
        at=time.monotonic(),
        uid=meta["uid"],
        name=f"{meta['namespace']}/{meta['name']}",
        cluster=cluster,
        ip=status.get("podIP", ""),
        mode=notes.get(contract.ANNOTATION_TYPE, ""),
        pool=notes.get(contract.ANNOTATION_FIXED_TAG) or notes.get(contract.ANNOTATION_FIXED_TAG_VALUE) or "",
        label=labels.get(contract.LABEL_PUBLIC_IP, ""),
        branches=frozenset(one["eniId"] for one in branches),
        gone=gone or status.get("phase") in ("Succeeded", "Failed") or _is_drained(body),
    )


def _is_drained(body: Mapping[str, Any]) -> bool:
    """Whether the Pod is being deleted and all its containers have ended: a finalizer may keep it for long."""
    containers = body.get("status", {}).get("containerStatuses") or ()
    ended = all("terminated" in (one.get("state") or {}) for one in containers)
    return "deletionTimestamp" in body["metadata"] and bool(containers) and ended
