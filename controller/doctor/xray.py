"""Whether X-Ray takes traces by OTLP, where they are sent to it without a collector."""

from collections.abc import Mapping

from botocore.exceptions import BotoCoreError, ClientError

from controller.aws.plain_client import plain_client
from controller.core import trace_settings
from controller.core.diagnosis.account import of_xray
from controller.core.diagnosis.finding import Check, Finding, not_looked_at, warning
from controller.core.diagnosis.rights import DENIED
from state.credentials import CredentialKeeper


def region_of(environ: Mapping[str, str], region: str) -> str | None:
    """The Region whose X-Ray gets the traces; None where they go elsewhere, or nowhere. Raises Misconfigured."""
    settings = trace_settings.parse(environ)
    regions = [target.region or region for target in settings.targets if target.kind == "xray"] if settings else []
    return next(iter(regions), None)


def look(region: str, call_timeout_s: float, keeper: CredentialKeeper) -> Finding:
    """Where X-Ray sends what it gets."""
    asking = plain_client("xray", region, call_timeout_s, keeper)
    try:
        return of_xray(asking.get_trace_segment_destination())
    except ClientError as error:
        code = str(error.response.get("Error", {}).get("Code", ""))
        if code in DENIED:
            why = "the right xray:GetTraceSegmentDestination is missing (deploy/iam, doctor)"
            return not_looked_at(Check.XRAY, why)
        return warning(Check.XRAY, f"X-Ray cannot be asked: {code}")
    except BotoCoreError as error:
        return warning(Check.XRAY, f"X-Ray cannot be asked: {error}")
    finally:
        asking.close()
