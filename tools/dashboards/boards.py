"""Baleen's dashboards. Series carry `role` and `instance`, as the chart's PodMonitors label them."""

from grafana import Dashboard, Panel, Row

RATE = "[$__rate_interval]"


def rate(metric, by="", where=""):
    grouping = f" by ({by})" if by else ""
    return f"sum{grouping} (rate({metric}{{{where}}}{RATE}))"


def quantiles(metric, where="", *, of=(0.5, 0.95, 0.99)):
    return {f"p{round(q * 100)}": f"histogram_quantile({q}, {rate(metric + '_bucket', 'le', where)})" for q in of}


def ratio(part, whole):
    """0 while nothing happens, rather than a gap."""
    return f"({part}) / clamp_min({whole}, 1e-9)"


REQUESTS = rate("baleen_request_success_total")
TOKENS = rate("baleen_generation_tokens_total", where='role=~"decode|attention"')
HIDDEN = rate("baleen_router_hidden_seconds_total", "role")

OVERVIEW = Dashboard("baleen-overview", "Baleen / Overview", (
    Row("Now", (
        Panel("Processes ready", "short", {"{{role}}": "sum by (role) (baleen_ready)"},
              "Processes that would answer a request now.", "stat"),
        Panel("Requests running", "short", {"running": 'sum(baleen_num_requests_running{role="gateway"})'}, "At the gateways.", "stat"),
        Panel("Requests waiting", "short", {"waiting": 'sum(baleen_num_requests_waiting{role="gateway"})'},
              "For room.", "stat"),
        Panel("KV in use", "percentunit", {"decode": 'avg(baleen_kv_cache_usage_perc{role="decode"})'},
              "Mean of the decode workers.", "stat"),
    )),
    Row("Traffic", (
        Panel("Requests", "reqps", {"{{finished_reason}}": rate("baleen_request_success_total", "finished_reason")}, "By finish reason."),
        Panel("Tokens", "short", {"generated": TOKENS, "prompt": rate("baleen_prompt_tokens_total", where='role="decode"')}, "Per second."),
        Panel("Errors", "percentunit", {"failed or refused": "baleen:availability_errors:ratio5m"}, "Share of requests; 5 minutes."),
    )),
    Row("What users wait for", (
        Panel("Time to first token", "s", quantiles("baleen_time_to_first_token_seconds"), "From request to first token."),
        Panel("Inter-token latency", "s", quantiles("baleen_inter_token_latency_seconds"), "Between tokens of a request."),
        Panel("Whole request", "s", quantiles("baleen_e2e_request_latency_seconds"), "From request to last token."),
    )),
    Row("Processes", (
        Panel("CPU", "short", {"{{role}}": rate("process_cpu_seconds_total", "role", 'job="baleen"')}, "Cores in use."),
        Panel("Resident memory", "bytes", {"{{role}}": 'sum by (role) (process_resident_memory_bytes{job="baleen"})'}, "By role."),
        Panel("Open files", "percentunit", {"{{role}}": 'max by (role) (process_open_fds{job="baleen"} / process_max_fds{job="baleen"})'},
              "Share of the limit, fullest process."),
    )),
))

