{{/*
The defaults once more, for `helm upgrade --reuse-values`: Helm then takes the values of the release that is there,
the Go controller's among them, and does not look into values.yaml. Settings of the program are not here: without a
value they are empty variables, and the program has defaults of its own. A test compares this list with values.yaml.
*/}}
{{- define "aws-pod-eip-controller.defaults" -}}
otel: {endpoint: "", xray: false, resourceAttributes: {}, sampler: "", samplerArg: ""}
extraEnv: []
admissionPolicy: {enabled: , failurePolicy: ""}
restrictOwnAccount: true
migration: {adoptLeftovers: }
networkPolicy: {enabled: , from: []}
replicas: 2
image: {repository: aws-pod-eip-controller, tag: "", digest: "", pullPolicy: ""}
imagePullSecrets: []
strategy: {type: ""}
createServiceAccount:
serviceAccountName: ""
serviceAccountAnnotations: {}
podAnnotations: {}
podLabels: {}
priorityClassName: ""
nodeSelector: {}
tolerations:
affinity: {}
topologySpread:
  - {topologyKey: topology.kubernetes.io/zone, maxSkew: 1, whenUnsatisfiable: ScheduleAnyway}
  - {topologyKey: kubernetes.io/hostname, maxSkew: 1, whenUnsatisfiable: ScheduleAnyway}
resources:
  requests: {cpu: 150m, memory: 256Mi}
  limits: {memory: 256Mi}
podSecurityContext:
  runAsNonRoot: true
  runAsUser: 65532
  runAsGroup: 65532
  fsGroup: 65532
  seccompProfile: {type: RuntimeDefault}
containerSecurityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: {drop: [ALL]}
terminationGracePeriodSeconds: 90
podDisruptionBudget: {enabled: true, maxUnavailable: 1}
doctor: {failOnWarnings: false, readRights: true, docs: ""}
service: {enabled: true, type: ClusterIP, port: 8080, annotations: {}}
metrics:
  {annotations: false, serviceMonitor: false, serviceMonitorLabels: {}, interval: 30s, scrapeTimeout: "",
  relabelings: [], metricRelabelings: [], prometheusRule: false, prometheusRuleLabels: {},
  runbooks: "",
  dashboard: false, dashboardLabels: {grafana_dashboard: "1"}}
{{- end }}

{{/*
All values, with the defaults of those that are missing. Of the chart's own maps each missing key is filled in; maps
that are Kubernetes' own are taken whole, so that a key can be left out, unless they are empty. A list that is
empty stays so.
*/}}
{{- define "aws-pod-eip-controller.values" -}}
{{- include "aws-pod-eip-controller.known" . -}}
{{- $values := deepCopy .Values -}}
{{- $own := list "otel" "admissionPolicy" "networkPolicy" "migration" "image" "strategy" "podDisruptionBudget" "doctor" "service" "metrics" -}}
{{- range $name, $default := include "aws-pod-eip-controller.defaults" . | fromYaml -}}
{{- $given := get $values $name -}}
{{- if or (not (hasKey $values $name)) (kindIs "invalid" $given) (and (kindIs "map" $given) (empty $given)) -}}
{{- $_ := set $values $name $default -}}
{{- else if and (has $name $own) (kindIs "map" $given) -}}
{{- range $key, $value := $default -}}
{{- if not (hasKey $given $key) -}}
{{- $_ := set $given $key $value -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- toYaml $values -}}
{{- end }}
