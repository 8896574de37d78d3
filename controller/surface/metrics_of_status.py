"""The status document as gauges: leadership, Pods, pools, the quota, other clusters, and what hangs.

Somebody who creates Pods can write any mode and any tag key: a mode that is not ours is `invalid`, and the
keys that may not be named are together one `other`.
"""

from collections import Counter as Tally
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from state.model import Mode

INVALID: Final = "invalid"
"""The mode of a Pod whose annotation names none."""
OTHER: Final = "other"
"""The tag key of all pools that are not named, together."""
QUOTA_USED: Final = "Addresses of the account that draw on its quota."
_SUMS: Final = ("total", "free", "waiting", "ours")
_MODES: Final = frozenset(map(str, Mode))


class OfStatus(Collector):
    """The status document as gauges."""

    def __init__(self, status: Mapping[str, Any]) -> None:
        self._status = status

    def describe(self) -> Iterable[GaugeMetricFamily]:
        """No metrics: otherwise the registry would collect at registration, to find the names."""
        return ()

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """Leadership, Pods by mode and phase, pools, the quota, other clusters."""
        leader = self._status["leader"]
        yield GaugeMetricFamily("pod_eip_leader", "1 on the replica that leads.", value=float(leader["is_me"]))
        if leader["epoch"] is not None:
            words = "The epoch of the leader that is known here."
            yield GaugeMetricFamily("pod_eip_epoch", words, value=leader["epoch"])
        yield from self._waits()
        yield self._pods()
        yield self._allocated()
        yield from _of_pools(self._status["pools"])
        if policy := self._status["policy"]:
            words = "1 where the policy's file is wrong, and the policy before it is in force."
            yield GaugeMetricFamily("pod_eip_policy_broken", words, value=float(policy["error"] is not None))
        yield from self._quota()
        if self._status["contested"] is not None:
            words = "Pods whose labels or condition something else changes each time after they are put on."
            yield GaugeMetricFamily("pod_eip_labels_contested", words, value=self._status["contested"])
        if self._status["left_alone"] is not None:
            words = "Addresses that look like this install's, and are left alone for it is not certain."
            yield GaugeMetricFamily("pod_eip_addresses_left_alone", words, value=len(self._status["left_alone"]))
        clusters = self._status["clusters"]
        words = "Since an install's heartbeat moved."
        yield _by(("uid", "install"), "pod_eip_cluster_silent_seconds", words, clusters, "silent_s")
        words = "Other clusters that live and have this cluster's name."
        same = len({row["uid"] for row in clusters if row["same_name"]})
        yield GaugeMetricFamily("pod_eip_cluster_name_conflicts", words, value=same)

    def _allocated(self) -> GaugeMetricFamily:
        words = "Addresses that this install's claims hold, by mode."
        family = GaugeMetricFamily("pod_eip_addresses", words, labels=("mode",))
        held = Tally(_mode(pod["mode"]) for pod in self._status["pods"] if pod["allocation_id"])
        for mode in sorted(_MODES):
            family.add_metric([mode], held[mode])
        return family

    def _waits(self) -> Iterable[GaugeMetricFamily]:
        for key, name, words in (
            ("watch_silent_s", "watch_silent", "Since the API server last said anything about Pods."),
            ("writer_waiting_s", "writer_waiting", "How long the oldest change has waited for the ledger's writer."),
            ("term_beginning_s", "term_beginning", "How long a term has been half begun."),
            ("credentials_expire_s", "credentials_expire", "Until the AWS credentials expire; none if they do not."),
        ):
            seconds = self._status["waits"][key]
            if seconds is not None:
                yield GaugeMetricFamily(f"pod_eip_{name}_seconds", words, value=seconds)

    def _quota(self) -> Iterable[GaugeMetricFamily]:
        """Three numbers and a flag; nothing where none of the account's quota is kept."""
        quota = self._status["quota"]
        if quota is None:
            return
        for key, words in (
            ("allowed", "Addresses that the account may have in this Region; none if that is not known."),
            ("used", QUOTA_USED),
            ("kept", "Addresses of the quota that auto leaves for others."),
        ):
            if quota[key] is not None:
                yield GaugeMetricFamily(f"pod_eip_quota_{key}", words, value=quota[key])
        words = "1 where the quota could not be read at the last try."
        yield GaugeMetricFamily("pod_eip_quota_unreadable", words, value=float(bool(quota["trouble"])))

    def _pods(self) -> GaugeMetricFamily:
        family = GaugeMetricFamily("pod_eip_pods", "Pods that ask for an address.", labels=("mode", "phase"))
        tally = Tally((_mode(pod["mode"]), pod["phase"]) for pod in self._status["pods"])
        for labels, count in sorted(tally.items()):
            family.add_metric(labels, count)
        return family


def _mode(said: str) -> str:
    return said if said in _MODES else INVALID


def _of_pools(rows: Iterable[Mapping[str, Any]]) -> Iterable[GaugeMetricFamily]:
    pools = _pools(rows)
    words = "Addresses of the pool, by who has them: free, this install, another one, or unclaimed (but not free)."
    family = GaugeMetricFamily("pod_eip_pool_addresses", words, labels=("tag_key", "owner"))
    for pool in pools:
        if pool["total"] is None:
            continue
        ours = pool["ours"] or 0
        others, unclaimed = pool["held"] - ours, pool["total"] - pool["free"] - pool["held"]
        owners = {"free": pool["free"], "this_install": ours, "other_install": others, "unclaimed": unclaimed}
        for owner, count in owners.items():
            family.add_metric([pool["tag_key"], owner], max(0, count))
    yield family
    words = "Pods of this install that wait for an address of the pool."
    yield _by(("tag_key",), "pod_eip_pool_waiting", words, pools, "waiting")
    words = "How long the first of the waiting Pods has waited."
    yield _by(("tag_key",), "pod_eip_pool_longest_wait_seconds", words, pools, "longest_wait_s")


def _pools(rows: Iterable[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
    """A row for each pool that may be named, and one for all others, with the sum of counts and the longest wait.

    None: this replica does not know it.
    """
    found: dict[str, dict[str, Any]] = {}
    for row in rows:
        key = row["tag_key"] if row["named"] else OTHER
        sums = found.setdefault(key, {"tag_key": key, "longest_wait_s": 0, "held": 0} | dict.fromkeys(_SUMS, 0))
        for count in _SUMS:
            sums[count] = None if row[count] is None or sums[count] is None else sums[count] + row[count]
        sums["held"] += len(row["holders"])
        waits = (sums["longest_wait_s"], row["longest_wait_s"])
        sums["longest_wait_s"] = None if None in waits else max(waits)
    return list(found.values())


def _by(
    labels: Sequence[str], name: str, words: str, rows: Iterable[Mapping[str, Any]], value: str
) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, words, labels=labels)
    for row in rows:
        if row[value] is not None:
            family.add_metric([row[label] for label in labels], row[value])
    return family
