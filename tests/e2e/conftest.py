"""Worlds of real processes for end-to-end tests: one that tests share, and as many of their own as they need."""

import itertools
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from sandbox.world import ClusterSettings, World, WorldSettings
from tests.e2e.scene import STEADY, Scene, running
from tests.real.world import RealWorld

NewWorld = Callable[..., World]
_NUMBER = itertools.count(1)


WORLDS = ["sandbox", pytest.param("real", marks=pytest.mark.real)]


def make_world(request: pytest.FixtureRequest, settings: WorldSettings, folder: Path) -> World:
    """A world of the kind that the fixture's parameter says."""
    if request.param == "sandbox":
        return World(settings, folder)
    return RealWorld(settings, folder, host=request.getfixturevalue("real_host"))


@pytest.fixture(scope="session", params=WORLDS)
def shared_world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """One cluster, one replica, many nodes: for tests that disturb nobody else."""
    settings = WorldSettings(
        clusters=(ClusterSettings(name="a", nodes=8, replicas=1),), dynamodb="moto", kubelet_seconds=0.5, flags=STEADY
    )
    folder = tmp_path_factory.mktemp("world")
    with make_world(request, settings, folder) as world, running(world):
        yield world


@pytest.fixture
def scene(shared_world: World) -> Scene:
    """A namespace of its own in the shared world."""
    made = Scene(shared_world, shared_world.clusters["a"], f"t{next(_NUMBER)}-{os.getpid()}")
    made.mark()
    return made


@pytest.fixture(params=WORLDS)
def new_world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[NewWorld]:
    """Makes worlds of the test's own; replicas are not started."""
    with ExitStack() as stack:

        def make(*clusters: ClusterSettings, ec2: dict[str, Any] | None = None, **flags: str) -> World:
            settings = WorldSettings(
                clusters=clusters or (ClusterSettings(name="a", replicas=1),),
                ec2=ec2 or {},
                dynamodb="moto",
                kubelet_seconds=0.5,
                flags={**STEADY, **{key.replace("_", "-"): value for key, value in flags.items()}},
            )
            return stack.enter_context(make_world(request, settings, tmp_path))

        yield make
