"""The Region and the VPC that we run in: the Region by AWS's own settings, else both from the instance's metadata.

Only version 2 of the metadata service is used (a token first), with short time limits: in a Pod whose node allows one
network hop it does not answer at all, and the start must not hang on that. The addresses are those of the EC2 user
guide, "Access instance metadata". AWS_EC2_METADATA_DISABLED, _SERVICE_ENDPOINT and _SERVICE_ENDPOINT_MODE mean what
they mean to the SDKs.
"""

import json
import os
from collections.abc import Mapping
from typing import Final

import urllib3
from botocore.exceptions import BotoCoreError

from state.errors import Misconfigured
from state.sessions import new_session

TIME_LIMIT = urllib3.Timeout(connect=1.0, read=1.5)
_ENDPOINTS = {"ipv4": "http://169.254.169.254", "ipv6": "http://[fd00:ec2::254]"}
_TOKEN_SECONDS = "60"
# EC2 user guide, "Instance identity documents"; OpenTelemetry's semantic conventions for cloud and host.
_ATTRIBUTES: Final = {
    "accountId": "cloud.account.id",
    "availabilityZone": "cloud.availability_zone",
    "instanceId": "host.id",
    "instanceType": "host.type",
    "imageId": "host.image.id",
}


def discover_region(environ: Mapping[str, str] = os.environ) -> str | None:
    """AWS_REGION, AWS_DEFAULT_REGION, the profile's, the instance's; None: not known. Raises Misconfigured."""
    return environ.get("AWS_REGION") or _region_of_settings() or _read_metadata(environ, "placement/region")


def discover_vpc_id(environ: Mapping[str, str] = os.environ) -> str | None:
    """The VPC of the instance's primary interface; None where there is no metadata service."""
    with urllib3.PoolManager(timeout=TIME_LIMIT, retries=False) as http:
        mac = _read(http, environ, "mac")
        return _read(http, environ, f"network/interfaces/macs/{mac}/vpc-id") if mac else None


def instance_attributes(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The account, the zone and the instance, in OpenTelemetry's words; empty where there is no metadata service."""
    with urllib3.PoolManager(timeout=TIME_LIMIT, retries=False) as http:
        text = _read(http, environ, "instance-identity/document", root="dynamic")
    try:
        document = json.loads(text or "{}")
    except ValueError:
        return {}
    if not isinstance(document, dict):
        return {}
    return {name: str(document[key]) for key, name in _ATTRIBUTES.items() if document.get(key)}


def is_promised(environ: Mapping[str, str]) -> bool:
    """Whether a setting says where the metadata service is: then it will answer, perhaps only later."""
    return bool(environ.get("AWS_EC2_METADATA_SERVICE_ENDPOINT")) and not is_switched_off(environ)


def is_switched_off(environ: Mapping[str, str]) -> bool:
    """Whether a setting says that there is no metadata service."""
    return environ.get("AWS_EC2_METADATA_DISABLED", "").lower() == "true"


def _region_of_settings() -> str | None:
    try:
        region: str | None = new_session().get_config_variable("region")
    except BotoCoreError as error:
        raise Misconfigured([f"the AWS settings (AWS_PROFILE, AWS_CONFIG_FILE) are not usable: {error}"]) from error
    return region or None


def _read_metadata(environ: Mapping[str, str], path: str) -> str | None:
    with urllib3.PoolManager(timeout=TIME_LIMIT, retries=False) as http:
        return _read(http, environ, path)


def _read(http: urllib3.PoolManager, environ: Mapping[str, str], path: str, *, root: str = "meta-data") -> str | None:
    if is_switched_off(environ):
        return None
    endpoint = _endpoint(environ)
    token = _ask(http, "PUT", f"{endpoint}/latest/api/token", {"X-aws-ec2-metadata-token-ttl-seconds": _TOKEN_SECONDS})
    if token is None:
        return None
    return _ask(http, "GET", f"{endpoint}/latest/{root}/{path}", {"X-aws-ec2-metadata-token": token})


def _ask(http: urllib3.PoolManager, method: str, url: str, headers: dict[str, str]) -> str | None:
    try:
        answer = http.request(method, url, headers=headers, redirect=False)
    except urllib3.exceptions.HTTPError:
        return None
    text = answer.data.decode("ascii", "replace").strip()
    return text or None if answer.status == 200 else None


def _endpoint(environ: Mapping[str, str]) -> str:
    mode = environ.get("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "").lower()
    chosen = environ.get("AWS_EC2_METADATA_SERVICE_ENDPOINT") or _ENDPOINTS.get(mode, _ENDPOINTS["ipv4"])
    return chosen.rstrip("/")
