{{/* What the controller does with Pods: read all, label them, set their condition, tell their author. */}}
{{- define "aws-pod-eip-controller.podRules" -}}
- apiGroups: [""]
  resources: [pods]
  verbs: [get, list, watch, patch]
- apiGroups: [""]
  resources: [pods/status]
  verbs: [patch]
- apiGroups: [""]
  resources: [events]
  verbs: [create, get, patch]
{{- end }}

{{/* The subject of every binding. Takes a dict of the root as `root` and the merged values as `values`. */}}
{{- define "aws-pod-eip-controller.subjects" -}}
- kind: ServiceAccount
  name: {{ include "aws-pod-eip-controller.serviceAccount" . | quote }}
  namespace: {{ .root.Release.Namespace }}
{{- end }}
