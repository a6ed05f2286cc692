#!/usr/bin/env python3
"""How long a long prompt's KV keeps the decode worker waiting after prefill: kv_handover.py --model=DIR [--tokens=4096] [--rounds=5].

Starts a cluster with one prefill and one decode worker and asks it for a few tokens after a prompt that no cache knows. For each round one
line of JSON:
  first_token_s  as the client sees it
  prefill_s      the prefill worker's steps together
  step_s         a decode step (mean of the rounds' later tokens)
  exposed_s      first_token_s less the two: everything else, be it HTTP, tokenising, hand-over or waiting
  early          share of the KV bytes that the decode worker had while the last prefill step ran, as the last poll in it saw
The hand-over is hidden where exposed_s is at most step_s.
"""

import argparse
import http.client
import json
import os
import pathlib
import random
import re
import string
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

BALEEN = pathlib.Path(__file__).resolve().parents[1] / "baleen" / "baleen"
ANSWER_TOKENS = 6
POLL_S = 0.02


def total(page, name, labels=""):
    """Sum over a metric's series whose labels contain `labels`."""
    found = re.findall(rf"^{name}(?:{{([^}}]*)}})? (\S+)$", page, re.MULTILINE)
    return sum(float(value) for series, value in found if labels in series)


def page(port):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        return answer.read().decode()


class Watch(threading.Thread):
    """Samples (prefill steps so far, KV bytes at the decode worker so far) until it is stopped."""

    def __init__(self, ports):
        super().__init__(daemon=True)
        self.ports, self.samples, self.over = ports, [], threading.Event()

    def run(self):
        while not self.over.wait(POLL_S):
            self.samples.append(counts(self.ports)[:2])


def counts(ports):
    """(prefill steps, KV bytes received, seconds of prefill steps, decode steps, seconds of decode steps)."""
    prefill, decode = page(ports["prefill"]), page(ports["decode"])
    step = "baleen_attention_step_seconds"
    return (total(prefill, f"{step}_count"), total(decode, "baleen_kv_transfer_bytes_total", 'direction="in"'),
            total(prefill, f"{step}_sum"), total(decode, f"{step}_count"), total(decode, f"{step}_sum"))


def ask(port, model, prompt):
    """(seconds to the first token, prompt tokens)."""
    body = {"model": model, "prompt": prompt, "max_tokens": ANSWER_TOKENS, "temperature": 0, "ignore_eos": True, "stream": True,
            "stream_options": {"include_usage": True}}
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=600)
    start = time.monotonic()
    connection.request("POST", "/v1/completions", json.dumps(body), {"Content-Type": "application/json"})
    answer = connection.getresponse()
    if answer.status != 200:
        raise RuntimeError(f"{answer.status}: {answer.read().decode()}")
    first, tokens = None, 0
    for line in answer:
        if not line.startswith(b"data: {"):
            continue
        event = json.loads(line[len(b"data: "):])
        if first is None and event["choices"]:
            first = time.monotonic() - start
        tokens = (event.get("usage") or {}).get("prompt_tokens", tokens)
    connection.close()
    return first, tokens


def measure(ports, model, prompt):
    before = counts(ports)
    watch = Watch(ports)
    watch.start()
    first, tokens = ask(ports["rest"], model, prompt)
    watch.over.set()
    watch.join()
    after = counts(ports)
    steps, received, prefill_s, decoded, decode_s = (b - a for a, b in zip(before, after))
    at_last = [kv for step, kv in watch.samples if step - before[0] <= steps - 1]
    step_s = decode_s / decoded
    return {"prompt_tokens": tokens, "prefill_steps": int(steps), "kv_mib": round(received / 2**20, 1), "first_token_s": round(first, 3),
            "prefill_s": round(prefill_s, 3), "step_s": round(step_s, 3), "exposed_s": round(first - prefill_s - step_s, 3),
            "early": round((at_last[-1] - before[1]) / received, 3) if at_last and received else None}


def main(words):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=pathlib.Path, required=True)
    parser.add_argument("--tokens", type=int, default=4096)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args(words)
    with tempfile.TemporaryDirectory() as directory:
        environment = dict(os.environ, CLUSTER_DIR=directory, PORT_BASE="free", MODEL=str(arguments.model), PREFILL="1", DECODE="1")
        subprocess.run([str(BALEEN), "up"], check=True, env=environment, stdout=sys.stderr)
        try:
            processes = json.loads((pathlib.Path(directory) / "state.json").read_text())["processes"]
            ports = {process["role"]: process["metrics"] for process in processes}
            ports["rest"] = next(process["rest"] for process in processes if process["rest"] is not None)
            for _ in range(arguments.rounds):
                # Of one token each in a byte-level tokenizer of random checkpoints.
                prompt = "".join(random.choices(string.ascii_lowercase, k=arguments.tokens - 1))
                print(json.dumps(measure(ports, arguments.model.name, prompt)), flush=True)
        finally:
            subprocess.run([str(BALEEN), "down"], check=True, env=environment, stdout=sys.stderr)


if __name__ == "__main__":
    main(sys.argv[1:])
