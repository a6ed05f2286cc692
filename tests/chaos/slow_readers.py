"""Clients that ask for long answers and read nothing: what they hold, and whether others notice."""

import json
import socket
import time

from tests.chaos.open_load import TOKENS, percentile
from tests.testing.steady_load import metric

READERS = 8
STREAMS = 16           # Of everybody else.
ANSWER_TOKENS = 1900
LOGPROBS = 5           # Of each token: what waits between worker and gateway (64 KiB) would else hold the whole answer.
SETTLED_S = 1.0        # So long without a token: all are paused.
_RECEIVE_BYTES = 4096  # Of a reader's socket, so that what waits for it waits in the gateway.


def _reader(cluster):
    """A socket whose request is sent and whose answer is not read."""
    body = json.dumps({"model": "abacus", "prompt": "What is 4821 + 1397?", "max_tokens": ANSWER_TOKENS, "temperature": 0,
                       "ignore_eos": True, "stream": True, "logprobs": LOGPROBS})
    reader = socket.socket()
    reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BYTES)
    reader.connect((cluster.gateway.host, cluster.rest_port))
    reader.sendall(f"POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode())
    return reader


def _decode(cluster, name):
    return sum(metric(worker, name) for worker in cluster.named("decode"))


def _settled(cluster):
    """Tokens that were sampled until none came any more."""
    tokens = -1.0
    while (now := _decode(cluster, "baleen_generation_tokens_total")) != tokens:
        tokens = now
        time.sleep(SETTLED_S)
    return tokens


def _latencies(samples):
    answered = [sample for sample in samples if sample.answered]
    return {"requests": len(samples), "answered": len(answered), "p99_s": percentile([sample.took_s for sample in answered], 0.99),
            "first_token_p99_s": percentile([sample.first_s for sample in answered], 0.99)}


def slow_readers(cluster, asker, seconds):
    """READERS that read nothing while STREAMS of others run for so long, after the same without them."""
    asker.streams(STREAMS, 2).samples()
    without = _latencies(asker.streams(STREAMS, seconds).samples())
    tokens, memory = _settled(cluster), metric(cluster.gateway, "process_resident_memory_bytes")
    begun = time.monotonic()
    readers = [_reader(cluster) for _ in range(READERS)]
    held_tokens = _settled(cluster) - tokens
    held_kv = _decode(cluster, "baleen_kv_cache_usage_perc") / len(cluster.named("decode"))
    held_bytes = metric(cluster.gateway, "process_resident_memory_bytes") - memory
    beside = _latencies(asker.streams(STREAMS, seconds).samples())
    more_tokens = _settled(cluster) - tokens - held_tokens - beside["answered"] * TOKENS
    after_s = time.monotonic() - begun
    for reader in readers:
        reader.close()
    while _decode(cluster, "baleen_kv_cache_usage_perc") > 0:
        time.sleep(0.02)
    return {"readers": READERS, "read_nothing_s": after_s, "tokens_of_each": held_tokens / READERS,
            "tokens_while_they_read_nothing": more_tokens, "kv_share": held_kv, "gateway_bytes_of_each": held_bytes / READERS,
            "others_without": without, "others_beside": beside}
