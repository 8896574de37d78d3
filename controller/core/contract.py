"""The names that users see and write, letter by letter: annotations, labels, tags, event reasons.

No name may change: users' manifests, downward-API mounts and tagged addresses contain it. So each name stands here and
nowhere else in the program. Annotations and tags have a prefix, labels have none (the Go controller's source,
`pkg/config.go`, and the init container of its README).
"""

import re
from typing import Final

PREFIX: Final = "aws-samples.github.com/"

ANNOTATION_TYPE: Final = PREFIX + "aws-pod-eip-controller-type"
ANNOTATION_PUBLIC_IPV4_POOL: Final = PREFIX + "aws-pod-eip-controller-public-ipv4-pool"
ANNOTATION_FIXED_TAG: Final = PREFIX + "aws-pod-eip-controller-fixed-tag"
ANNOTATION_FIXED_TAG_VALUE: Final = PREFIX + "aws-pod-eip-controller-fixed-tag-value"

LABEL_PUBLIC_IP: Final = "aws-pod-eip-controller-public-ip"
LABEL_TYPE: Final = "aws-pod-eip-controller-type"
LABEL_PUBLIC_IPV4_POOL: Final = "aws-pod-eip-controller-public-ipv4-pool"
LABEL_FIXED_TAG: Final = "aws-pod-eip-controller-fixed-tag"
LABEL_FIXED_TAG_VALUE: Final = "aws-pod-eip-controller-fixed-tag-value"
LABELS: Final = (LABEL_PUBLIC_IP, LABEL_TYPE, LABEL_PUBLIC_IPV4_POOL, LABEL_FIXED_TAG, LABEL_FIXED_TAG_VALUE)

TAG_TYPE: Final = PREFIX + "aws-pod-eip-controller-type"
TAG_CLUSTER_NAME: Final = PREFIX + "aws-pod-eip-controller-cluster-name"
TAG_POD: Final = PREFIX + "aws-pod-eip-controller-pod"
TAG_POD_UID: Final = PREFIX + "aws-pod-eip-controller-pod-uid"
TAG_CLUSTER_UID: Final = PREFIX + "aws-pod-eip-controller-cluster-uid"
OWN_TAGS: Final = (TAG_TYPE, TAG_CLUSTER_NAME, TAG_POD, TAG_POD_UID, TAG_CLUSTER_UID)

ANNOTATION_POD_ENI: Final = "vpc.amazonaws.com/pod-eni"
"""The VPC resource controller's: the branch interfaces of a Pod with security groups of its own, as JSON."""

CONDITION: Final = PREFIX + "eip-associated"
LEASE_EPOCH: Final = PREFIX + "eip-controller-epoch"
LEASE_ADDRESS: Final = PREFIX + "eip-controller-address"
COMPONENT: Final = "aws-pod-eip-controller"
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
CONTESTED: Final = "EIPLabelContested"
CONTROLLER_UNABLE: Final = "EIPControllerUnable"
CONTROLLER_ABLE: Final = "EIPControllerAble"

_LABEL_VALUE = re.compile(r"(([A-Za-z0-9][-A-Za-z0-9_.]{0,61})?[A-Za-z0-9])?")
_POOL_ID = re.compile(r"[!-~]{1,128}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_IDENTITIES = re.compile(r"arn:aws[a-z-]*:[^\s;'\"]*[^\s;'\".,]|(?<![\da-f-])\d{12}(?![\da-f])")
_SHOWN = 100
LONGEST_TAG_KEY: Final = 128
LONGEST_TAG_VALUE: Final = 256
LONGEST_READ: Final = LONGEST_TAG_KEY + 1
"""So many characters of an annotation are read: every legal value is shorter, and messages show fewer."""

_UNSEEN = (
    *range(0x20),
    *range(0x7F, 0xA1),
    *(0xAD, 0x034F, 0x061C, 0x115F, 0x1160, 0x1680, 0x17B4, 0x17B5),
    *range(0x180B, 0x1810),
    *range(0x2000, 0x2010),
    *range(0x2028, 0x2030),
    *range(0x205F, 0x2070),
    *(0x2800, 0x3000, 0x3164, 0xFEFF, 0xFFA0),
    *range(0xFE00, 0xFE10),
    *range(0xFFF9, 0xFFFC),
    *range(0xE0000, 0xE0080),
)
"""Characters that show as nothing or as a space, or reverse the text: controls, blanks, fillers, joiners, variation
selectors, bidirectional marks, tag characters."""


def _number(character: str) -> str:
    code = ord(character)
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


_SHORT = {"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"}
ESCAPES: Final = str.maketrans({**{chr(c): _number(chr(c)) for c in _UNSEEN}, **_SHORT})
"""How a character that cannot be seen is shown; the chart's admission policy has the same table."""
_NUMBERS: Final = {code: number for code, number in ESCAPES.items() if code != ord("\\")}


def is_label_value(value: str) -> bool:
    """Whether Kubernetes accepts it as a label value (Kubernetes documentation, Labels and Selectors)."""
    return _LABEL_VALUE.fullmatch(value) is not None


def public_pool_fault(value: str) -> str | None:
    """What is wrong with the id of a public IPv4 pool, in words; None if nothing. Only its form is checked."""
    if _POOL_ID.fullmatch(value) is None:
        return f"{quoted(value)} is not the id of a public IPv4 pool, or amazon"
    return None


def quoted(value: str) -> str:
    """A value of a user's as messages show it: shortened, and with the numbers of characters that cannot be seen.

    The chart's admission policy does the same in CEL.
    """
    return "'" + shortened(value).translate(ESCAPES) + "'"


def shortened(value: str) -> str:
    """A value of a user's, shortened for a message: an annotation may have 256 KiB."""
    return value if len(value) <= _SHOWN else value[:_SHOWN] + "..."


def legible(text: str) -> str:
    """A message that may contain text of strangers, made safe for a log, a terminal or an event.

    The result is one line. Characters that cannot be seen, or that control a terminal, are shown by their numbers.
    Text that is `quoted` already stays as it is.
    """
    shown = text.translate(_NUMBERS)
    return shown if shown.isprintable() else "".join(c if c.isprintable() else _number(c) for c in shown)


def for_tenants(text: str) -> str:
    """A message of AWS without the role's ARN and the account, which authors of Pods must not learn."""
    return _IDENTITIES.sub("(left out)", text)


def pod_tag(namespace: str, name: str) -> str:
    """The value of the tag that names a Pod, cut at a tag's longest value. It is for people; UIDs identify the Pod."""
    return f"{namespace}/{name}"[:LONGEST_TAG_VALUE]


def tag_key_fault(key: str) -> str | None:
    """What is wrong with a pool's tag key, in words; None if nothing.

    EC2 takes up to 128 characters of any kind that can be written (AWS documentation, Tag your EC2 resources).
    """
    if not 0 < len(key) <= LONGEST_TAG_KEY or _CONTROL.search(key):
        return f"{quoted(key)} is not a tag key: 1 to 128 characters, and no control characters"
    if key.lower().startswith("aws:"):
        return f"{quoted(key)} is not a tag key of yours: AWS keeps the prefix aws: for itself"
    if key.startswith(PREFIX):
        return f"{quoted(key)} would reach other Pods' own addresses: the prefix {PREFIX} is the controller's"
    return None
