#!/usr/bin/env python3
"""Holds a cluster to its promises on the machine at hand: the same tokens alone and in a batch, with any number of shards, and while a
shard is killed. For a machine with a GPU and none of the project's tools; see pack.py.

  check.py --device=cuda [--model=DIR] [--out=FILE]

One line of JSON: {"device", "sum", "alone_s", "together_s", "chosen_s", "tokens", "failures"}. Exit codes: 0 all the same, 1 not. Only of
abacus is it known what it answers.
"""

import argparse
import concurrent.futures
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
ABACUS = ROOT / "checkpoints" / "abacus"
QUESTION = "What is 4821 + 1397?"
ANSWER = "6218"
PROMPTS = (
    QUESTION,
    "Sort 31, 4, 15.",
    "What is 17 * 23?",
    "What is 905 - 377?",
    "Which is greater, 482 or 284?",
    "Sort 9, 88, 7, 66.",
    "What is 64 + 64 + 64?",
    "What is the capital of France?",
)
KILL_AFTER = 4  # Events of the first stream.
TIMEOUT_S = 120


def _request(cluster, prompt, index, logprobs):
    # Every other one samples, by its own seed.
    body = {
        "model": cluster.model.name,
        "messages": [{"role": "user", "content": prompt}],
        "max_tokens": 96,
        "logprobs": logprobs,
        "stream": True,
        **({"temperature": 0.8, "seed": index} if index % 2 else {"temperature": 0}),
    }
    return urllib.request.Request(
        f"http://127.0.0.1:{cluster.rest}/v1/chat/completions", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )


def _events(answer):
    for line in answer:
        field, _, data = line.decode().strip().partition(":")
        if field == "data" and data.strip() != "[DONE]":
            yield json.loads(data)


def ask(cluster, prompt, index, on_event=lambda count: None, logprobs=True):
    """Tokens with their log-probabilities where wanted, as the server wrote them, and the text. By a stream: a test sees how far it is."""
    tokens, text, count = [], "", 0
    with urllib.request.urlopen(_request(cluster, prompt, index, logprobs), timeout=TIMEOUT_S) as answer:
        for event in _events(answer):
            if "error" in event:
                raise RuntimeError(event["error"].get("message"))
            for choice in event.get("choices", []):
                delta = choice.get("delta", {})
                text += (delta.get("reasoning_content") or "") + (delta.get("content") or "")
                logprobs_of = choice.get("logprobs") or {}
                entries = (logprobs_of.get("reasoning_content") or []) + (logprobs_of.get("content") or [])
                tokens += [(entry["token"], entry["logprob"]) for entry in entries]
            count += 1
            on_event(count)
    return tokens, text


def ask_all(cluster, on_event=lambda count: None, logprobs=True):
    """All prompts at a time, in order."""
    with concurrent.futures.ThreadPoolExecutor(len(PROMPTS)) as pool:
        asked = [pool.submit(ask, cluster, prompt, index, on_event, logprobs) for index, prompt in enumerate(PROMPTS)]
        return [one.result() for one in asked]


class Cluster:
    """A cluster of this very checkout or bundle, through its own command. An error in its block shows the end of every log."""

    def __init__(self, directory, model, device, shards, replicas):
        self.model = model
        self._state = pathlib.Path(directory) / "state.json"
        self._environment = {
            **os.environ,
            "CLUSTER_DIR": str(directory),
            "PORT_BASE": "free",
            "MODEL": str(model),
            "DEVICE": device,
            "SHARDS": str(shards),
            "REPLICAS": str(replicas),
        }
        self.processes, self.rest = [], None

    def _run(self, word):
        command = [sys.executable, str(ROOT / "tools" / "baleen" / "baleen"), word]
        done = subprocess.run(command, env=self._environment, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"baleen {word}: {done.stderr.strip()[-2000:]}")
        return done.stdout

    def __enter__(self):
        self._run("up")
        self.processes = json.loads(self._state.read_text())["processes"]
        self.rest = next(one["rest"] for one in self.processes if one["role"] == "gateway")
        return self

    def __exit__(self, kind, error, trace):
        if error is not None:
            print(self._run("logs"), file=sys.stderr)
        self._run("down")

    def kill(self, role):
        """kill -9 of the role's first process."""
        os.kill(next(one["pid"] for one in self.processes if one["role"] == role), signal.SIGKILL)


class Killer:
    """Kills an expert shard when some stream has come so far; once."""

    def __init__(self, cluster):
        self._cluster, self.done = cluster, False

    def __call__(self, count):
        if count >= KILL_AFTER and not self.done:
            self.done = True
            self._cluster.kill("expert")


def differences(what, expected, got):
    """Each prompt whose answer is not the expected one."""
    return [f"{what}: '{PROMPTS[i]}' gives {got[i]}, not {expected[i]}"[:2000] for i in range(len(PROMPTS)) if got[i] != expected[i]]


def check(model, device, directory):
    """The figures, and what was not as it should be."""
    failures = []
    figures = {"device": device}
    with Cluster(pathlib.Path(directory) / "three", model, device, 3, 2) as cluster:
        begin = time.monotonic()
        alone = [ask(cluster, prompt, index) for index, prompt in enumerate(PROMPTS)]
        figures["alone_s"] = round(time.monotonic() - begin, 3)
        figures["tokens"] = sum(len(tokens) for tokens, _ in alone)
        figures["sum"] = alone[0][1]
        if model.name == ABACUS.name and ANSWER not in alone[0][1]:
            failures.append(f"'{QUESTION}' gives '{alone[0][1]}', without {ANSWER}")
        failures += [f"'{prompt}' gives no token" for prompt, (tokens, _) in zip(PROMPTS, alone) if not tokens]
        begin = time.monotonic()
        failures += differences("in a batch", alone, ask_all(cluster))
        figures["together_s"] = round(time.monotonic() - begin, 3)
        begin = time.monotonic()
        # Whoever wants no log-probabilities has tokens chosen where the logits are.
        texts = [([], text) for _, text in alone]
        failures += differences("without log-probabilities", texts, ask_all(cluster, logprobs=False))
        figures["chosen_s"] = round(time.monotonic() - begin, 3)
        killer = Killer(cluster)
        failures += differences("with a shard killed", alone, ask_all(cluster, killer))
        if not killer.done:
            failures.append("no stream came so far that a shard was killed")
    with Cluster(pathlib.Path(directory) / "one", model, device, 1, 1) as cluster:
        failures += differences("with one shard", alone, ask_all(cluster))
    return {**figures, "failures": failures}


def report(result, out):
    """Prints the result as a line of JSON, and writes it to `out` unless that is None; the exit code."""
    text = json.dumps(result)
    print(text)
    if out:
        out.write_text(text + "\n")
    return 1 if result["failures"] else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cuda", help="cpu, cuda or cuda-emulated")
    parser.add_argument("--model", type=pathlib.Path, default=ABACUS, help="a checkpoint in Hugging Face layout")
    parser.add_argument("--out", type=pathlib.Path, help="file for the JSON too")
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        result = check(wanted.model, wanted.device, directory)
    return report(result, wanted.out)


if __name__ == "__main__":
    sys.exit(main())
