"""The names that users see and write: annotations, labels, tags, event reasons. Upstream's, unchanged.

They stand in one place because each is a promise: manifests, downward-API mounts and pre-tagged addresses out there
contain them letter by letter.
"""

import re
from typing import Final

PREFIX: Final = "aws-samples.github.com/"
_NAME: Final = PREFIX + "aws-pod-eip-controller-"

TYPE: Final = _NAME + "type"
PUBLIC_IPV4_POOL: Final = _NAME + "public-ipv4-pool"
FIXED_TAG: Final = _NAME + "fixed-tag"
FIXED_TAG_VALUE: Final = _NAME + "fixed-tag-value"
PUBLIC_IP: Final = _NAME + "public-ip"

TAG_CLUSTER_NAME: Final = _NAME + "cluster-name"
TAG_POD: Final = _NAME + "pod"
TAG_POD_UID: Final = _NAME + "pod-uid"
TAG_CLUSTER_UID: Final = _NAME + "cluster-uid"

CONDITION: Final = PREFIX + "eip-associated"
LABELS: Final = (PUBLIC_IP, TYPE, PUBLIC_IPV4_POOL, FIXED_TAG, FIXED_TAG_VALUE)
AMAZON_POOL: Final = "amazon"

ASSOCIATED: Final = "EIPAssociated"
ASSOCIATION_FAILED: Final = "EIPAssociationFailed"
DISASSOCIATED: Final = "EIPDisassociated"
DISASSOCIATION_FAILED: Final = "EIPDisassociationFailed"
INVALID: Final = "EIPInvalid"
WAITING: Final = "EIPWaiting"
REFUSED: Final = "EIPRefused"
LOST: Final = "EIPLost"
LABEL_OMITTED: Final = "EIPLabelOmitted"

_LABEL_VALUE = re.compile(r"(([A-Za-z0-9][-A-Za-z0-9_.]{0,61})?[A-Za-z0-9])?")
_TAG_KEY = re.compile(r"[\w +\-=.:/@]{1,128}")
_POOL_ID = re.compile(r"[!-~]{1,128}")
_PRINTABLE = re.compile(r"[^\x00-\x1f\x7f-\x9f]+")
_SHOWN = 100


def is_label_value(value: str) -> bool:
    """Whether Kubernetes accepts it as a label value (Kubernetes documentation, Labels and Selectors)."""
    return _LABEL_VALUE.fullmatch(value) is not None


def is_pool_id(value: str) -> bool:
    """Whether it may be the id of a public IPv4 pool; which ones there are, EC2 knows."""
    return _POOL_ID.fullmatch(value) is not None


def quoted(value: str) -> str:
    """A value of a user's as messages show it: on one line, of bearable length, without what steers a terminal.

    The chart's admission policy does the same in CEL, so no Python-only escapes.
    """
    shown = value if len(value) <= _SHOWN else value[:_SHOWN] + "..."
    return "'" + " ".join(_PRINTABLE.findall(shown)) + "'"


def tag_key_fault(key: str) -> str | None:
    """What is wrong with a pool's tag key, in words; None if nothing (AWS documentation, Tag your EC2 resources)."""
    if not _TAG_KEY.fullmatch(key):
        return f"{quoted(key)} is not a tag key: 1 to 128 letters, digits, spaces and + - = . _ : / @"
    if key.lower().startswith("aws:"):
        return f"{quoted(key)} is not a tag key of yours: AWS keeps the prefix aws: for itself"
    if key.startswith(PREFIX):
        return f"{quoted(key)} would reach other Pods' own addresses: the prefix {PREFIX} is the controller's"
    return None
