{{/*
What the controller does with Pods: read all, label them and set their condition through their status, tell their
author. Never `patch` on pods themselves: with it an image of any Pod can be changed.
*/}}
{{- define "aws-pod-eip-controller.podRules" -}}
- apiGroups: [""]
  resources: [pods]
  verbs: [get, list, watch]
- apiGroups: [""]
  resources: [pods/status]
  verbs: [patch]
- apiGroups: [""]
  resources: [events]
  verbs: [create, get, patch]
{{- end }}

{{/* "true" where this is on: as it says, and where it says nothing, where tenancy is strict. Takes `values` and `name`. */}}
{{- define "aws-pod-eip-controller.isOn" -}}
{{- $enabled := (get .values .name).enabled -}}
{{- ternary $enabled (eq (.values.tenancy | default "open") "strict") (kindIs "bool" $enabled) | ternary "true" "" -}}
{{- end }}

{{/*
"true" where the controller's own account is held to its own labels, condition and events: unless it is switched off, or
the cluster has no ValidatingAdmissionPolicy (Kubernetes 1.30). Takes a dict of the root as `root` and the merged values as `values`.
*/}}
{{- define "aws-pod-eip-controller.ownAccount" -}}
{{- if and .values.restrictOwnAccount (semverCompare ">=1.30-0" .root.Capabilities.KubeVersion.Version) -}}
true
{{- end -}}
{{- end }}

{{/* The subject of every binding. Takes a dict of the root as `root` and the merged values as `values`. */}}
{{- define "aws-pod-eip-controller.subjects" -}}
- kind: ServiceAccount
  name: {{ include "aws-pod-eip-controller.serviceAccount" . | quote }}
  namespace: {{ .root.Release.Namespace }}
{{- end }}
