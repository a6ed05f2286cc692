"""Prometheus rules: recordings, service levels with burn rates in several windows, alerts."""

RUNBOOKS = "docs/runbooks"

# Service level -> (objective, share of bad events over a window).
FAILED = 'sum(rate(baleen_request_success_total{{finished_reason=~"error|insufficient_system_resource"}}[{window}]))'
REFUSED = '(sum(rate(baleen_request_refused_total{{status=~"5.."}}[{window}])) or vector(0))'
ENDED = "sum(rate(baleen_request_success_total[{window}]))"


def _slower_than(histogram, seconds):
    counted = f"sum(rate({histogram}_count[{{window}}]))"
    fast = f'sum(rate({histogram}_bucket{{{{le="{seconds}"}}}}[{{window}}]))'
    return f"1 - {fast} / ({counted} > 0)"


SERVICE_LEVELS = {
    "availability_errors": (0.999, f"(({FAILED} or vector(0)) + {REFUSED}) / (({ENDED} + {REFUSED}) > 0)"),
    "slow_first_token": (0.95, _slower_than("baleen_time_to_first_token_seconds", 2.5)),
    "slow_inter_token": (0.99, _slower_than("baleen_inter_token_latency_seconds", 0.25)),
}
LEVEL_ALERTS = {
    "availability_errors": ("BaleenAvailability", "requests fail or are refused"),
    "slow_first_token": ("BaleenTimeToFirstToken", "first tokens take longer than 2.5 s"),
    "slow_inter_token": ("BaleenInterTokenLatency", "tokens are more than 0.25 s apart"),
}
WINDOWS = ("5m", "30m", "1h", "2h", "6h", "1d", "3d")
# (severity, long window, short window, times the even rate): the multi-window burn rates of Google's SRE workbook.
BURNS = (("page", "1h", "5m", 14.4), ("page", "6h", "30m", 6), ("ticket", "1d", "2h", 3), ("ticket", "3d", "6h", 1))


def _recorded(level, window):
    return f"baleen:{level}:ratio{window}"


def level_recordings():
    return [{"record": _recorded(level, window), "expr": expression.format(window=window)}
            for level, (_, expression) in SERVICE_LEVELS.items() for window in WINDOWS]


def _burn(level, objective, long, short, factor):
    budget = f"{factor} * (1 - {objective})"
    return f"({_recorded(level, long)} > {budget} and {_recorded(level, short)} > {budget})"


def level_alerts():
    alerts = []
    for level, (objective, _) in SERVICE_LEVELS.items():
        stem, what = LEVEL_ALERTS[level]
        for severity, name in (("page", "BurnsFast"), ("ticket", "BurnsSlowly")):
            expression = " or ".join(_burn(level, objective, long, short, factor)
                                     for kind, long, short, factor in BURNS if kind == severity)
            alerts.append(alert(stem + name, severity, expression, None,
                                f"The error budget of {objective:.1%} goes too fast: {what} ({{{{ $value | humanizePercentage }}}})."))
    return alerts


def alert(name, severity, expression, hold, summary):
    rule = {"alert": name, "expr": expression}
    if hold is not None:
        rule["for"] = hold
    return {**rule, "labels": {"severity": severity}, "annotations": {"summary": summary, "runbook": f"{RUNBOOKS}/{name}.md"}}


RECORDINGS = [
    {"record": "baleen:requests:rate5m", "expr": "sum(rate(baleen_request_success_total[5m]))"},
    {"record": "baleen:generation_tokens:rate5m", "expr": "sum(rate(baleen_generation_tokens_total[5m]))"},
    {"record": "baleen:expert_rows:rate5m", "expr": "sum by (instance) (rate(baleen_expert_rows_total[5m]))"},
    {"record": "baleen:expert_imbalance:ratio5m", "expr": "max(baleen:expert_rows:rate5m) / (avg(baleen:expert_rows:rate5m) > 0)"},
]

