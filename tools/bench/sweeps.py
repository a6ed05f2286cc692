"""How speed and memory grow: in one process with batch and context, with experts on shards, and of a whole cluster with its users.
And what a layer's experts cost beside their computation, what drafts bring, and what it brings to send a conversation where its prefix is.

Each sweep gives results as run.py lists them, with "series" (a line of a picture) and "x" (its place there) besides.
"""

import concurrent.futures
import contextlib
import functools
import itertools
import json
import os
import pathlib
import socket
import statistics
import subprocess
import tempfile
import time
import urllib.request

BATCHES = (1, 2, 4, 8, 16, 32, 64)
CONTEXTS = (128, 512, 2048, 8192, 16384)
SHARDS = (1, 2, 4, 8)
USERS = (1, 4, 16, 64, 256)
CONTEXT_OF_BATCHES = 256
TOKENS_PER_REQUEST = 32
PROMPT_WORDS = 48
CONVERSATIONS_PER_USER = 3  # Of which a user takes a turn each, again and again.
TALKING_USERS = 5           # Odd, as are all conversations, so that asking round robin sends the next turn of any elsewhere.
TURNS = 6
FIRST_WORDS = 96
TURN_WORDS = 32
CONVERSATION_KV_MIB = 64  # Of a worker: not all conversations, but half of them with ease.
QUESTIONS = ("What is 4821 + 1397?", "What is 37 * 48?", "Sort 5, 3, 99, 12.", "How many r are in strawberry?")


def result(name, unit, values, series, x, ratios=None, baseline=None, machine=None):
    """One entry; `ratios` are against `baseline`, round by round."""
    return {
        "name": name,
        "unit": unit,
        "value": statistics.median(values),
        "min": min(values),
        "max": max(values),
        "rounds": len(values),
        "machine": machine,
        "baseline": baseline,
        "ratio": statistics.median(ratios) if ratios else None,
        "series": series,
        "x": x,
    }


def side_by_side(baseline_name, baseline, name, values, unit):
    """Both, the second with its ratios to the first, whose rounds were the same."""
    ratios = [b / a for a, b in zip(baseline, values)]
    return [result(baseline_name, unit, baseline, None, None),
            result(name, unit, values, None, None, ratios, f"{baseline_name} in the same rounds")]


def _report_of(binary, *flags):
    done = subprocess.run([str(binary), *flags], check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout)


def engine(binary, model, dtype, rounds):
    """Prefill of 512 tokens, then decode by batch and by context, all in one process."""
    shapes = [(batch, CONTEXT_OF_BATCHES) for batch in BATCHES] + [(1, context) for context in CONTEXTS]
    listed = ",".join(f"{batch}:{context}" for batch, context in shapes)
    report = _report_of(binary, f"--model={model}", f"--dtype={dtype}", f"--decode={listed}", f"--rounds={rounds}", "--steps=4")
    name = f"engine/{model.name}/{dtype}"
    found = [
        result(f"{name}/prefill:512", "tokens/s", report["prefill"]["tokens_per_s"], None, None),
        result(f"{name}/load", "s", [report["load_s"]], None, None),
        result(f"{name}/resident", "MiB", [report["rss_mib"]], None, None),
    ]
    for (batch, context), entry in zip(shapes, report["decode"]):
        by_batch = len(found) - 3 < len(BATCHES)
        kind, x = ("batch", batch) if by_batch else ("context", context)
        place = f"{name}/decode/{kind}:{x}"
        found.append(result(place, "tokens/s", entry["tokens_per_s"], f"{kind} {dtype}", x))
        found.append(result(f"{place}/resident", "MiB", [entry["rss_mib"]], f"{kind} {dtype} resident", x))
    return found


