"""Tag keys that are never a pool, because somebody else's program writes them.

An address with such a key is kept for something: a NAT gateway, a load balancer, another tool's stack. It may be
associated with nothing for a while, and a Pod that names the key would then take it. `Name` is the one key that is
listed by itself: consoles and most tools write it on everything. It is compared with case. The families are compared
without case, since AWS reserves `aws:` in any case.
"""

import re
from typing import Final

from controller.core import contract
from controller.core.modes import SPECS
from state.model import Mode

FAMILIES: Final = (
    "aws:*",  # AWS itself; nobody else may write them (Tag your EC2 resources)
    "aws-cdk:*",  # the AWS Cloud Development Kit
    "eks:*",  # EKS: eks:cluster-name, eks:nodegroup-name
    "elasticbeanstalk:*",
    "amazonaws.com/*",
    "*.amazonaws.com/*",  # EKS and the VPC CNI: node.k8s.amazonaws.com/instance_id
    "*.aws.com/*",  # the EBS and EFS drivers: ebs.csi.aws.com/cluster
    "kubernetes.io/*",  # who may use a resource of which cluster: kubernetes.io/cluster/NAME
    "*.kubernetes.io/*",
    "kubernetescluster",  # kops, and the in-tree cloud provider of earlier Kubernetes
    "k8s.io/*",  # the cluster autoscaler, kops
    "*.k8s.io/*",  # Cluster API for AWS: sigs.k8s.io/cluster-api-provider-aws/...; eksctl.cluster.k8s.io/...
    "*.x-k8s.io/*",  # Cluster API: cluster.x-k8s.io/...
    "k8s.aws/*",
    "*.k8s.aws/*",  # the load balancer controller (elbv2., service., ingress.), Karpenter, ACK
    "karpenter.sh/*",
    "*.karpenter.sh/*",
    "eksctl.io/*",
    "*.eksctl.io/*",  # alpha.eksctl.io/cluster-name
    "terraform*",  # stacks of Terraform, and of tools that use the same keys
    "managed?by",
    "managedby",
    "crossplane-*",
    "pulumi:*",
    "created?by",
    "createdby",
    "amazon.com/*",
    "*.amazon.com/*",
    "parallelcluster:*",
    "spotinst:*",
    "red-hat-*",
    "openshift*",
)
"""Globs in lower case; `?` is one character."""


def pattern() -> str:
    """One regular expression for `Name` and all families, as Python, and CEL in the chart's policy, understand it."""
    families = (re.escape(family).replace(r"\*", ".*").replace(r"\?", ".") for family in FAMILIES)
    return f"^(?:Name|(?i:{'|'.join(families)}))$"


_FOREIGN = re.compile(pattern(), re.DOTALL)


def refusal(mode: Mode, key: str) -> str | None:
    """Why no new claim is made for a pool of this tag key; None if one may be.

    What a Pod has already, it keeps: the Go controller took such keys.
    """
    if SPECS[mode].allocates or _FOREIGN.fullmatch(key) is None:
        return None
    annotation = SPECS[mode].annotation
    return (
        f"annotation {annotation}: {contract.quoted(key)} is never a pool: tools and consoles write keys of this kind, "
        "so what carries it is kept for something else; give the pool a tag key of its own"
    )