FAULTS = [
    alert("BaleenNoGatewayReady", "page", '(sum(baleen_ready{role="gateway"}) or vector(0)) == 0', "1m",
          "No gateway would answer a request."),
    alert("BaleenNoDecodeReady", "page", '(sum(baleen_ready{role=~"decode|attention"}) or vector(0)) == 0', "1m",
          "No decode worker would take a sequence."),
    alert("BaleenExpertLost", "page", "sum(baleen_router_parked) > 0", "15s",
          "{{ $value }} (row, expert) pairs wait: no replica of an expert is left."),
    alert("BaleenPlacementDown", "ticket", 'absent(up{job="baleen",role="placement"} == 1)', "2m",
          "Placement is away: the others go on with their last map, and no change is planned."),
    alert("BaleenProcessDown", "ticket", 'up{job="baleen"} == 0', "2m", "{{ $labels.role }} {{ $labels.instance }} answers no scrape."),
    alert("BaleenProcessNotReady", "ticket", "baleen_ready == 0", "10m", "{{ $labels.role }} {{ $labels.instance }} is up and not ready."),
    alert("BaleenProcessRestarts", "ticket", 'changes(process_start_time_seconds{job="baleen"}[30m]) > 2', None,
          "{{ $labels.role }} {{ $labels.instance }} restarted {{ $value }} times in 30 minutes."),
    alert("BaleenWorkersExpire", "ticket", 'sum(increase(baleen_placement_events_total{event="expired"}[10m])) > 0', None,
          "Workers fell silent without leaving."),
    alert("BaleenWorkersDisagree", "ticket", "max(baleen_placement_mismatched_workers) > 0", "5m",
          "{{ $value }} workers have another model or other numerics, and get no work."),
    alert("BaleenWeightsDisagree", "page", "max(baleen_placement_refused_workers) > 0", "1m",
          "{{ $value }} workers read a tensor whose digest disagrees: a damaged or different checkpoint."),
]

SATURATION = [
    alert("BaleenKvFull", "ticket", 'avg(baleen_kv_cache_usage_perc{role=~"decode|attention"}) > 0.9', "10m",
          "Decode workers use {{ $value | humanizePercentage }} of their KV."),
    alert("BaleenRequestsWait", "ticket",
          'sum(baleen_num_requests_waiting{role="gateway"}) + sum(baleen_num_requests_before_first_token)'
          ' > 0.5 * sum(baleen_num_requests_running{role="gateway"}) > 8', "5m",
          "{{ $value }} requests wait for room or for their first token: more than half of those that run."),
    alert("BaleenExpertsQueue", "ticket", "max(baleen_expert_queue_depth) > 64", "5m", "{{ $value }} calls wait at one expert shard."),
    alert("BaleenExpertsUneven", "ticket", "baleen:expert_imbalance:ratio5m > 2", "30m",
          "The busiest shard computes {{ $value | humanize }} times the mean's rows."),
    alert("BaleenRouterRetries", "ticket",
          "sum(rate(baleen_router_retries_total[5m])) / (sum(rate(baleen_router_calls_total[5m])) > 0) > 0.01", "10m",
          "{{ $value | humanizePercentage }} of the calls to expert shards are sent again."),
    alert("BaleenShardsEjected", "ticket", "max(baleen_router_ejected_shards) > 0", "5m",
          "{{ $value }} expert shards do not answer in time and get no calls."),
    alert("BaleenMovesStuck", "ticket", "min_over_time(max(baleen_placement_pending_moves)[30m:1m]) > 0", "15m",
          "{{ $value }} expert copies have waited to be moved for 45 minutes."),
    alert("BaleenStepsFail", "ticket", "sum(increase(baleen_attention_step_failures_total[10m])) > 20", None,
          "{{ $value | humanize }} steps failed in 10 minutes."),
    alert("BaleenPrefillFails", "ticket",
          'sum(rate(baleen_remote_prefills_total{result="local"}[10m])) / (sum(rate(baleen_remote_prefills_total[10m])) > 0) > 0.1', "10m",
          "{{ $value | humanizePercentage }} of the prompts come back from prefill workers unfilled."),
    alert("BaleenFailovers", "ticket",
          "sum(increase(baleen_request_failovers_total[10m])) / (sum(increase(baleen_request_success_total[10m])) > 0) > 0.05", "5m",
          "{{ $value | humanizePercentage }} of the requests moved to another worker."),
    alert("BaleenGuardrailFails", "ticket", "sum(increase(baleen_guardrail_failures_total[10m])) > 20", None,
          "{{ $value | humanize }} checks of content went unanswered in 10 minutes."),
    alert("BaleenFilesNearLimit", "ticket", 'process_open_fds{job="baleen"} / process_max_fds{job="baleen"} > 0.8', "5m",
          "{{ $labels.role }} {{ $labels.instance }} has {{ $value | humanizePercentage }} of its file descriptors open."),
]


def groups():
    """The rule file, as Prometheus and PrometheusRule take it."""
    return {"groups": [
        {"name": "baleen-recordings", "interval": "15s", "rules": RECORDINGS},
        {"name": "baleen-service-levels", "interval": "30s", "rules": level_recordings()},
        {"name": "baleen-service-level-alerts", "interval": "30s", "rules": level_alerts()},
        {"name": "baleen-faults", "interval": "15s", "rules": FAULTS},
        {"name": "baleen-saturation", "interval": "30s", "rules": SATURATION},
    ]}


def alerts():
    return [rule for group in groups()["groups"] for rule in group["rules"] if "alert" in rule]
