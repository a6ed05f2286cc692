"""How soon workers are free of a request whose client has left: one request at a time, left in its prefill or in its decode."""

import http.client
import json
import random
import time

from tests.chaos.open_load import median, percentile
from tests.testing.steady_load import PATIENCE_S, metric, wait_for

PHASES = ("prefill", "decode")
LEAVERS = 100         # In each phase.
PROMPT_TOKENS = 1200  # Of which no prefix is cached: long enough to be met while it is filled.
TOKEN_IDS = 200       # Prompts are drawn from so many.
READ_LINES = 30       # Of a stream that is left in its decode.
_RUNNING, _KV = "baleen_num_requests_running", "baleen_kv_cache_usage_perc"


def _ask(cluster, phase, drawn):
    """An open connection to a request that has come to this phase, and its answer as far as there is one."""
    tokens = PROMPT_TOKENS if phase == "prefill" else 8
    body = {"model": "abacus", "prompt": [drawn.randrange(1, TOKEN_IDS) for _ in range(tokens)], "max_tokens": 800, "ignore_eos": True,
            "stream": True, "temperature": 0}
    connection = http.client.HTTPConnection(cluster.gateway.host, cluster.rest_port, timeout=60)
    connection.request("POST", "/v1/completions", json.dumps(body), {"content-type": "application/json"})
    if phase == "prefill":
        deadline = time.monotonic() + PATIENCE_S
        while _sum(cluster.named("prefill"), _RUNNING) == 0:
            if time.monotonic() > deadline:
                raise AssertionError(f"no look met a prefill for {PATIENCE_S} s")
        return connection, None
    answer = connection.getresponse()
    for _ in range(READ_LINES):
        answer.readline()
    return connection, answer


def _sum(processes, name):
    return sum(metric(process, name) for process in processes)


def _left(cluster, phase, drawn):
    """Seconds from a client's leaving to the first look that found no worker computing for it, and none with its KV."""
    workers = cluster.named("prefill") + cluster.named("decode")
    wait_for(lambda: all(_sum(workers, name) == 0 for name in (_RUNNING, _KV)), "a worker is not at rest")
    connection, answer = _ask(cluster, phase, drawn)
    begun = time.monotonic()
    connection.close()
    if answer is not None:
        answer.close()
    taken = {}
    while len(taken) < 2:
        for name in (_RUNNING, _KV):
            if name not in taken and _sum(workers, name) == 0:
                taken[name] = time.monotonic() - begun
    return taken


def disconnects(cluster, seed):
    """By phase, milliseconds until compute has stopped and until KV is free, which include a look at every worker's metrics."""
    drawn, found = random.Random(seed), {}
    for phase in PHASES:
        times = [_left(cluster, phase, drawn) for _ in range(LEAVERS)]
        found[phase] = {what: {"p50_ms": 1e3 * median(taken[name] for taken in times),
                               "p99_ms": 1e3 * percentile([taken[name] for taken in times], 0.99)}
                        for what, name in (("compute_stops", _RUNNING), ("kv_is_free", _KV))}
    return {"leavers_in_each_phase": LEAVERS, **found}
