{{/* The pod of a role, restricted: no root, no capabilities, read-only root, no token. Takes (root, role). */}}
{{- define "baleen.podTemplate" -}}
{{- $root := index . 0 -}}
{{- $role := index . 1 -}}
{{- $block := index $root.Values $role -}}
metadata:
  labels:
    {{- include "baleen.labels" . | nindent 4 }}
  {{- with $block.podAnnotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  serviceAccountName: {{ include "baleen.fullname" $root }}
  automountServiceAccountToken: false
  enableServiceLinks: false
  terminationGracePeriodSeconds: {{ add $block.lifecycle.preStopSeconds $block.lifecycle.drainSeconds 15 }}
  {{- with $root.Values.image.pullSecrets }}
  imagePullSecrets:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  securityContext:
    {{- include "baleen.podSecurityContext" $root | nindent 4 }}
  {{- with $block.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $block.tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  topologySpreadConstraints:
    - topologyKey: {{ $block.topologySpread.key }}
      maxSkew: {{ $block.topologySpread.maxSkew }}
      whenUnsatisfiable: {{ $block.topologySpread.whenUnsatisfiable }}
      labelSelector:
        matchLabels:
          {{- include "baleen.selector" . | nindent 10 }}
  containers:
    - name: {{ $role }}
      {{- include "baleen.container" . | nindent 6 }}
  volumes:
    {{- include "baleen.volumes" . | nindent 4 }}
{{- end -}}

{{- define "baleen.podSecurityContext" -}}
runAsNonRoot: true
runAsUser: {{ int64 .Values.podSecurity.runAsUser }}
runAsGroup: {{ int64 .Values.podSecurity.runAsUser }}
fsGroup: {{ int64 .Values.podSecurity.fsGroup }}
fsGroupChangePolicy: OnRootMismatch
seccompProfile: {type: RuntimeDefault}
{{- end -}}

{{- define "baleen.containerSecurityContext" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end -}}

{{/* Takes (root, role). */}}
{{- define "baleen.volumes" -}}
{{- $root := index . 0 -}}
{{- $role := index . 1 -}}
{{- if and (ne $role "placement") (ne $root.Values.model.source "bundled") }}
- name: model
  {{- include "baleen.modelVolume" $root | nindent 2 }}
{{- end }}
{{- if and (eq $role "gateway") $root.Values.tenants.secret }}
- name: tenants
  secret: {secretName: {{ $root.Values.tenants.secret }}}
{{- end }}
{{- if $root.Values.tls.internal.enabled }}
- name: internal-tls
  secret: {secretName: {{ index $root.Values.tls.internal.secrets (include "baleen.certificateRole" .) }}, defaultMode: 0440}
{{- with $root.Values.tls.internal.crlConfigMap }}
- name: revocations
  configMap: {name: {{ . }}, items: [{key: crl.pem, path: crl.pem}]}
{{- end }}
{{- end }}
{{- if and $root.Values.tls.edge.enabled (eq $role "gateway") }}
- name: edge-tls
  secret: {secretName: {{ $root.Values.tls.edge.secret }}, defaultMode: 0440}
{{- end }}
{{- if and $root.Values.tracing.otlpEndpoint $root.Values.tracing.caSecret }}
- name: otlp-ca
  secret: {secretName: {{ $root.Values.tracing.caSecret }}, items: [{key: ca.crt, path: ca.crt}], defaultMode: 0440}
{{- end }}
- name: log-level
  configMap: {name: {{ include "baleen.fullname" $root }}-log-level}
{{- end -}}

{{/* Takes (root, role). */}}
{{- define "baleen.volumeMounts" -}}
{{- $root := index . 0 -}}
{{- $role := index . 1 -}}
{{- if and (ne $role "placement") (ne $root.Values.model.source "bundled") }}
- {name: model, mountPath: {{ include "baleen.modelPath" $root }}, readOnly: true}
{{- end }}
{{- if and (eq $role "gateway") $root.Values.tenants.secret }}
- {name: tenants, mountPath: /etc/baleen/tenants, readOnly: true}
{{- end }}
{{- if $root.Values.tls.internal.enabled }}
- {name: internal-tls, mountPath: /tls/internal, readOnly: true}
{{- if $root.Values.tls.internal.crlConfigMap }}
- {name: revocations, mountPath: /tls/revocations, readOnly: true}
{{- end }}
{{- end }}
{{- if and $root.Values.tls.edge.enabled (eq $role "gateway") }}
- {name: edge-tls, mountPath: /tls/edge, readOnly: true}
{{- end }}
{{- if and $root.Values.tracing.otlpEndpoint $root.Values.tracing.caSecret }}
- {name: otlp-ca, mountPath: /tls/otlp, readOnly: true}
{{- end }}
- {name: log-level, mountPath: /etc/baleen/log-level, readOnly: true}
{{- end -}}

{{- define "baleen.modelVolume" -}}
{{- $model := .Values.model -}}
{{- if eq $model.source "persistentVolumeClaim" -}}
persistentVolumeClaim:
  claimName: {{ required "model.persistentVolumeClaim names the claim" $model.persistentVolumeClaim }}
  readOnly: true
{{- else if eq $model.source "hostPath" -}}
hostPath:
  path: {{ required "model.hostPath names the directory" $model.hostPath }}
  type: Directory
{{- else -}}
image:
  reference: {{ required "model.image names the image" $model.image }}
  pullPolicy: IfNotPresent
{{- end -}}
{{- end -}}

{{/* As the values say, with as many GPUs as compute together. Takes a role's block. */}}
{{- define "baleen.resources" -}}
{{- $resources := deepCopy .resources -}}
{{- if gt (int (default 1 .tensorParallel)) 1 -}}
{{- range $amounts := $resources }}{{ if hasKey $amounts "nvidia.com/gpu" }}{{ $_ := set $amounts "nvidia.com/gpu" (int $.tensorParallel) }}{{ end }}{{ end -}}
{{- end -}}
{{ toYaml $resources }}
{{- end -}}

{{/* The one container of a pod. Takes (root, role). */}}
{{- define "baleen.container" -}}
{{- $root := index . 0 -}}
{{- $role := index . 1 -}}
{{- $block := index $root.Values $role -}}
image: {{ printf "%s/%s:%s%s" $root.Values.image.registry $block.image (default $root.Chart.AppVersion $root.Values.image.tag) (include "baleen.imageSuffix" .) }}
imagePullPolicy: {{ $root.Values.image.pullPolicy }}
args:
  {{- include "baleen.commonArgs" . | nindent 2 }}
  {{- include "baleen.roleArgs" . | trim | nindent 2 }}
  {{- range $block.extraArgs }}
  - {{ . | quote }}
  {{- end }}
env:
  - name: POD_IP
    valueFrom: {fieldRef: {apiVersion: v1, fieldPath: status.podIP}}
  {{- if ne $role "placement" }}
  {{- if eq (default "node" $block.failureDomain) "pod" }}
  - name: POD_NAME
    valueFrom: {fieldRef: {apiVersion: v1, fieldPath: metadata.name}}
  {{- else }}
  - name: NODE_NAME
    valueFrom: {fieldRef: {apiVersion: v1, fieldPath: spec.nodeName}}
  {{- end }}
  {{- end }}
ports:
  {{- if eq $role "gateway" }}
  - {name: http, containerPort: 8080, protocol: TCP}
  {{- end }}
  - {name: grpc, containerPort: 8081, protocol: TCP}
  - {name: metrics, containerPort: 9400, protocol: TCP}
resources:
  {{- include "baleen.resources" $block | nindent 2 }}
securityContext:
  {{- include "baleen.containerSecurityContext" $root | nindent 2 }}
# Live = the process answers; ready = it would answer a request now; the start waits for the checkpoint to be read.
startupProbe:
  httpGet: {path: /livez, port: metrics}
  periodSeconds: {{ $block.probes.periodSeconds }}
  timeoutSeconds: {{ $block.probes.timeoutSeconds }}
  failureThreshold: {{ max 1 (div $block.probes.startupSeconds $block.probes.periodSeconds) }}
livenessProbe:
  httpGet: {path: /livez, port: metrics}
  periodSeconds: {{ $block.probes.periodSeconds }}
  timeoutSeconds: {{ $block.probes.timeoutSeconds }}
  failureThreshold: {{ $block.probes.failureThreshold }}
readinessProbe:
  httpGet: {path: /readyz, port: metrics}
  periodSeconds: {{ $block.probes.periodSeconds }}
  timeoutSeconds: {{ $block.probes.timeoutSeconds }}
  failureThreshold: 1
{{- if $block.lifecycle.preStopSeconds }}
lifecycle:
  preStop:
    sleep: {seconds: {{ $block.lifecycle.preStopSeconds }}}
{{- end }}
volumeMounts:
  {{- include "baleen.volumeMounts" . | nindent 2 }}
{{- end -}}
