"""Whether X-Ray takes traces by OTLP, where they are sent to it without a collector."""

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from botocore.exceptions import BotoCoreError, ClientError

from controller.core.diagnosis.account import of_xray
from controller.core.diagnosis.finding import Check, Finding, not_looked_at, warning
from controller.core.diagnosis.rights import DENIED
from controller.doctor.ec2 import client
from state.credentials import CredentialKeeper

_VARIABLES: Final = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")


def is_on(environ: Mapping[str, str]) -> bool:
    """Whether traces go to X-Ray's own endpoint, `xray.REGION.amazonaws.com`."""
    url = next((environ[name] for name in _VARIABLES if environ.get(name)), "")
    return (urlsplit(url).hostname or "").startswith("xray.")


def look(region: str, call_timeout_s: float, keeper: CredentialKeeper) -> Finding:
    """Where X-Ray sends what it gets."""
    asking = client("xray", region, call_timeout_s, keeper)
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
