{{/* What a role scales on: name of the per-pod metric, query for KEDA, target for each pod. One line a signal: metric|query|target. */}}
{{- define "baleen.signals" -}}
{{- $root := index . 0 -}}
{{- $role := index . 1 -}}
{{- $scale := (index $root.Values $role).autoscaling -}}
{{- $pods := printf "namespace=\"%s\",pod=~\"%s-%s-.*\"" $root.Release.Namespace (include "baleen.fullname" $root) $role -}}
{{- if eq $role "gateway" -}}
baleen_num_requests_running|sum(baleen_num_requests_running{ {{- $pods -}} })|{{ $scale.requestsRunning }}
{{- else if eq $role "prefill" -}}
baleen_num_requests_waiting|sum(baleen_num_requests_waiting{ {{- $pods -}} })|{{ $scale.requestsWaiting }}
{{- else if eq $role "decode" -}}
baleen_kv_cache_usage_perc|sum(baleen_kv_cache_usage_perc{ {{- $pods -}} })|{{ $scale.kvCacheUsage }}
{{- else -}}
baleen_expert_rows_per_second|sum(rate(baleen_expert_rows_total{ {{- $pods -}} }[1m]))|{{ $scale.rowsPerSecond }}
baleen_expert_queue_depth|sum(baleen_expert_queue_depth{ {{- $pods -}} })|{{ $scale.queueDepth }}
{{- end -}}
{{- end -}}

{{/* Up at once, down slowly: a removed worker drains, and its KV is gone. */}}
{{- define "baleen.scalingBehavior" -}}
scaleUp:
  stabilizationWindowSeconds: 0
  policies:
    - {type: Percent, value: 100, periodSeconds: 30}
scaleDown:
  stabilizationWindowSeconds: 600
  policies:
    - {type: Pods, value: 1, periodSeconds: 120}
{{- end -}}