def _free_port():
    with contextlib.closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def experts(binaries, model, dtype, shards, threads):
    """A placement and its shards; gives the placement's address."""
    port = _free_port()
    address = f"127.0.0.1:{port}"
    placement = ["services/placement/baleen-placement", f"--grpc_port={port}", f"--expected_shards={shards}", "--replicas=1"]
    shard = ["services/expert/baleen-expert", f"--model={model}", f"--dtype={dtype}", f"--placement={address}", f"--threads={threads}"]
    commands = [placement] + [[*shard, f"--grpc_port={_free_port()}", f"--failure_domain={i}"] for i in range(shards)]
    started = []
    try:
        for words in commands:
            command = [str(binaries / words[0]), "--bind=127.0.0.1", *words[1:]]
            started.append(subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        yield address
    finally:
        for process in started:
            process.kill()
        for process in started:
            process.wait()


def shards(binaries, binary, model, dtype, rounds, counts=SHARDS):
    """Attention in one process and experts on `counts` shards, each against everything in one process in the same rounds.

    Every shard may use all cores, since one of them has more of a layer to compute than the others.
    """
    found = []
    for count in counts:
        with experts(binaries, model, dtype, count, threads=os.cpu_count()) as placement:
            report = _report_of(binary, f"--model={model}", f"--dtype={dtype}", f"--rounds={rounds}", f"--placement={placement}",
                                "--decode=1:256,16:256", "--steps=6")
        for kind, entry in (("prefill:512", report["prefill"]), ("batch:1", report["decode"][0]), ("batch:16", report["decode"][1])):
            near, far = entry["tokens_per_s"], entry["remote_tokens_per_s"]
            ratios = [b / a for a, b in zip(near, far)]
            baseline = f"engine/{model.name}/{dtype}/{kind} in the same rounds"
            name = f"shards/{model.name}/{dtype}/{kind}/shards:{count}"
            found.append(result(name, "tokens/s", far, f"shards {kind}", count, ratios, baseline))
    return found


def layers(binary, rounds):
    """A layer's round trip to two shards that compute nothing, against a raw echo of the same bytes in the same rounds."""
    found = []
    for transport in ("grpc", "ucx"):
        for shape in _report_of(binary, f"--transport={transport}", f"--rounds={rounds}")["shapes"]:
            ratios = [layer / raw for raw, layer in zip(shape["raw_us"], shape["layer_us"])]
            baseline = f"{shape['bytes_out']} bytes out and {shape['bytes_back']} back, echoed in the same rounds"
            name = f"layer/{transport}/rows:{shape['rows']}"
            found.append(result(name, "us", shape["layer_us"], None, None, ratios, baseline))
    return found


@contextlib.contextmanager
def _cluster(command, model, **settings):
    """A cluster as `make up` starts it; gives its port for requests."""
    with tempfile.TemporaryDirectory() as directory:
        environment = dict(os.environ, CLUSTER_DIR=directory, PORT_BASE="free", MODEL=str(model), **settings)
        subprocess.run([str(command), "up"], check=True, env=environment)
        try:
            processes = json.loads((pathlib.Path(directory) / "state.json").read_text())["processes"]
            yield next(process["rest"] for process in processes if process["rest"] is not None)
        finally:
            subprocess.run([str(command), "down"], check=True, env=environment)


def _ask(port, path, **body):
    """(usage, seconds) of one request."""
    url, headers = f"http://127.0.0.1:{port}{path}", {"Content-Type": "application/json"}
    request = urllib.request.Request(url, json.dumps({"temperature": 0, **body}).encode(), headers)
    start = time.monotonic()
    with urllib.request.urlopen(request, timeout=600) as answer:
        usage = json.load(answer)["usage"]
    return usage, time.monotonic() - start


def _complete(port, model, number, words=PROMPT_WORDS, tokens=TOKENS_PER_REQUEST):
    # They differ from the first word on: no prefix is shared, but with a longer one of the same number.
    prompt = f"{number} " + " ".join(str((number * 7919 + i * 104729) % 1000) for i in range(words))
    return _ask(port, "/v1/completions", model=model, prompt=prompt, max_tokens=tokens, ignore_eos=True)


def _generated(answers):
    return sum(usage["completion_tokens"] for usage, _ in answers)


def _round_of(port, model, users, numbers):
    """(tokens per second, median seconds of a request) while `users` ask at the same time, each twice, for prompts of these `numbers`."""
    with concurrent.futures.ThreadPoolExecutor(users) as pool:
        start = time.monotonic()
        answers = list(pool.map(lambda number: _complete(port, model, number), itertools.islice(numbers, 2 * users)))
        seconds = time.monotonic() - start
    return _generated(answers) / seconds, statistics.median(latency for _, latency in answers)


def users(command, model, rounds, counts=USERS):
    """A cluster by the number of users that ask at once."""
    found = []
    with _cluster(command, model) as port:
        numbers = itertools.count()
        for count in counts:
            taken = [_round_of(port, model.name, count, numbers) for _ in range(rounds)]
            name = f"cluster/{model.name}/users:{count}"
            found.append(result(name, "tokens/s", [rate for rate, _ in taken], "users", count))
            found.append(result(f"{name}/request", "s", [latency for _, latency in taken], "users latency", count))
    return found


def _answer_rate(port, model):
    """Tokens per second of the questions' answers, one after the other."""
    answers = [_ask(port, "/v1/chat/completions", model=model, messages=[{"role": "user", "content": text}]) for text in QUESTIONS]
    return _generated(answers) / sum(seconds for _, seconds in answers)


def _talk(ports, model, numbers):
    """(share of prompt tokens that were cached, median seconds to the first token) of conversations.

    Their turns go to `ports`, the next turn of any to the next port.
    """
    turn = itertools.cycle(ports)  # Threads take turns of it under the interpreter's lock.

    def user(own):
        lengths = range(FIRST_WORDS, FIRST_WORDS + TURNS * TURN_WORDS, TURN_WORDS)
        return [_complete(next(turn), model, number, words, tokens=1) for words in lengths for number in own]

    with concurrent.futures.ThreadPoolExecutor(TALKING_USERS) as pool:
        shares = [list(itertools.islice(numbers, CONVERSATIONS_PER_USER)) for _ in range(TALKING_USERS)]
        answers = [answer for taken in pool.map(user, shares) for answer in taken]
    usages = [usage for usage, _ in answers]
    cached = sum(usage["prompt_cache_hit_tokens"] for usage in usages) / sum(usage["prompt_tokens"] for usage in usages)
    return cached, statistics.median(seconds for _, seconds in answers)


def turns(command, model, rounds):
    """Conversations at a cluster of two workers, whose gateway picks one; in turn at two clusters of one worker each, asked round robin."""
    start = functools.partial(_cluster, command, model, PREFILL="0", KV_MIB=str(CONVERSATION_KV_MIB))
    numbers = itertools.count(1)
    with start(DECODE="2") as two, start(DECODE="1") as one, start(DECODE="1") as other:
        measures = [functools.partial(_talk, ports, model.name, numbers) for ports in ([one, other], [two])]
        round_robin, picked = in_turn(measures, rounds)
    found = []
    for index, (kind, unit) in enumerate((("cached", "share of prompt tokens"), ("first token", "s"))):
        name = f"turns/{model.name}"
        baseline, values = ([entry[index] for entry in taken] for taken in (round_robin, picked))
        found += side_by_side(f"{name}/round robin/{kind}", baseline, f"{name}/picked/{kind}", values, unit)
    return found


def in_turn(measures, rounds):
    """For each function of `measures` what it gave in each round; the order turns round with every round."""
    taken = [[] for _ in measures]
    order = list(range(len(measures)))
    for _ in range(rounds):
        for which in order:
            taken[which].append(measures[which]())
        order.reverse()
    return taken


def drafts(command, model, rounds):
    """One stream at a cluster that drafts, against one at a cluster that does not, in the same rounds."""
    with _cluster(command, model, MTP="0") as without, _cluster(command, model, MTP="1") as drafting:
        measures = [functools.partial(_answer_rate, port, model.name) for port in (without, drafting)]
        in_turn(measures, 1)  # The first answers wait for what is made once.
        plain, drafted = in_turn(measures, rounds)
    name = f"drafts/{model.name}"
    return side_by_side(f"{name}/without", plain, f"{name}/mtp", drafted, "tokens/s")
