"""Can one tenant tell by the clock what another one has asked? timing.py [--requests N]

An attacker times the first token of prompts, half of which a victim has just sent, half of which nobody has; the victim sends as much
either way, in random order. The classifier is the best there is for one number: rank the times. Its area under the curve (AUC) is 0.5 when
the times tell nothing and 1 when they tell all. The control lets the attacker use the victim's own key: there the times must tell.
Prints a Markdown table; exit code 1 when the attacker's AUC is outside 0.45 to 0.55 or the control's is below 0.9.
"""

import argparse
import bisect
import contextlib
import http.client
import json
import random
import statistics
import sys
import time

from tests.testing.cluster import Cluster

PROMPT_BYTES = 960
LOWEST, HIGHEST, CONTROL = 0.45, 0.55, 0.9


def auc(lower, higher):
    """The chance that one of `lower` is below one of `higher`; ties count half."""
    ordered = sorted(higher)
    wins = sum(len(ordered) - (bisect.bisect_left(ordered, one) + bisect.bisect_right(ordered, one)) / 2 for one in lower)
    return wins / (len(lower) * len(ordered))


class Caller:
    """One tenant on one connection."""

    def __init__(self, port, key):
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        self._headers = {"content-type": "application/json", "authorization": f"Bearer {key}"}

    def seconds(self, prompt):
        """From request to first token, which is the last."""
        body = json.dumps({"model": "abacus", "prompt": prompt, "max_tokens": 1})
        begin = time.perf_counter()
        self._connection.request("POST", "/v1/completions", body, self._headers)
        with self._connection.getresponse() as answer:
            answer.read()
            if answer.status != 200:
                raise RuntimeError(f"status {answer.status}")
        return time.perf_counter() - begin

    def close(self):
        self._connection.close()


def measure(port, attacker_key, requests, rng):
    """Times of prompts that the victim had sent, and of those that nobody had."""
    with contextlib.closing(Caller(port, "victim")) as victim, contextlib.closing(Caller(port, attacker_key)) as attacker:
        times = {True: [], False: []}
        classes = [True, False] * requests
        rng.shuffle(classes)
        for known in classes:
            prompts = ["".join(rng.choices("abcdefghijklmnopqrstuvwxyz ", k=PROMPT_BYTES)) for _ in range(2)]
            victim.seconds(prompts[0])
            times[known].append(attacker.seconds(prompts[0] if known else prompts[1]))
    return times[True], times[False]


def main(requests, seed):
    rng = random.Random(seed)
    print("| attacker | requests a class | median, known to the victim | median, known to nobody | AUC |\n|---|---:|---:|---:|---:|")
    results = {}
    with Cluster(shards=1, prefill=0, decode=1, worker_flags=["--role=both"]) as cluster:
        for name, key, count in (("another tenant", "attacker", requests), ("the same tenant (control)", "victim", max(requests // 10, 1))):
            known, unknown = measure(cluster.rest_port, key, count, rng)
            results[key] = auc(known, unknown)
            medians = " | ".join(f"{1000 * statistics.median(times):.1f} ms" for times in (known, unknown))
            print(f"| {name} | {count} | {medians} | {results[key]:.3f} |", flush=True)
    return 0 if LOWEST <= results["attacker"] <= HIGHEST and results["victim"] >= CONTROL else 1


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=1000, help="a class; default 1000")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    sys.exit(main(options.requests, options.seed))