SERVING = Dashboard("baleen-serving", "Baleen / Serving", (
    Row("Gateways", (
        Panel("Running", "short", {"{{instance}}": 'baleen_num_requests_running{role="gateway"}'}, "Requests being answered."),
        Panel("Waiting", "short", {"{{instance}} for room": 'baleen_num_requests_waiting{role="gateway"}',
                                   "{{instance}} for a token": "baleen_num_requests_before_first_token"}, "Queue and prefill."),
        Panel("Refused", "reqps", {"HTTP {{status}}": rate("baleen_request_refused_total", "status")}, "By HTTP status."),
        Panel("Disconnected", "reqps", {"clients": rate("baleen_request_disconnected_total")}, "Clients that left before the end."),
    )),
    Row("Admission", (
        Panel("Time in the queue", "s", quantiles("baleen_request_queue_time_seconds", 'role="gateway"'), "Admitted requests, for room."),
        Panel("Tokens", "short", {"admitted": "sum(baleen_admission_running_tokens)", "waiting": "sum(baleen_admission_waiting_tokens)"},
              "That requests may need: prompt and max_tokens."),
        Panel("Found no room", "reqps", {"refused": rate("baleen_admission_refused_total")}, "The queue was full, or the wait too long."),
        Panel("Over their limits", "reqps", {"{{tenant}} {{limit}}": rate("baleen_tenant_refused_total", "tenant, limit")},
              "Refused by the tenant's own limits."),
    )),
    Row("Requests", (
        Panel("Prompt tokens", "short", quantiles("baleen_request_prompt_tokens"), "Of a request."),
        Panel("Generated tokens", "short", quantiles("baleen_request_generation_tokens"), "Of a request."),
        Panel("Duration by operation", "s", {
            "{{gen_ai_operation_name}} p95":
                f"histogram_quantile(0.95, {rate('gen_ai_server_request_duration_seconds_bucket', 'le, gen_ai_operation_name')})"},
              "OpenTelemetry's gen_ai.server.request.duration."),
        Panel("Time per output token", "s", quantiles("gen_ai_server_time_per_output_token_seconds"),
              "OpenTelemetry's gen_ai.server.time_per_output_token."),
    )),
    Row("Steps of the attention workers", (
        Panel("Step time", "s", quantiles("baleen_attention_step_seconds"), "All layers, experts included."),
        Panel("Rows of a step", "short", {
            "{{role}}": ratio(rate("baleen_attention_step_rows_sum", "role"), rate("baleen_attention_step_rows_count", "role"))},
              "Mean; more rows share the weights' bandwidth."),
        Panel("Sequences", "short", {"{{role}} running": 'sum by (role) (baleen_num_requests_running{role!="gateway"})',
                                     "{{role}} waiting": 'sum by (role) (baleen_num_requests_waiting{role!="gateway"})'},
              "In prefill and decode workers."),
        Panel("Wait for KV blocks", "s", quantiles("baleen_request_queue_time_seconds", 'role!="gateway"'), "Before a sequence's prefill."),
    )),
    Row("Guardrails, where they are on", (
        Panel("Texts judged", "reqps", {"{{subject}}": rate("baleen_guardrail_checks_total", "subject")}, "Prompts and pieces of output."),
        Panel("Blocked", "reqps", {"{{subject}} {{category}}": rate("baleen_guardrail_blocks_total", "subject, category")},
              "Prompts refused and answers ended."),
        Panel("Unanswered", "reqps", {"{{subject}}": rate("baleen_guardrail_failures_total", "subject")}, "Checks that the guard failed."),
        Panel("Time to a verdict", "s", quantiles("baleen_guardrail_check_seconds"), "Text waits for it."),
    )),
))

