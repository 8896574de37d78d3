"""Who may write to the table forges an item: another cluster's association is named as one's own, and is not cut."""

from typing import Any

from sandbox.demo.ledger import open_client
from sandbox.world import ClusterSettings, World
from tests.e2e.conftest import NewWorld
from tests.e2e.scene import Scene, auto, fixed


def items(world: World, client: Any, name: str) -> list[dict[str, Any]]:
    """The Pods' sides of this name, as DynamoDB has them."""
    found = client.scan(TableName=world.settings.table, ConsistentRead=True)["Items"]
    return [item for item in found if item["sk"]["S"].startswith("pod#") and item.get("name", {}).get("S") == name]


def test_an_association_that_the_table_gives_to_another_is_left_alone(new_world: NewWorld) -> None:
    world = new_world(ClusterSettings(name="a", replicas=1), ClusterSettings(name="b", replicas=1))
    world.ec2.add_address(tags={"pool": ""})
    victim, forger = (Scene(world, world.clusters[name], "ns") for name in ("a", "b"))
    for cluster in world.clusters.values():
        cluster.replicas[0].start()
    victim.run("victim", auto())
    forger.run("forger", fixed("pool"))
    theirs, own = victim.served("victim"), forger.served("forger")
    [replica] = forger.cluster.replicas
    replica.stop()
    client = open_client(world.dynamodb_url)
    [item] = items(world, client, "forger")
    assert theirs.association is not None
    client.put_item(
        TableName=world.settings.table, Item={**item, "association_id": {"S": theirs.association.association_id}}
    )
    forger.delete("forger")
    replica.start()
    forger.eventually(lambda: forger.free(own.allocation_id), "its own address is cut")
    forger.eventually(lambda: not items(world, client, "forger"), "the claim is gone")
    assert victim.at("victim") == theirs
    cut = [call.params.get("AssociationId") for call in victim.calls("DisassociateAddress")]
    assert theirs.association.association_id not in cut
    for cluster in world.clusters.values():
        cluster.replicas[0].stop()
