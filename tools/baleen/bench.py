"""`baleen bench`: loads a cluster through its REST API as a client would, and says how fast it answered."""

import concurrent.futures
import http.client
import json
import math
import os
import statistics
import threading
import time

import remote
from chat import sse_events
from errors import UserError

ANSWER_TIMEOUT_S = 600


class Measured:
    """One request: seconds to its first token, seconds between its tokens, tokens; or why it failed."""

    def __init__(self):
        self.first_s = None
        self.gaps_s = []
        self.tokens = 0
        self.failure = None


def prompt_of(number, words):
    """Differs from its first word on, so that no request finds another's prefix in the cache."""
    return f"{number} " + " ".join(str((number * 7919 + i * 104729) % 1000) for i in range(words))


def one(base, model, number, arguments):
    """Streams one completion and measures it."""
    measured = Measured()
    body = {"model": model, "prompt": prompt_of(number, arguments.prompt_words), "max_tokens": arguments.tokens, "stream": True,
            "ignore_eos": True, "stream_options": {"include_usage": True}}
    begin = last = time.monotonic()
    try:
        with remote.open_url(f"{base}/v1/completions", body, remote.key_headers(os.environ.get("API_KEY")), ANSWER_TIMEOUT_S) as answer:
            for event in sse_events(answer):
                measured.tokens = (event.get("usage") or {}).get("completion_tokens", measured.tokens)
                if not event.get("choices"):
                    continue
                now = time.monotonic()
                if measured.first_s is None:
                    measured.first_s = now - begin
                else:
                    measured.gaps_s.append(now - last)
                last = now
    except (UserError, OSError, ValueError, http.client.HTTPException) as error:
        measured.failure = str(error)
    return measured


def percentile(values, share):
    """The smallest value that at least `share` of them do not exceed; None without values."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else None


def summary(measured, elapsed_s):
    """Figures of a run, for people and for machines."""
    done = [one for one in measured if one.failure is None]
    firsts = [one.first_s for one in done if one.first_s is not None]
    gaps = [gap for one in done for gap in one.gaps_s]
    tokens = sum(one.tokens for one in done)
    figures = {"requests": len(measured), "failed": len(measured) - len(done), "elapsed_s": elapsed_s, "tokens": tokens,
               "tokens_per_s": tokens / elapsed_s, "requests_per_s": len(done) / elapsed_s}
    for name, values in (("first_token_s", firsts), ("between_events_s", gaps)):
        figures[name] = {"mean": statistics.fmean(values) if values else None,
                         **{f"p{share}": percentile(values, share / 100) for share in (50, 95, 99)}}
    return figures


def _milliseconds(values):
    return ", ".join(f"{name} {'-' if value is None else f'{value * 1000:.1f} ms'}" for name, value in values.items())


def show(figures):
    print(f"{figures['requests']} requests, {figures['failed']} failed, in {figures['elapsed_s']:.1f} s: "
          f"{figures['tokens_per_s']:.1f} tokens/s, {figures['requests_per_s']:.2f} requests/s")
    print(f"first token: {_milliseconds(figures['first_token_s'])}")
    print(f"between events: {_milliseconds(figures['between_events_s'])}")


def run(arguments):
    """0 when no request failed."""
    for name in ("requests", "users", "tokens", "prompt_words"):
        if getattr(arguments, name) < 1:
            raise UserError(f"--{name.replace('_', '-')}={getattr(arguments, name)}: expected at least 1")
    base = remote.gateway(arguments)
    models = remote.get_json(f"{base}/v1/models", remote.key_headers(os.environ.get("API_KEY")))
    model = models["data"][0]["id"]
    # Prompts of an earlier run must not be found in the cache either.
    seed = int(time.time()) % 1_000_000 * 1000
    lock, taken = threading.Lock(), iter(range(arguments.requests))

    def user():
        mine = []
        while True:
            with lock:
                number = next(taken, None)
            if number is None:
                return mine
            mine.append(one(base, model, seed + number, arguments))

    begin = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(arguments.users) as pool:
        measured = [one for future in [pool.submit(user) for _ in range(arguments.users)] for one in future.result()]
    figures = summary(measured, time.monotonic() - begin)
    if arguments.json:
        print(json.dumps(figures, indent=1))
    else:
        show(figures)
        for reason in sorted({one.failure for one in measured if one.failure})[:3]:
            print(f"failed: {reason}")
    return 0 if figures["failed"] == 0 else 1
