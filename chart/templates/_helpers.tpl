{{/*
Names and labels. The names and the selector are those of the Go controller's chart: a Deployment's selector cannot
change, so an upgrade in place depends on them.
*/}}
{{- define "aws-pod-eip-controller.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "aws-pod-eip-controller.labels" -}}
{{ include "aws-pod-eip-controller.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{/* "true" where the chart makes the ServiceAccount, else empty. Takes the merged values. */}}
{{- define "aws-pod-eip-controller.makesServiceAccount" -}}
{{- if kindIs "bool" .createServiceAccount -}}
{{- ternary "true" "" .createServiceAccount -}}
{{- else if not .serviceAccountName -}}
true
{{- end -}}
{{- end }}

{{/* The ServiceAccount's name, made or not. Takes a dict of the root as `root` and the merged values as `values`. */}}
{{- define "aws-pod-eip-controller.serviceAccount" -}}
{{- .values.serviceAccountName | default .root.Release.Name -}}
{{- end }}

{{/* The image's reference. Takes a dict of the root as `root` and the merged values as `values`. */}}
{{- define "aws-pod-eip-controller.image" -}}
{{- $image := .values.image -}}
{{- if kindIs "string" $image -}}
{{- $image | default (printf "%s:%s" .root.Chart.Name .root.Chart.AppVersion) -}}
{{- else if $image.digest -}}
{{- printf "%s@%s" $image.repository $image.digest -}}
{{- else -}}
{{- printf "%s:%s" $image.repository ($image.tag | default .root.Chart.AppVersion | toString) -}}
{{- end -}}
{{- end }}

{{/*
The image's pull policy: Always where the reference has no tag or `latest`, and no digest, for then another image may
stand behind it; a port of the registry is no tag. Takes a dict of the root as `root` and the merged values as `values`.
*/}}
{{- define "aws-pod-eip-controller.pullPolicy" -}}
{{- if and (kindIs "map" .values.image) (dig "pullPolicy" "" .values.image) -}}
{{- .values.image.pullPolicy -}}
{{- else -}}
{{- $name := include "aws-pod-eip-controller.image" . | regexFind "[^/]*$" -}}
{{- ternary "Always" "IfNotPresent" (regexMatch "^[^:@]*(:latest)?$" $name) -}}
{{- end -}}
{{- end }}

{{/* A value as the text of a variable: numbers without an exponent, nothing for what is not set. */}}
{{- define "aws-pod-eip-controller.text" -}}
{{- if kindIs "string" . -}}
{{- . -}}
{{- else if not (kindIs "invalid" .) -}}
{{- toJson . -}}
{{- end -}}
{{- end }}

{{/* The port that the program listens on, from `listen`. Takes the merged values. */}}
{{- define "aws-pod-eip-controller.port" -}}
{{- regexFind "[0-9]+$" (.listen | default "0.0.0.0:8080") -}}
{{- end }}

{{/* Where the policy's file is mounted; empty where there is no policy. Takes the policy. */}}
{{- define "aws-pod-eip-controller.policyFile" -}}
{{- if . }}/etc/aws-pod-eip-controller/policy.yaml{{ end -}}
{{- end }}

{{/* The name of the Lease. Takes a dict of the root as `root` and the merged values as `values`. */}}
{{- define "aws-pod-eip-controller.leaseName" -}}
{{- .values.leaseName | default .root.Release.Name -}}
{{- end }}

{{/* The namespace of the Lease. Takes a dict of the root as `root` and the merged values as `values`. */}}
{{- define "aws-pod-eip-controller.leaseNamespace" -}}
{{- .values.leaseNamespace | default .root.Release.Namespace -}}
{{- end }}

{{/* "true" where traces are sent somewhere. Takes the merged values' otel. */}}
{{- define "aws-pod-eip-controller.traces" -}}
{{- if or .endpoint .xray }}true{{ end -}}
{{- end }}

{{/*
The variables OTEL_* as a map. What the resource says of the Pod comes from the downward API: $(NAME) is replaced by the
kubelet. Takes a dict of the root as `root` and the merged values' otel as `otel`.
*/}}
{{- define "aws-pod-eip-controller.otel" -}}
{{- $attributes := list -}}
{{- if include "aws-pod-eip-controller.traces" .otel -}}
{{- $attributes = list "cloud.platform=aws_eks" (printf "k8s.namespace.name=%s" .root.Release.Namespace) (printf "k8s.deployment.name=%s" .root.Release.Name) (printf "k8s.container.name=%s" .root.Chart.Name) "k8s.pod.name=$(OTEL_RESOURCE_ATTRIBUTES_POD_NAME)" "k8s.pod.uid=$(OTEL_RESOURCE_ATTRIBUTES_POD_UID)" "k8s.node.name=$(OTEL_RESOURCE_ATTRIBUTES_NODE_NAME)" -}}
{{- end -}}
{{- range $name, $value := .otel.resourceAttributes -}}
{{- $attributes = append $attributes (printf "%s=%s" $name (toString $value)) -}}
{{- end -}}
OTEL_TRACES_EXPORTER: "{{ if .otel.xray }}{{ if .otel.endpoint }}otlp,{{ end }}xray{{ end }}"
OTEL_EXPORTER_OTLP_ENDPOINT: {{ .otel.endpoint | quote }}
OTEL_RESOURCE_ATTRIBUTES: {{ join "," $attributes | quote }}
OTEL_TRACES_SAMPLER: {{ .otel.sampler | quote }}
OTEL_TRACES_SAMPLER_ARG: {{ include "aws-pod-eip-controller.text" .otel.samplerArg | quote }}
{{- end }}
