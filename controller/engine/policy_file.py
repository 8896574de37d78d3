"""Follows the policy's file, so that a changed rule needs no restart of the controller.

The whole file is read every few seconds and compared byte by byte. It is small, and a mounted ConfigMap is changed by
replacing a symbolic link, which modification times and inodes do not show reliably. If the file becomes wrong or is
gone, the last good policy stays in force; the fault is logged once and shown in the status until the file is right.
"""

import datetime
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from controller.core import policy
from controller.core.config import Config
from controller.core.status import PolicyStatus
from controller.core.tenancy import OPEN, Rules, Tenancy, tenancy_of
from state.errors import Misconfigured

log = logging.getLogger(__name__)

LOOK_S = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reading:
    """What is in force, since when, and what is wrong with the file as it is now."""

    rules: Rules
    since: str | None = None
    content: bytes | None = None
    fault: str | None = None


class PolicyFile:
    """The policy in force. Without a path everything is allowed. Thread-safe."""

    def __init__(self, path: Path | None, tenancy: Tenancy = OPEN) -> None:
        """Read the file; raises Misconfigured where it is no policy."""
        self._path = path
        self._reading = _Reading(rules=Rules(tenancy=tenancy))
        self._stopping = threading.Event()
        if path is not None:
            self.look()
            if self._reading.fault is not None:
                raise Misconfigured([f"--policy (PEC_POLICY): {self._reading.fault}"])

    def rules(self) -> Rules:
        """The policy in force, and the tenancy; equal until the policy changes."""
        return self._reading.rules

    def status(self) -> PolicyStatus | None:
        """What people see of it; None where there is no file."""
        now = self._reading
        if self._path is None:
            return None
        return PolicyStatus(
            default=now.rules.default,
            rules=len(now.rules.policy.rules),
            limits=len(now.rules.policy.limits),
            since=now.since,
            error=now.fault,
        )

    def start(self, changed: Callable[[], None], every_s: float = LOOK_S) -> None:
        """Follow the file from now on; `changed` is called from the thread that reads it."""
        if self._path is not None:
            follow = (changed, every_s)
            threading.Thread(target=self._follow, args=follow, name="policy", daemon=True).start()

    def stop(self) -> None:
        """End the thread."""
        self._stopping.set()

    def look(self) -> bool:
        """Read the file once; returns whether another policy is in force now."""
        before = self._reading
        try:
            content = self._path.read_bytes() if self._path is not None else b""
            if content != before.content:
                self._reading = _Reading(
                    rules=replace(before.rules, policy=policy.parse(content.decode())), since=_now(), content=content
                )
            elif before.fault is not None:  # it could not be read, and is back unchanged
                self._reading = _Reading(rules=before.rules, since=before.since, content=content)
        except OSError as fault:
            self._keep(before, f"{self._path} cannot be read: {fault.strerror}")
        except ValueError as fault:
            self._keep(before, f"{self._path} {fault}")
        return self._reading.rules is not before.rules

    def _keep(self, before: _Reading, fault: str) -> None:
        if fault != before.fault and before.content is not None:
            log.error("the policy stays as it was: %s", fault)
        self._reading = _Reading(rules=before.rules, since=before.since, content=before.content, fault=fault)

    def _follow(self, changed: Callable[[], None], every_s: float) -> None:
        while not self._stopping.wait(every_s):
            try:
                if self.look():
                    log.info("the policy has changed")
                    changed()
            except Exception:  # the thread's top
                log.exception("the policy could not be looked at")


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def policies_of(config: Config) -> PolicyFile:
    """The policy of these settings; raises Misconfigured where its file cannot be used."""
    tenancy = tenancy_of(
        strict=config.tenancy == "strict",
        pool_keys=config.pool_keys or (),
        most=config.max_addresses,
        kept=config.keep_quota,
    )
    return PolicyFile(Path(config.policy) if config.policy else None, tenancy)
