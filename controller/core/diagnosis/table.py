"""What is said of the table beyond its keys: how it is paid for, whether it can be restored, whether it can be deleted.

A stand-in for DynamoDB, behind an endpoint that was set by hand, may know nothing of these: that is no fault.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from controller.core.diagnosis.finding import Check, Finding, fine, not_looked_at, warning

_STAND_IN: Final = "the endpoint was set by hand, and is not asked for more than the keys"
_PROTECT: Final = "`aws dynamodb update-table --deletion-protection-enabled --table-name {table}`"
_RECOVER: Final = (
    "`aws dynamodb update-continuous-backups --point-in-time-recovery-specification PointInTimeRecoveryEnabled=true "
    "--table-name {table}`"
)


def of_description(table: str, description: Mapping[str, Any], *, stand_in: bool) -> Iterator[Finding]:
    """Capacity and deletion protection, from the answer of DescribeTable."""
    if stand_in:
        yield not_looked_at(Check.CAPACITY, _STAND_IN)
        yield not_looked_at(Check.PROTECTION, _STAND_IN)
        return
    yield _capacity(description)
    if description.get("DeletionProtectionEnabled"):
        yield fine(Check.PROTECTION, "the table is protected against deletion")
    else:
        text = "the table is not protected against deletion; with it, who has which address would be lost"
        yield warning(Check.PROTECTION, text, _PROTECT.format(table=table))


def _capacity(description: Mapping[str, Any]) -> Finding:
    """Tables that never were on demand have no summary of their billing mode (API reference, TableDescription)."""
    if description.get("BillingModeSummary", {}).get("BillingMode") == "PAY_PER_REQUEST":
        return fine(Check.CAPACITY, "the table's capacity is on demand")
    units = description.get("ProvisionedThroughput", {})
    reads, writes = units.get("ReadCapacityUnits", 0), units.get("WriteCapacityUnits", 0)
    text = f"the table's capacity is provisioned ({reads} reads and {writes} writes a second): bursts may be throttled"
    return warning(Check.CAPACITY, text, "Change it to on demand (`--billing-mode PAY_PER_REQUEST`)")


def of_recovery(table: str, backups: Mapping[str, Any]) -> Finding:
    """Point-in-time recovery, from the answer of DescribeContinuousBackups."""
    status = backups.get("PointInTimeRecoveryDescription", {}).get("PointInTimeRecoveryStatus", "")
    if status == "ENABLED":
        return fine(Check.RECOVERY, "the table can be restored to each moment of the last weeks")
    text = "point-in-time recovery of the table is off: a table that was damaged cannot be restored"
    return warning(Check.RECOVERY, text, _RECOVER.format(table=table))


def recovery_unknown(why: str) -> Finding:
    """Whether it can be restored is not known."""
    return not_looked_at(Check.RECOVERY, why)
