"""Pods that ask wrongly, and Pods that ask rightly: one table for the controller and for the API server's policy.

The annotations are spelled out as users write them.
"""

from typing import Any

PREFIX = "aws-samples.github.com/"
TYPE = "aws-samples.github.com/aws-pod-eip-controller-type"
FARGATE = {"eks.amazonaws.com/fargate-profile": "fp"}
Object = dict[str, Any]


def asking(
    mode: str | None, *, labels: dict[str, str] | None = None, spec: Object | None = None, **pools: str
) -> Object:
    """A Pod with these annotations: `fixed_tag="k"` is the annotation that ends in fixed-tag."""
    annotations = {} if mode is None else {TYPE: mode}
    prefix = "aws-samples.github.com/aws-pod-eip-controller-"
    annotations.update({prefix + name.replace("_", "-"): value for name, value in pools.items()})
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "p", "annotations": annotations, "labels": labels or {}},
        "spec": {"containers": [{"name": "main", "image": "none"}], **(spec or {})},
    }


WRONG: dict[str, Object] = {
    "mode of a space": asking(" "),
    "unknown mode": asking("sometimes"),
    "mode in capitals": asking("Auto"),
    "mode with a space": asking("auto "),
    "long mode": asking("a" * 101),
    "very long mode": asking("é" * 5000),
    "mode with controls": asking("\x1b[31mred\x07\nline\r\n\x85end\x7f"),
    "mode with quotes": asking('it\'s "auto"'),
    "mode with an end of line": asking("auto\n"),
    "mode with a zero-width space": asking("au\u200bto"),
    "mode turned around": asking("\u202eotua"),
    "mode with a backslash": asking("auto\\n"),
    "mode that shows as an escape": asking("\\u200b\\"),
    "mode with a no-break space": asking("auto\u00a0"),
    "long mode, escaped after it is cut": asking("\u200b" * 101),
    "pool id with a space": asking("auto", public_ipv4_pool="ipv4pool-ec2-1 "),
    "pool id of spaces": asking("auto", public_ipv4_pool="   "),
    "pool id that is no ASCII": asking("auto", public_ipv4_pool="pöol"),
    "long pool id": asking("auto", public_ipv4_pool="p" * 129),
    "no key": asking("fixed-tag"),
    "empty key": asking("fixed-tag", fixed_tag=""),
    "key of the other mode": asking("fixed-tag", fixed_tag_value="k"),
    "no value key": asking("fixed-tag-value"),
    "key with a tab": asking("fixed-tag", fixed_tag="a\tb"),
    "key with a NUL": asking("fixed-tag", fixed_tag="a\0b"),
    "key with a late control": asking("fixed-tag", fixed_tag="a\x9f"),
    "key with an end of line": asking("fixed-tag", fixed_tag="key\n"),
    "key with a line separator": asking("fixed-tag-value", fixed_tag_value="a\u2028b"),
    "key with a paragraph separator": asking("fixed-tag", fixed_tag="\u2029"),
    "key of an end of line": asking("fixed-tag", fixed_tag="\n"),
    "long key": asking("fixed-tag", fixed_tag="k" * 129),
    "long key beyond the 16-bit characters": asking("fixed-tag", fixed_tag="😀" * 129),
    "very long key": asking("fixed-tag-value", fixed_tag_value="k" * 100_000),
    "AWS's key": asking("fixed-tag", fixed_tag="aws:cloudformation:stack-name"),
    "AWS's key in capitals": asking("fixed-tag-value", fixed_tag_value="AwS:x"),
    "AWS's key with a no-break space": asking("fixed-tag", fixed_tag="aws:a\u00a0b"),
    "our own key": asking("fixed-tag", fixed_tag=TYPE),
    "our own prefix": asking("fixed-tag-value", fixed_tag_value=PREFIX),
    "the console's name": asking("fixed-tag", fixed_tag="Name"),
    "the console's name, by value": asking("fixed-tag-value", fixed_tag_value="Name"),
    "a cluster's resources": asking("fixed-tag", fixed_tag="kubernetes.io/cluster/x"),
    "a role of subnets": asking("fixed-tag", fixed_tag="kubernetes.io/role/elb"),
    "the cluster autoscaler": asking("fixed-tag", fixed_tag="k8s.io/cluster-autoscaler/enabled"),
    "EKS": asking("fixed-tag", fixed_tag="eks:cluster-name"),
    "EKS, in capitals": asking("fixed-tag", fixed_tag="EKS:Cluster-Name"),
    "the VPC CNI": asking("fixed-tag", fixed_tag="node.k8s.amazonaws.com/instance_id"),
    "eksctl": asking("fixed-tag", fixed_tag="alpha.eksctl.io/cluster-name"),
    "Karpenter": asking("fixed-tag", fixed_tag="karpenter.sh/nodepool"),
    "Karpenter on AWS": asking("fixed-tag", fixed_tag="karpenter.k8s.aws/cluster"),
    "the load balancer controller": asking("fixed-tag", fixed_tag="elbv2.k8s.aws/cluster"),
    "Cluster API": asking("fixed-tag", fixed_tag="sigs.k8s.io/cluster-api-provider-aws/cluster/x"),
    "Cluster API's core": asking("fixed-tag", fixed_tag="topology.cluster.x-k8s.io/owned"),
    "kops": asking("fixed-tag", fixed_tag="KubernetesCluster"),
    "the EBS driver": asking("fixed-tag", fixed_tag="ebs.csi.aws.com/cluster"),
    "the CDK": asking("fixed-tag", fixed_tag="aws-cdk:subnet-type"),
    "Elastic Beanstalk": asking("fixed-tag", fixed_tag="elasticbeanstalk:environment-name"),
    "Terraform": asking("fixed-tag", fixed_tag="Terraform"),
    "a stack of Terraform": asking("fixed-tag", fixed_tag="terraform:stack/prod"),
    "who manages it": asking("fixed-tag", fixed_tag="managed-by"),
    "who manages it, in one word": asking("fixed-tag", fixed_tag="ManagedBy"),
    "Pulumi": asking("fixed-tag", fixed_tag="pulumi:project"),
    "ParallelCluster": asking("fixed-tag", fixed_tag="parallelcluster:cluster-name"),
    "who created it": asking("fixed-tag", fixed_tag="CreatedBy"),
    "OpenShift": asking("fixed-tag", fixed_tag="openshift_creationDate"),
    "Crossplane": asking("fixed-tag", fixed_tag="crossplane-kind"),
    "bad key of a host network Pod": asking("fixed-tag", spec={"hostNetwork": True}),
    "host network on Fargate": asking("auto", labels=FARGATE, spec={"hostNetwork": True}),
    "Fargate profile": asking("fixed-tag", labels=FARGATE, fixed_tag="k"),
    "Fargate's scheduler": asking("auto", spec={"schedulerName": "fargate-scheduler"}),
    "Fargate's node": asking("auto", spec={"nodeName": "fargate-ip-10-0-0-1"}),
}
RIGHT: dict[str, Object] = {
    "nothing": asking(None),
    "no mode, so nothing else counts": asking(None, fixed_tag="no\tgood", spec={"hostNetwork": True}),
    "empty mode, so nothing else counts": asking("", fixed_tag="no\tgood", labels=FARGATE),
    "auto": asking("auto"),
    "auto, host network": asking("auto", spec={"hostNetwork": True}),
    "key, host network": asking("fixed-tag", fixed_tag="k", spec={"hostNetwork": True}),
    "auto, empty pool": asking("auto", public_ipv4_pool=""),
    "auto, pool": asking("auto", public_ipv4_pool="ipv4pool-ec2-0123456789abcdef0"),
    "auto, longest pool": asking("auto", public_ipv4_pool="p" * 128),
    "auto, with another mode's bad key": asking("auto", fixed_tag="no\tgood"),
    "key": asking("fixed-tag", fixed_tag="team/blue eip+1-2=3.4_5:6@7"),
    "key of other scripts": asking("fixed-tag", fixed_tag="größe-伝統-٣½Ⅷ"),
    "key with marks": asking("fixed-tag", fixed_tag="no!good, 'game[eu]#1' \\ *?;<>|"),
    "key with brackets, hash and comma": asking("fixed-tag-value", fixed_tag_value="game[eu]#1,2"),
    "key with brackets and hash": asking("fixed-tag", fixed_tag="game[eu]#1"),
    "key with a combining mark": asking("fixed-tag", fixed_tag="a\u0301"),
    "key with a no-break and a zero-width space": asking("fixed-tag", fixed_tag="a\u00a0\u200b"),
    "key of a space": asking("fixed-tag", fixed_tag=" "),
    "longest key": asking("fixed-tag-value", fixed_tag_value="k" * 128),
    "longest key beyond the 16-bit characters": asking("fixed-tag", fixed_tag="😀" * 128),
    "key that only begins like AWS's": asking("fixed-tag", fixed_tag="aws-x:"),
    "name in small letters": asking("fixed-tag", fixed_tag="name"),
    "keys that only look like others'": asking("fixed-tag", fixed_tag="my-kubernetes.io/x"),
    "key that is no family's": asking("fixed-tag", fixed_tag="eks-games"),
    "no host network": asking("auto", spec={"hostNetwork": False, "schedulerName": "mine"}),
}
# What a Pod's status shows later, nobody can know when it is made.
WRONG_LATER: dict[str, Object] = {
    "IPv6 only": asking("auto") | {"status": {"podIP": "2001:db8::1", "podIPs": [{"ip": "2001:db8::1"}]}},
}
