"""How speed and memory grow: in one process with batch and context, with experts on shards, and of a whole cluster with its users.
And what a layer's experts cost beside their computation, what drafts bring, and what it brings to send a conversation where its prefix is.

Each sweep gives results as run.py lists them.
"""

import concurrent.futures
import functools
import itertools
import json
import os
import statistics
import subprocess
import time

import running

BATCHES = (1, 2, 4, 8, 16, 32, 64)
CONTEXTS = (128, 512, 2048, 8192, 16384)
SHARDS = (1, 2, 4, 8)
USERS = (1, 4, 16, 64, 256)
CONTEXT_OF_BATCHES = 256
TOKENS_PER_REQUEST = 32
PROMPT_WORDS = 24
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


def side_by_side(place, names, taken, kinds):
    """What two measures gave in the same rounds, the second with its ratios to the first.

    `names` are theirs, `taken` has their rounds (in_turn), of which each gave a value for each of `kinds`: (name, unit).
    """
    found = []
    for index, (kind, unit) in enumerate(kinds):
        first, second = ([values[index] for values in rounds] for rounds in taken)
        baseline, name = (f"{place}/{name}/{kind}" for name in names)
        ratios = [b / a for a, b in zip(first, second)]
        found += [result(baseline, unit, first, None, None),
                  result(name, unit, second, None, None, ratios, f"{baseline} in the same rounds")]
    return found


def rate_and_step(name, batch, rates, series, x, ratios=None, baseline=None):
    """Throughput, and latency: how long a step of `batch` tokens takes."""
    return [result(name, "tokens/s", rates, series, x, ratios, baseline),
            result(f"{name}/step", "ms", [1e3 * batch / rate for rate in rates], series, x)]


def _report_of(binary, *flags):
    done = subprocess.run([str(binary), *flags], check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout)


def engine(binary, model, dtype, rounds):
    """Prefill of 512 tokens, then decode by batch and by context, all in one process."""
    points = [("batch", batch, batch, CONTEXT_OF_BATCHES) for batch in BATCHES] + [("context", context, 1, context) for context in CONTEXTS]
    listed = ",".join(f"{batch}:{context}" for _, _, batch, context in points)
    report = _report_of(binary, f"--model={model}", f"--dtype={dtype}", f"--decode={listed}", f"--rounds={rounds}", "--steps=4")
    name = f"engine/{model.name}/{dtype}"
    found = [
        result(f"{name}/prefill:512", "tokens/s", report["prefill"]["tokens_per_s"], None, None),
        result(f"{name}/load", "s", [report["load_s"]], None, None),
        result(f"{name}/resident", "MiB", [report["rss_mib"]], None, None),
    ]
    for (kind, x, batch, _), entry in zip(points, report["decode"], strict=True):
        place, series = f"{name}/decode/{kind}:{x}", f"{kind} {dtype}"
        found += rate_and_step(place, batch, entry["tokens_per_s"], series, x)
        found.append(result(f"{place}/resident", "MiB", [entry["rss_mib"]], series, x))
    return found


def shards(binaries, binary, model, dtype, rounds, counts=SHARDS):
    """Attention in one process and experts on `counts` shards, each against everything in one process in the same rounds.

    Every shard may use all cores, since one of them has more of a layer to compute than the others.
    """
    found = []
    for count in counts:
        with running.experts(binaries, model, dtype, count, threads=os.cpu_count()) as held:
            report = _report_of(binary, f"--model={model}", f"--dtype={dtype}", f"--rounds={rounds}", f"--placement=127.0.0.1:{held.port}",
                                "--decode=1:256,16:256", "--steps=6")
            name = f"shards/{model.name}/{dtype}"
            found.append(result(f"{name}/resident/shards:{count}", "MiB", [held.memory_mib()], "shards all together", count))
        for kind, batch, entry in (("prefill:512", 512, report["prefill"]), ("batch:1", 1, report["decode"][0]),
                                   ("batch:16", 16, report["decode"][1])):
            near, far = entry["tokens_per_s"], entry["remote_tokens_per_s"]
            ratios = [b / a for a, b in zip(near, far)]
            baseline = f"engine/{model.name}/{dtype}/{kind} in the same rounds"
            found += rate_and_step(f"{name}/{kind}/shards:{count}", batch, far, f"shards {kind}", count, ratios, baseline)
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


def _complete(port, model, number, words=PROMPT_WORDS, tokens=TOKENS_PER_REQUEST):
    # They differ from the first word on: no prefix is shared, but with a longer one of the same number.
    prompt = f"{number} " + " ".join(str((number * 7919 + i * 104729) % 1000) for i in range(words))
    return running.ask(port, "/v1/completions", model=model, prompt=prompt, max_tokens=tokens, ignore_eos=True)


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
    with running.cluster(command, model) as asked:
        numbers = itertools.count()
        for count in counts:
            taken = [_round_of(asked.port, model.name, count, numbers) for _ in range(rounds)]
            name = f"cluster/{model.name}/users:{count}"
            found.append(result(name, "tokens/s", [rate for rate, _ in taken], "users of a cluster", count))
            found.append(result(f"{name}/request", "s", [latency for _, latency in taken], "users of a cluster", count))
            found.append(result(f"{name}/resident", "MiB", [asked.memory_mib()], "users of a cluster", count))
    return found


def _answer_rates(port, model):
    """Tokens per second of the questions' answers, one after the other: with the wait for the first token, and behind it."""
    ask = functools.partial(running.ask, port, "/v1/chat/completions", model=model)
    questions = [[{"role": "user", "content": text}] for text in QUESTIONS]
    first_s = sum(seconds for _, seconds in [ask(messages=question, max_tokens=1) for question in questions])
    answers = [ask(messages=question) for question in questions]
    whole_s = sum(seconds for _, seconds in answers)
    tokens = _generated(answers)
    return tokens / whole_s, (tokens - len(answers)) / (whole_s - first_s)


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
    start = functools.partial(running.cluster, command, model, PREFILL="0", KV_MIB=str(CONVERSATION_KV_MIB))
    numbers = itertools.count(1)
    with start(DECODE="2") as two, start(DECODE="1") as one, start(DECODE="1") as other:
        measures = [functools.partial(_talk, [asked.port for asked in each], model.name, numbers) for each in ((one, other), (two,))]
        taken = in_turn(measures, rounds)
    kinds = (("cached", "share of prompt tokens"), ("first token", "s"))
    return side_by_side(f"turns/{model.name}", ("round robin", "picked"), taken, kinds)


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
    with running.cluster(command, model, MTP="0") as without, running.cluster(command, model, MTP="1") as drafting:
        measures = [functools.partial(_answer_rates, asked.port, model.name) for asked in (without, drafting)]
        in_turn(measures, 1)  # The first answers wait for what is made once.
        taken = in_turn(measures, rounds)
    return side_by_side(f"drafts/{model.name}", ("without", "mtp"), taken, (("answers", "tokens/s"), ("decode", "tokens/s")))
