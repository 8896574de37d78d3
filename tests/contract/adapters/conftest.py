"""What the contracts of the adapters share: a ledger that leads, in whatever world, and one behind a broken network."""

from collections.abc import Iterator
from typing import Any

import pytest

from state.model import InstallKey
from tests.contract.adapters.ledger_scene import Network, Scene, network_to
from tests.fakes.ledger_worlds import TermLedger, World, new_install


@pytest.fixture
def install() -> InstallKey:
    """An install of a cluster of its own."""
    return new_install()


@pytest.fixture
def ledger(world: World, install: InstallKey) -> TermLedger:
    """A ledger that leads."""
    ledger = world.ledger(install)
    ledger.begin_term("me")
    return ledger


@pytest.fixture(scope="module")
def network(dynamodb: Any) -> Iterator[Network]:
    """A table behind a proxy."""
    yield from network_to(dynamodb.meta.endpoint_url)


@pytest.fixture
def scene(network: Network) -> Iterator[Scene]:
    """A leader behind the proxy."""
    yield from network.lead()
