"""The ledger's own guarantees: one owner and one address (S1), nobody writes under an epoch that has passed (S2)."""

from collections import Counter
from collections.abc import Iterator

from tests.history import Item, Key, Process, Write
from tests.judges.facts import Facts, Guarantee, Violation


def one_owner(facts: Facts) -> Iterator[Violation]:
    """After every write: no address in two Pods' claims, and both sides of each claim name each other.

    An address that was taken from an install in the same write that fenced it leaves that install's side behind: it
    counts for nothing until somebody writes it again.
    """
    items: dict[Key, Item] = {}
    doubtful: set[Key] = set()
    told: set[str] = set()
    left: set[Key] = set()
    for write in facts.history.writes:
        left = (left | _left_behind(write, items)) - {*write.puts, *write.deletes}
        _apply(write, items, doubtful)
        for evidence in _at_odds({key: item for key, item in items.items() if key not in left}, doubtful):
            if evidence not in told:
                told.add(evidence)
                yield Violation(broken=Guarantee.ONE_OWNER, evidence=f"after a write of {write.who}: {evidence}")


def _left_behind(write: Write, items: dict[Key, Item]) -> set[Key]:
    """The Pods' sides of the addresses that this write takes from installs that it fences."""
    if not write.sure or not write.fence or all(install == write.fence for install in write.raises):
        return set()
    taken = {key[0].removeprefix("eip#") for key in write.puts if key[1] == "claim"}
    return {key for key, item in items.items() if key[1].startswith("pod#") and item.get("allocation_id") in taken}


def _apply(write: Write, items: dict[Key, Item], doubtful: set[Key]) -> None:
    if write.resets:
        items.clear()
        doubtful.clear()
    touched = {*write.puts, *write.deletes}
    if not write.sure:
        doubtful |= touched
        return
    doubtful -= touched
    for key in write.deletes:
        items.pop(key, None)
    items.update(write.puts)


def _at_odds(items: dict[Key, Item], doubtful: set[Key]) -> Iterator[str]:
    named = {key[1].removeprefix("pod#"): item for key, item in items.items() if key[1].startswith("pod#")}
    address_of = {uid: str(item["allocation_id"]) for uid, item in named.items() if item.get("allocation_id")}
    owner_of = {
        key[0].removeprefix("eip#"): str(item["owner_pod"])
        for key, item in items.items()
        if key[1] == "claim" and item.get("owner_pod")
    }
    unsure = {key[0].removeprefix("eip#") for key in doubtful} | {key[1].removeprefix("pod#") for key in doubtful}
    for address, count in Counter(address_of.values()).items():
        if count > 1 and address not in unsure:
            yield f"{address} is claimed by {count} Pods"
    for uid, address in address_of.items():
        if owner_of.get(address) != uid and not unsure & {uid, address}:
            yield f"Pod {uid} claims {address}, whose owner is {owner_of.get(address)}"
    for address, uid in owner_of.items():
        if address_of.get(uid) != address and not unsure & {uid, address}:
            yield f"{address} is owned by Pod {uid}, which claims {address_of.get(uid)}"


def fence(facts: Facts) -> Iterator[Violation]:
    """Once a process has raised an install's epoch, no other writes for it without raising it again."""
    allowed: dict[str, set[Process | None]] = {}
    for write in facts.history.writes:
        for install in write.raises:
            holder = write.who if write.fence in ("", install) else None
            allowed[install] = {holder} if write.sure else allowed.get(install, set()) | {holder}
        stale = write.sure and write.fence in allowed and write.who not in allowed[write.fence]
        if write.fence and stale and write.fence not in write.raises:
            evidence = f"{write.who} wrote {sorted(write.puts)} for {write.fence}, led by {allowed[write.fence]}"
            yield Violation(broken=Guarantee.FENCE, evidence=evidence)
