"""Whether prompts go through the prefill worker."""

import re
import time

from tests.testing.cluster import http_get

# Above what decode workers fill by themselves.
LONG = " and then" * 20


def total(cluster, metric, labels=".*"):
    """Sum of a counter over all processes that have it and live."""
    return sum(total_of(process, metric, labels) for process in cluster.processes if process.process.poll() is None)


def total_of(process, metric, labels=".*"):
    """Sum of one process's counter, over the labels that match."""
    page = http_get(process.metrics_port, "/metrics")[1]
    return sum(float(value) for value in re.findall(rf"^{metric}(?:{{{labels}}})? (\S+)$", page, re.MULTILINE))


def await_prefill_worker(cluster, client):
    """Returns when a prompt was filled by the prefill worker, of which the decode worker hears a moment after it is ready."""
    deadline = time.monotonic() + 30
    number = 1000
    while total(cluster, "baleen_kv_transfer_pages_total") == 0:
        if time.monotonic() > deadline:
            raise RuntimeError("no prompt went through the prefill worker")
        number += 1
        client.generate([0, *client.tokenize(f"{number}{LONG}")], temperature=0, max_tokens=1, logprobs=0)
