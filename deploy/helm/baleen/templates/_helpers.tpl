{{- define "baleen.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if contains $name .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* What a pod is selected by; immutable in a release. Takes (root, role). */}}
{{- define "baleen.selector" -}}
app.kubernetes.io/name: baleen
app.kubernetes.io/instance: {{ (index . 0).Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end -}}

{{/* Labels of an object of a role. Takes (root, role). */}}
{{- define "baleen.labels" -}}
{{- $root := index . 0 -}}
{{ include "baleen.selector" . }}
app.kubernetes.io/part-of: baleen
app.kubernetes.io/version: {{ $root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ $root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" $root.Chart.Name $root.Chart.Version }}
{{- end -}}

{{/* The role in a process's certificate: prefill and decode are one. Takes (root, role). */}}
{{- define "baleen.certificateRole" -}}
{{- $role := index . 1 -}}
{{- if has $role (list "prefill" "decode") }}attention{{ else }}{{ $role }}{{ end -}}
{{- end -}}

{{- define "baleen.modelPath" -}}
/models/{{ .Values.model.name }}
{{- end -}}

{{/* What decides the bits of an answer, but for the nodes' instruction set. Workers where it differs do not share requests. */}}
{{- define "baleen.numerics" -}}
{{ printf "%s %s %s %s" .Values.model.name .Values.model.dtype .Values.device (index .Chart.Annotations (printf "baleen/numerics-%s" .Values.device)) }}
{{- end -}}

{{/* Fails where an upgrade would roll running shards to other numerics. Sees them only where Helm asks the cluster: not in `helm template`. */}}
{{- define "baleen.refuseOtherNumerics" -}}
{{- $running := lookup "apps/v1" "StatefulSet" .Release.Namespace (printf "%s-expert" (include "baleen.fullname" .)) -}}
{{- $old := dig "metadata" "annotations" "baleen/numerics" "" $running -}}
{{- $new := include "baleen.numerics" . -}}
{{- if and $old (ne $old $new) (not .Values.allowOtherNumerics) -}}
{{- fail (printf "numerics change from '%s' to '%s': a roll-out would fail requests. Install the new release beside this one (docs/operating.md, Upgrade), or set allowOtherNumerics where none is under way" $old $new) -}}
{{- end -}}
{{- end -}}

{{/* host:port of each member of the etcd that placements share, the chart's own or another, with commas; empty without one. */}}
{{- define "baleen.etcdEndpoints" -}}
{{- if .Values.etcd.bundled.enabled -}}
{{- $name := printf "%s-etcd" (include "baleen.fullname" .) -}}
{{- range $index := until (int .Values.etcd.bundled.replicas) }}{{ if $index }},{{ end }}{{ $name }}-{{ $index }}.{{ $name }}:2379{{ end -}}
{{- else -}}
{{ join "," .Values.etcd.endpoints }}
{{- end -}}
{{- end -}}

{{/* All placements: processes try one after the other until one leads. */}}
{{- define "baleen.placementAddress" -}}
{{- $service := printf "%s-placement" (include "baleen.fullname" .) -}}
{{- if include "baleen.etcdEndpoints" . -}}
{{- range $index := until (int .Values.placement.replicas) }}{{ if $index }},{{ end }}{{ $service }}-{{ $index }}.{{ $service }}:8081{{ end -}}
{{- else -}}
{{ $service }}:8081
{{- end -}}
{{- end -}}

{{/* What the processes get on their command line, but for the flags of their role. Takes (root, role). */}}
{{- define "baleen.commonArgs" -}}
{{- $root := index . 0 -}}
{{- $role := index . 1 -}}
{{- $block := index $root.Values $role -}}
- --bind=0.0.0.0
- --advertise=$(POD_IP)
- --grpc_port=8081
- --metrics_port=9400
{{- if $root.Values.tls.internal.enabled }}
- --tls_ca=/tls/internal/ca.crt
- --tls_cert=/tls/internal/tls.crt
- --tls_key=/tls/internal/tls.key
{{- if $root.Values.tls.internal.crlConfigMap }}
- --tls_crl=/tls/revocations/crl.pem
{{- end }}
{{- else if $root.Values.tls.internal.crlConfigMap }}
{{- fail (printf "tls.internal.crlConfigMap=%s revokes certificates, of which there are none without tls.internal.enabled" $root.Values.tls.internal.crlConfigMap) }}
{{- end }}
{{- if not (ternary $root.Values.tls.edge.enabled $root.Values.tls.internal.enabled (eq $role "gateway")) }}
- --allow_plaintext=true
{{- end }}
- --log_level={{ $root.Values.logLevel }}
- --log_level_file=/etc/baleen/log-level/{{ $role }}
- --drain_timeout={{ $block.lifecycle.drainSeconds }}s
{{- with $root.Values.tracing.otlpEndpoint }}
- --otlp_endpoint={{ . }}
{{- if $root.Values.tracing.caSecret }}
- --otlp_ca=/tls/otlp/ca.crt
{{- else if ternary $root.Values.tls.edge.enabled $root.Values.tls.internal.enabled (eq $role "gateway") }}
{{- fail (printf "tracing.otlpEndpoint=%s: with TLS on, the receiver needs TLS too; name its authority in tracing.caSecret" .) }}
{{- end }}
{{- end }}
{{- if ne $role "placement" }}
- --placement={{ include "baleen.placementAddress" $root }}
- --model={{ include "baleen.modelPath" $root }}
- --failure_domain={{ if eq (default "node" $block.failureDomain) "pod" }}$(POD_NAME){{ else }}$(NODE_NAME){{ end }}
{{- end }}
{{- end -}}

{{/* Of the tag: who computes on a GPU has an image for it. Takes (root, role). */}}
{{- define "baleen.imageSuffix" -}}
{{- if and (eq (index . 0).Values.device "cuda") (has (index . 1) (list "prefill" "decode" "expert")) }}-cuda{{ end -}}
{{- end -}}

{{/* The flag of those that compute, but where it says what is the default. */}}
{{- define "baleen.deviceArg" -}}
{{- if ne .Values.device "cpu" }}
- --device={{ .Values.device }}
{{- end }}
{{- end -}}

{{/* The flags of a role. Takes (root, role). */}}
{{- define "baleen.roleArgs" -}}
{{- $root := index . 0 -}}
{{- $role := index . 1 -}}
{{- $block := index $root.Values $role -}}
{{- if eq $role "gateway" }}
- --rest_port=8080
- --admin_port=8082
- --max_expected_wait={{ $block.maxExpectedWaitSeconds }}s
{{- with $root.Values.tenants.secret }}
- --tenants=/etc/baleen/tenants/tenants.json
{{- end }}
{{- if $root.Values.tls.edge.enabled }}
- --edge_tls_cert=/tls/edge/tls.crt
- --edge_tls_key=/tls/edge/tls.key
{{- end }}
{{- if $root.Values.tracing.otlpEndpoint }}
- --trace_sample={{ $root.Values.tracing.sampleShare }}
{{- end }}
{{- else if eq $role "expert" }}
- --dtype={{ $root.Values.model.dtype }}
- --threads={{ $block.threads }}
{{- include "baleen.deviceArg" $root }}
{{- else if eq $role "placement" }}
- --expected_shards={{ $root.Values.expert.replicas }}
- --replicas={{ $block.minReplicas }}
- --extra_slots={{ $block.extraSlots }}
{{- with include "baleen.etcdEndpoints" $root }}
- --etcd={{ . }}
{{- end }}
{{- else }}
- --role={{ $role }}
- --dtype={{ $root.Values.model.dtype }}
- --threads={{ $block.threads }}
{{- include "baleen.deviceArg" $root }}
- --kv_mib={{ int64 $block.kvMiB }}
- --max_batch_tokens={{ int64 $block.maxBatchTokens }}
{{- if gt (int $block.tensorParallel) 1 }}
- --tensor_parallel={{ int $block.tensorParallel }}
{{- end }}
{{- if and $root.Values.tracing.otlpEndpoint $root.Values.tracing.layerSteps }}
- --trace_layer_steps={{ int64 $root.Values.tracing.layerSteps }}
{{- end }}
{{- if eq $role "decode" }}
- --max_num_seqs={{ int64 $block.maxNumSeqs }}
- --local_prefill_tokens={{ int64 $block.localPrefillTokens }}
{{- end }}
{{- end }}
{{- end -}}