EXPERTS = Dashboard("baleen-experts", "Baleen / Experts", (
    Row("Load", (
        Panel("Rows", "short", {"{{instance}}": rate("baleen_expert_rows_total", "instance")}, "Per second and shard."),
        Panel("Imbalance", "short", {"busiest / mean": "baleen:expert_imbalance:ratio5m"}, "1 = even; the busiest shard sets the pace."),
        Panel("Queue", "short", {"{{instance}}": "baleen_expert_queue_depth"}, "Calls that wait for compute."),
    )),
    Row("Work", (
        Panel("Rows merged into one computation", "short", quantiles("baleen_expert_batch_rows"), "Calls of one layer are merged."),
        Panel("Compute", "s", quantiles("baleen_expert_compute_seconds"), "One merged computation."),
        Panel("Busy", "percentunit", {"{{instance}}": rate("baleen_expert_compute_seconds_sum", "instance")},
              "Share of time that computes."),
        Panel("Calls by code", "reqps", {"{{code}}": rate("baleen_expert_calls_total", "code")}, "Refusals have their code."),
    )),
    Row("As attention sees it", (
        Panel("Call round trip", "s", quantiles("baleen_router_call_seconds"), "From sending a call to its reply."),
        Panel("Wire and queue", "s", {
            "beyond compute":
                f"clamp_min({rate('baleen_router_call_seconds_sum')} / clamp_min({rate('baleen_router_call_seconds_count')}, 1e-9)"
                f" - {rate('baleen_expert_compute_seconds_sum')} / clamp_min({rate('baleen_expert_compute_seconds_count')}, 1e-9), 0)"},
              "Mean round trip less mean compute."),
        Panel("Communication hidden", "percentunit", {
            "{{role}}": ratio(HIDDEN, f"({HIDDEN} + {rate('baleen_router_waited_seconds_total', 'role')})")},
              "Share of experts' round trips during which attention computed."),
        Panel("Retries", "percentunit", {"retried": ratio(rate("baleen_router_retries_total"), rate("baleen_router_calls_total"))},
              "Share of calls sent again."),
        Panel("Parked", "short", {"{{instance}}": "baleen_router_parked"}, "(Row, expert) pairs without a live replica."),
    )),
    Row("Weights", (
        Panel("Moves that are due", "short", {"copies": "max(baleen_placement_pending_moves)"}, "Copies to be loaded or let go."),
        Panel("Imbalance that placement sees", "short", {"busiest / mean": "max(baleen_placement_imbalance)"}, "By measured load."),
        Panel("Experts held", "short", {"{{instance}}": "baleen_expert_loaded_experts"}, "(Layer, expert) pairs, replicas included."),
        Panel("Checkpoint bytes read", "bytes", {"{{instance}}": "baleen_expert_checkpoint_bytes_read"},
              "A shard reads its own experts only."),
    )),
))

KV = Dashboard("baleen-kv", "Baleen / KV and disaggregation", (
    Row("KV", (
        Panel("In use", "percentunit", {"{{role}} {{instance}}": 'baleen_kv_cache_usage_perc{role!="gateway"}'},
              "Share of a worker's blocks."),
        Panel("Memory", "bytes", {"KV {{role}} {{instance}}": "baleen_kv_cache_touched_bytes",
                                  "all {{role}} {{instance}}": 'process_resident_memory_bytes{role=~"prefill|decode|attention"}'},
              "Of the blocks that were ever used, and of the whole process."),
        Panel("Waiting for blocks", "short", {"{{role}} {{instance}}": 'baleen_num_requests_waiting{role!="gateway"}'}, "Sequences."),
    )),
    Row("Hand-over", (
        Panel("Bytes moved", "Bps", {"{{role}} {{direction}}": rate("baleen_kv_transfer_bytes_total", "role, direction")},
              "Latent KV rows, prefill to decode."),
        Panel("Pages moved", "short", {"{{role}} {{direction}}": rate("baleen_kv_transfer_pages_total", "role, direction")},
              "Messages a second."),
        Panel("Bytes a page", "bytes", {
            "mean": ratio(rate("baleen_kv_transfer_bytes_total", where='direction="out"'),
                          rate("baleen_kv_transfer_pages_total", where='direction="out"'))}, "Larger pages cost fewer calls."),
    )),
    Row("What is not computed twice", (
        Panel("Prefix cache", "percentunit", {
            "hits": ratio(rate("baleen_prefix_cache_hits_total", where='role="decode"'),
                          rate("baleen_prefix_cache_queries_total", where='role="decode"'))}, "Share of prompt tokens found."),
        Panel("Preemptions", "short", {"{{role}}": rate("baleen_num_preemptions_total", "role")}, "Sequences a second that gave up KV."),
        Panel("Copies at standbys", "short", {"{{result}}": rate("baleen_kv_standby_blocks_total", "result")},
              "Blocks a second, sent to where sequences would go on; `refused` = no room there."),
        Panel("Drafts that were right", "percentunit", {
            "accepted": ratio(rate("baleen_spec_decode_num_accepted_tokens_total"), rate("baleen_spec_decode_num_draft_tokens_total"))},
              "Of the next-token layer's."),
    )),
    Row("Prefill", (
        Panel("Prompts filled elsewhere", "reqps", {"{{result}}": rate("baleen_remote_prefills_total", "result")},
              "`local` = a prefill worker failed and the decode worker filled the prompt itself."),
        Panel("Prompt tokens", "short", {"{{role}}": rate("baleen_prompt_tokens_total", "role")}, "Per second."),
    )),
))

