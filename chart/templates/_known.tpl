{{/*
A value that this chart does not know is refused here and not by the schema, whose words Helm makes: whoever comes from
the Go controller's chart with values of their own must be told what to do about them.
*/}}

{{/* The values that become variables, in their order: clusterName is PEC_CLUSTER_NAME. */}}
{{- define "aws-pod-eip-controller.settings" -}}
clusterName vpcID region watchNamespace logLevel logFormat resyncPeriod resyncMinimum table createTable listen leaseName leaseNamespace leaseDuration renewDeadline retryPeriod callTimeout consistencyTime pollInterval silence concurrency extraTags tenancy poolKeys maxAddresses keepQuota requireAllocation traceUrl traceAllCalls
{{- end }}

{{/* Nothing, or the end with a line for each unknown value. `global` and `enabled` are a parent chart's. */}}
{{- define "aws-pod-eip-controller.known" -}}
{{- $known := concat (splitList " " (include "aws-pod-eip-controller.settings" .)) (include "aws-pod-eip-controller.defaults" . | fromYaml | keys) (list "policy" "global" "enabled") | sortAlpha -}}
{{- $lines := list -}}
{{- range $name, $value := .Values -}}
{{- if not (or (has $name $known) (kindIs "invalid" $value)) -}}
{{- $nearest := include "aws-pod-eip-controller.nearest" (dict "name" $name "known" $known) -}}
{{- $lines = append $lines (printf "%s is no value of this chart%s: remove it from your values, or, instead of --reuse-values, give --reset-then-reuse-values --set '%s=null'" $name (empty $nearest | ternary "" (printf " (the nearest is %s)" $nearest)) ($name | replace "." "\\.")) -}}
{{- end -}}
{{- end -}}
{{- if $lines -}}
{{- fail (join "\n" $lines | printf "\n%s\n") -}}
{{- end -}}
{{- end }}

{{/*
The known value that somebody may have meant: the same but for case and signs, or the one of most equal length where one
is a part of the other, or the one that begins alike for four letters at least. Empty if there is none. Takes `name` and `known`.
*/}}
{{- define "aws-pod-eip-controller.nearest" -}}
{{- $name := .name | lower | replace "-" "" | replace "_" "" -}}
{{- $best := get (dict "imagePullPolicy" "image.pullPolicy" "env" "extraEnv") .name -}}
{{- $score := empty $best | ternary 3 10000 -}}
{{- range .known -}}
{{- $other := lower . -}}
{{- $found := 0 -}}
{{- if eq $name $other -}}
{{- $found = 9999 -}}
{{- else if and (ge (len $name) 4) (or (contains $name $other) (contains $other $name)) -}}
{{- $found = sub 5000 (max (len $name) (len $other)) | add (min (len $name) (len $other)) | int -}}
{{- else -}}
{{- range $i := until (min (len $name) (len $other) | int) -}}
{{- if and (eq $found $i) (eq (substr 0 (add $i 1 | int) $name) (substr 0 (add $i 1 | int) $other)) -}}
{{- $found = add $i 1 | int -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if gt $found $score -}}
{{- $best = . -}}
{{- $score = $found -}}
{{- end -}}
{{- end -}}
{{- $best -}}
{{- end }}
