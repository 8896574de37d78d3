"""Turns the wall clock of single replicas, as an administrator or a bad time server would, while they run.

A tiny library stands before libc's wall clocks (LD_PRELOAD) and adds an offset, which it reads from a file that is
mapped into the process. The monotonic clocks are left alone: no kernel lets anybody turn those.
"""

import os
import shutil
import struct
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sandbox.replica import Replica
from tests.faults.world import LEASE, FaultWorld

BUILD_LIMIT_S = 60
SHIM = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static volatile const long long *offset;
static int (*real)(clockid_t, struct timespec *);

__attribute__((constructor)) static void begin(void) {
    char path[4096];
    const char *folder = getenv("CLOCK_OFFSETS"), *name = getenv("AWS_ACCESS_KEY_ID");
    real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    if (!folder || !name) return;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    int file = open(path, O_RDONLY);
    if (file < 0) return;
    void *found = mmap(0, sizeof *offset, PROT_READ, MAP_SHARED, file, 0);
    close(file);
    if (found != MAP_FAILED) offset = found;
}

int clock_gettime(clockid_t clock, struct timespec *now) {
    int failed = real(clock, now);
    if (!failed && offset && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) now->tv_sec += *offset;
    return failed;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    struct timespec found;
    (void)zone;
    clock_gettime(CLOCK_REALTIME, &found);
    now->tv_sec = found.tv_sec;
    now->tv_usec = found.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *out) {
    struct timespec found;
    clock_gettime(CLOCK_REALTIME, &found);
    if (out) *out = found.tv_sec;
    return found.tv_sec;
}
"""


class Clocks:
    """The wall clocks of the replicas of these names; `env` is what they are to be started with."""

    def __init__(self, folder: Path, *replicas: str) -> None:
        self._offsets = folder / "offsets"
        self._offsets.mkdir(parents=True)
        for name in replicas:
            (self._offsets / name).write_bytes(struct.pack("q", 0))
        self.env = {"LD_PRELOAD": str(_built(folder)), "CLOCK_OFFSETS": str(self._offsets)}

    def turn(self, replica: Replica, seconds: int) -> None:
        """Let its wall clock be so far ahead of the true one, from now on."""
        with (self._offsets / replica.name).open("r+b") as file:
            file.write(struct.pack("q", seconds))


def _built(folder: Path) -> Path:
    """The library; without a compiler the test is skipped, but not in CI."""
    compiler = shutil.which("cc")
    if compiler is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("there is no C compiler (cc) to turn clocks with")
    source, library = folder / "clocks.c", folder / "clocks.so"
    source.write_text(SHIM)
    argv = [compiler, "-shared", "-fPIC", "-O2", "-o", str(library), str(source), "-ldl"]
    subprocess.run(argv, check=True, timeout=BUILD_LIMIT_S)
    return library


def lease_is_ahead(world: FaultWorld) -> float:
    """By how many seconds the renewal on the Lease is ahead of the true time, by the clock of whoever renewed."""
    renewed = world.clusters["a"].kube.lease(*LEASE)["spec"]["renewTime"]
    return (datetime.fromisoformat(renewed) - datetime.now(UTC)).total_seconds()