COST = Dashboard("baleen-cost", "Baleen / Cost", (
    Row("Per process hour", (
        Panel("Processes", "short", {"{{role}}": 'count by (role) (up{job="baleen"} == 1)'}, "Up.", "stat"),
        Panel("Money per hour", "currencyUSD", {"{{role}}": 'count by (role) (up{job="baleen"} == 1) * $process_hour_price'},
              "Processes by the price above.", "stat"),
    )),
    Row("Per token", (
        Panel("Tokens per hour", "short", {"generated": f"3600 * {TOKENS}"}, "At the present rate."),
        Panel("Money per million tokens", "currencyUSD", {
            "generated": f'1e6 * count(up{{job="baleen"}} == 1) * $process_hour_price / clamp_min(3600 * {TOKENS}, 1e-9)'},
              "All processes over generated tokens."),
        Panel("Core seconds per thousand tokens", "s", {
            "generated": "1e3 * " + ratio(rate("process_cpu_seconds_total", where='job="baleen"'), TOKENS)},
              "What the CPUs spend on a token."),
    )),
    Row("By tenant", (
        Panel("Tokens billed", "short", {"{{tenant}} {{kind}}": rate("baleen_tenant_tokens_total", "tenant, kind")},
              "Input found in the prefix cache, other input, output; per second."),
        Panel("Money billed per hour", "short", {
            "{{tenant}} {{kind}} {{currency}}": f"3600 * {rate('baleen_tenant_cost_total', 'tenant, kind, currency')}"},
              "In the price table's currency; where gateways have one."),
        Panel("Requests under way", "short", {"{{tenant}}": "sum by (tenant) (baleen_tenant_streams)"}, "Streams."),
    )),
), {"process_hour_price": ("Price of one process for an hour", "2")})

FAILOVER = Dashboard("baleen-failover", "Baleen / Failover", (
    Row("Cluster map", (
        Panel("Workers", "short", {"{{role}} ready={{ready}}": "sum by (role, ready) (baleen_placement_workers)"},
              "As placement sees them."),
        Panel("Epoch", "short", {"epoch": "max(baleen_placement_epoch)"}, "Each change of the map is one more."),
        Panel("Events", "short", {"{{event}}": f"sum by (event) (increase(baleen_placement_events_total{RATE}))"},
              "expired = a worker fell silent."),
        Panel("Disagreeing workers", "short", {"model or numerics": "max(baleen_placement_mismatched_workers)",
                                                "tensor digest": "max(baleen_placement_refused_workers)"}, "They get no work."),
    )),
    Row("What it cost", (
        Panel("Failovers", "short", {"requests": f"sum(increase(baleen_request_failovers_total{RATE}))"},
              "Times that another worker went on."),
        Panel("Failed steps", "short", {"{{instance}}": f"sum by (instance) (increase(baleen_attention_step_failures_total{RATE}))"},
              "Retried ones included."),
        Panel("Expert calls sent twice", "short", {"retried": f"sum(increase(baleen_router_retries_total{RATE}))",
                                                   "hedged": f"sum(increase(baleen_router_hedges_total{RATE}))"}, "On another replica."),
        Panel("Shards left alone", "short", {"{{instance}}": "baleen_router_ejected_shards"}, "They did not answer in time."),
    )),
    Row("Processes", (
        Panel("Uptime", "s", {"{{role}} {{instance}}": 'time() - process_start_time_seconds{job="baleen"}'}, "A drop is a restart."),
        Panel("Not ready", "short", {"{{role}} {{instance}}": "1 - baleen_ready"}, "1 while a process would refuse."),
    )),
))

ALL = (OVERVIEW, SERVING, EXPERTS, KV, COST, FAILOVER)
