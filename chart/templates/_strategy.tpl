{{/*
Recreate or RollingUpdate. Two replicas of this program hand over within a second, so it may roll; but the Go
controller has no Lease and must have ended before ours starts. It carries the same name, so what runs is asked: the
Deployment in the cluster is ours if its container has PEC_TABLE, and runs nothing older if every replica is of its
newest revision. Replicas of another Lease do not hand over: they count as another install, which waits for the first
to end. Where nothing can be asked (`helm template`, GitOps), Recreate is the safe answer.
Takes a dict of the root as `root` and the merged values as `values`.
*/}}
{{- define "aws-pod-eip-controller.strategy" -}}
{{- if .values.strategy.type -}}
{{- .values.strategy.type -}}
{{- else -}}
{{- $live := lookup "apps/v1" "Deployment" .root.Release.Namespace .root.Release.Name | default dict -}}
{{- $ours := false -}}
{{- $name := "" -}}
{{- $namespace := "" -}}
{{- range dig "spec" "template" "spec" "containers" list $live -}}
{{- range .env -}}
{{- if eq .name "PEC_TABLE" -}}{{- $ours = true -}}{{- end -}}
{{- if eq .name "PEC_LEASE_NAME" -}}{{- $name = .value | default "" -}}{{- end -}}
{{- if eq .name "PEC_LEASE_NAMESPACE" -}}{{- $namespace = .value | default "" -}}{{- end -}}
{{- end -}}
{{- end -}}
{{- $same := and (eq $name (include "aws-pod-eip-controller.leaseName" .)) (eq ($namespace | default .root.Release.Namespace) (include "aws-pod-eip-controller.leaseNamespace" .)) -}}
{{- $seen := eq (dig "metadata" "generation" 0 $live | int) (dig "status" "observedGeneration" -1 $live | int) -}}
{{- $updated := dig "status" "updatedReplicas" 0 $live | int -}}
{{- $all := dig "status" "replicas" 0 $live | int -}}
{{- ternary "RollingUpdate" "Recreate" (and $ours $same $seen (gt $updated 0) (eq $updated $all)) -}}
{{- end -}}
{{- end }}
