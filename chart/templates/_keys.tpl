{{/*
Tag keys that are never a pool, as a regular expression in CEL: controller/core/foreign_keys.py makes it, and a test
holds the two together.
*/}}
{{- define "aws-pod-eip-controller.foreignKeys" -}}
r'^(?:Name|(?i:aws:.*|aws\-cdk:.*|eks:.*|elasticbeanstalk:.*|amazonaws\.com/.*|.*\.amazonaws\.com/.*|.*\.aws\.com/.*|kubernetes\.io/.*|.*\.kubernetes\.io/.*|kubernetescluster|k8s\.io/.*|.*\.k8s\.io/.*|.*\.x\-k8s\.io/.*|k8s\.aws/.*|.*\.k8s\.aws/.*|karpenter\.sh/.*|.*\.karpenter\.sh/.*|eksctl\.io/.*|.*\.eksctl\.io/.*|terraform.*|managed.by|managedby|crossplane\-.*|pulumi:.*|created.by|createdby|amazon\.com/.*|.*\.amazon\.com/.*|parallelcluster:.*|spotinst:.*|red\-hat\-.*|openshift.*))$'
{{- end }}
