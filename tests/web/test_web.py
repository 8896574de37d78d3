"""The routes, by the WSGI protocol: answers, headers, and what strangers' text cannot do."""

import json

import pytest
from prometheus_client.parser import text_string_to_metric_families

from controller.core.quota import AccountQuota
from controller.core.status import Status
from controller.surface.metrics import Metrics
from tests.web import samples
from tests.web.asked import Asked, Scripted


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_probes(path: str) -> None:
    good, bad = Asked(path), Asked(path, Scripted((False, "the cache is not synced")))
    assert (good.status, good.body) == (200, b"ok\n")
    assert (bad.status, bad.body) == (503, b"the cache is not synced\n")


def test_the_status_is_the_documented_document() -> None:
    answer = Asked("/api/v1/status")
    document = json.loads(answer.body)
    assert answer.headers["Content-Type"] == "application/json"
    assert document == json.loads(json.dumps(samples.status().to_json()))
    assert {"cluster", "identity", "version", "leader", "pods", "pools", "clusters"} <= document.keys()
    assert document["leader"].keys() == {"identity", "is_me", "epoch", "since"}
    pod = {"namespace", "name", "uid", "mode", "phase", "public_ip", "private_ip", "allocation_id", "since", "error"}
    assert document["pods"][0].keys() == pod | {"node", "created", "attempts", "next_try", "trace_id", "pool"}
    assert document["answered_by"].keys() == {"identity", "leads", "age_s", "note"}
    assert document["errors"][0].keys() == {"at", "where", "code", "text", "count"}
    pool = {"tag_key", "total", "free", "waiting", "longest_wait_s", "named", "ours", "holders"}
    assert document["pools"][0].keys() == pool
    known = {"uid", "name", "silent_s", "addresses", "install", "waiting", "same_name"}
    assert document["clusters"][0].keys() == known
    waits = {"watch_silent_s", "writer_waiting_s", "term_beginning_s", "credentials_expire_s"}
    assert document["waits"].keys() == waits
    assert document["quota"].keys() == {"used", "allowed", "kept", "trouble"}


@pytest.mark.parametrize("path", ["/", "/healthz", "/metrics", "/api/v1/status", "/nowhere"])
def test_every_answer_is_neither_cached_nor_sniffed_nor_framed(path: str) -> None:
    headers = Asked(path).headers
    assert headers["Cache-Control"] == "no-store"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]


def test_head_is_get_without_a_body() -> None:
    for path in ("/", "/healthz", "/api/v1/status"):
        get, head = Asked(path), Asked(path, method="HEAD")
        assert (head.status, head.headers, head.body) == (get.status, get.headers, b"")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_nothing_can_be_changed(method: str) -> None:
    answer = Asked("/api/v1/status", method=method)
    assert (answer.status, answer.headers["Allow"]) == (405, "GET, HEAD")


@pytest.mark.parametrize("path", ["/nowhere", "/api/v1/status/", "/../etc/passwd", "/healthz\n"])
def test_other_paths_are_not_found(path: str) -> None:
    assert Asked(path).status == 404


def test_metrics_count_calls_and_show_the_status() -> None:
    metrics = Metrics()
    metrics.call("ec2", "AssociateAddress", 0.03, "")
    metrics.call("ec2", "AssociateAddress", 5.0, "RequestLimitExceeded")
    metrics.event_dropped("namespace")
    text = Asked("/metrics", metrics=metrics).body.decode()
    found = {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    call = (("operation", "AssociateAddress"), ("service", "ec2"))
    assert found["pod_eip_calls_total", (("code", "RequestLimitExceeded"), *call)] == 1
    assert found["pod_eip_call_duration_seconds_count", call] == 2
    assert found["pod_eip_events_dropped_total", (("reason", "namespace"),)] == 1
    assert found["pod_eip_watch_silent_seconds", ()] == 12.5
    assert found["pod_eip_writer_waiting_seconds", ()] == 0.2
    assert found["pod_eip_term_beginning_seconds", ()] == 3
    assert found["pod_eip_credentials_expire_seconds", ()] == 3600
    assert found["pod_eip_leader", ()] == 1
    assert found["pod_eip_epoch", ()] == 7
    assert found["pod_eip_pods", (("mode", "auto"), ("phase", "pending"))] == 1
    assert found["pod_eip_pool_waiting", (("tag_key", "game-ips"),)] == 2
    assert found["pod_eip_pool_longest_wait_seconds", (("tag_key", "game-ips"),)] == 75
    assert found["pod_eip_pool_addresses", (("owner", "free"), ("tag_key", 'odd"key\\'))] == 0
    silent = (("install", "kube-system/eip"), ("uid", "0f3c"))
    assert found["pod_eip_cluster_silent_seconds", silent] == 12.5
    assert found["pod_eip_cluster_name_conflicts", ()] == 0
    quota = {key: found[f"pod_eip_quota_{key}", ()] for key in ("allowed", "used", "kept", "unreadable")}
    assert quota == {"allowed": 10, "used": 7, "kept": 2, "unreadable": 1}


def test_metrics_of_a_replica_that_is_still_starting() -> None:
    assert b"pod_eip_leader 0.0" in Asked("/metrics", Scripted(status=Status(cluster="a"))).body


def test_a_quota_of_which_nothing_is_kept_or_known_has_no_metric() -> None:
    assert b"pod_eip_quota" not in Asked("/metrics", Scripted(status=Status(cluster="a"))).body
    unknown = Status(cluster="a", quota=AccountQuota(used=7, allowed=None, kept=2))
    body = Asked("/metrics", Scripted(status=unknown)).body
    assert b"pod_eip_quota_allowed" not in body
    assert b"pod_eip_quota_used 7.0" in body


def test_credentials_that_do_not_expire_have_no_metric() -> None:
    assert b"pod_eip_credentials" not in Asked("/metrics", Scripted(status=Status(cluster="a"))).body
