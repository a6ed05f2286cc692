#!/usr/bin/env python3
"""Runs every benchmark in rounds and writes one list of results, and pictures beside it: run.py --bazel=bazel --out=.baleen/bench.json.

Every round runs each binary once, so that binaries are interleaved, and takes a reading of the machine before each. A result is
{name, unit, value, min, max, rounds, machine, baseline, ratio, series, x}: value is the median of the rounds; machine maps each reading of
//tools/bench:machine_limits to its median beside this result; baseline and ratio are null where nothing is compared with, series (a
line of a picture) and x (the place there) where nothing is drawn.
"""

import argparse
import datetime
import json
import os
import pathlib
import statistics
import subprocess
import sys

import models
import sweeps

ROUNDS = 5
DRAFT_ROUNDS = 3  # For each of them: they are short.
BENCHMARKS = 'filter("_bench$", kind(cc_binary, //...)) except attr(tags, manual, //...)'  # What needs a GPU is manual.
LIBRARY_FIELDS = {"name", "run_name", "run_type", "family_index", "per_family_instance_index", "repetitions", "repetition_index", "threads",
                  "iterations", "real_time", "cpu_time", "time_unit", "label", "error_occurred", "error_message"}
MACHINE_LIMITS = "//tools/bench:machine_limits"
ENGINE_SPEED = "//tools/bench:engine_speed"
LAYER_OVERHEAD = "//tools/bench:layer_overhead"
MAKE_CHECKPOINT = "//tools/make_checkpoint"
SERVICES = ("//services/gateway:baleen-gateway", "//services/attention:baleen-attention", "//services/expert:baleen-expert",
            "//services/placement:baleen-placement")
PARTS = ("kernels", "engine", "layers", "drafts", "shards", "users", "turns")
SHAPED = {"engine", "shards", "users", "turns"}  # Of the parts, those that take checkpoints of random weights.
ABACUS = pathlib.Path(__file__).parents[2] / "checkpoints/abacus"
CLUSTER = pathlib.Path(__file__).parents[1] / "baleen/baleen"


def rounds_of(targets, rounds, run_benchmark, read_machine):
    """{target: [(reading, report), ...]}, one pair a round, the targets taken in turn."""
    taken = {target: [] for target in targets}
    for _ in range(rounds):
        for target in targets:
            reading = read_machine()
            taken[target].append((reading, run_benchmark(target)))
    return taken


def medians(readings):
    """One reading of the machine for several: the median of each of its figures."""
    return {key: statistics.median(reading[key] for reading in readings) for key in readings[0]}


def _measured(entry):
    """(what, unit, value) of each quantity in a benchmark's entry: its time, and what it counted under names of its own."""
    yield "", entry["time_unit"], entry["real_time"]
    for key, value in entry.items():
        if key not in LIBRARY_FIELDS:
            yield f"/{key}", key, value


def results(target, pairs):
    """Results of one binary's (reading, JSON report) pairs, a list entry per benchmark and quantity."""
    rounds = {}
    for reading, report in pairs:
        for entry in report["benchmarks"]:
            if entry.get("run_type") == "iteration" and not entry.get("error_occurred"):
                for what, unit, value in _measured(entry):
                    rounds.setdefault((entry["run_name"] + what, unit), []).append((reading, value))
    listed = []
    for (name, unit), entries in rounds.items():
        readings, values = zip(*entries)
        listed.append(sweeps.result(f"{target}:{name}", unit, values, None, None, machine=medians(readings)))
    return listed


def _output(*words, **settings):
    environment = {**os.environ, **settings}
    return subprocess.run(list(map(str, words)), check=True, stdout=subprocess.PIPE, text=True, env=environment).stdout


def _processor():
    lines = pathlib.Path("/proc/cpuinfo").read_text().splitlines()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "an unnamed processor")


def _parser():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bazel", default="bazel")
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--shapes", default="small", help="checkpoints of random weights, such as small,mid")
    parser.add_argument("--dtypes", default="bf16,int8,fp8")
    parser.add_argument("--parts", default=",".join(PARTS), help="of " + ", ".join(PARTS))
    return parser


def _sweep(arguments, binaries, read_machine):
    """Results of the sweeps that were asked for, each with readings of the machine from before and behind it."""
    found = []
    binary = binaries / "tools/bench/engine_speed"
    made = arguments.out.parent / "models"

    def take(measure, *words):
        before = read_machine()
        measured = measure(*words)
        machine = medians([before, read_machine()])
        found.extend({**entry, "machine": machine} for entry in measured)

    if "layers" in arguments.parts:
        print("measuring a layer beside a raw echo", flush=True)
        take(sweeps.layers, binaries / "tools/bench/layer_overhead", arguments.rounds)
    if "drafts" in arguments.parts:
        print("measuring drafts", flush=True)
        take(sweeps.drafts, CLUSTER, ABACUS.absolute(), DRAFT_ROUNDS * arguments.rounds)
    for shape in arguments.shapes.split(",") if SHAPED.intersection(arguments.parts) else ():
        model = models.checkpoint(shape, binaries / "tools/make_checkpoint/make_checkpoint", made).absolute()
        for dtype in arguments.dtypes.split(",") if "engine" in arguments.parts else ():
            print(f"measuring {shape} in {dtype}", flush=True)
            take(sweeps.engine, binary, model, dtype, arguments.rounds)
        if "shards" in arguments.parts:
            print(f"measuring {shape} over shards", flush=True)
            take(sweeps.shards, binaries, binary, model, "bf16", arguments.rounds)
        if "users" in arguments.parts:
            print(f"measuring a cluster of {shape}", flush=True)
            take(sweeps.users, CLUSTER, model, arguments.rounds)
        if "turns" in arguments.parts:
            print(f"measuring conversations with {shape}", flush=True)
            take(sweeps.turns, CLUSTER, model, arguments.rounds)
    return found


def main(words):
    arguments = _parser().parse_args(words)
    arguments.parts = arguments.parts.split(",")
    targets = sorted(_output(arguments.bazel, "query", BENCHMARKS).split()) if "kernels" in arguments.parts else []
    tools = (MACHINE_LIMITS, ENGINE_SPEED, LAYER_OVERHEAD, MAKE_CHECKPOINT)
    subprocess.run([arguments.bazel, "build", *tools, *SERVICES, *targets], check=True)
    binaries = pathlib.Path(_output(arguments.bazel, "info", "bazel-bin").strip())

    def binary(target):
        return binaries / target.removeprefix("//").replace(":", "/")

    def run_benchmark(target):
        print(f"running {target}", flush=True)
        return json.loads(_output(binary(target), "--benchmark_format=json", MODEL=str(ABACUS.absolute())))

    def read_machine():
        return json.loads(_output(binary(MACHINE_LIMITS)))

    found = []
    for target, pairs in rounds_of(targets, arguments.rounds, run_benchmark, read_machine).items():
        found += results(target, pairs)
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    found += _sweep(arguments, binaries, read_machine)
    arguments.out.write_text(json.dumps(found, indent=1) + "\n")
    for entry in found:
        beside = f", {entry['ratio']:.3f} of {entry['baseline']}" if entry["ratio"] is not None else ""
        print(f"{entry['name']}: {entry['value']:.4g} {entry['unit']} ({entry['min']:.4g} to {entry['max']:.4g}){beside}")
    import pictures  # Needs matplotlib, which tests of the rest do without.

    caption = f"{datetime.date.today()}, {os.cpu_count()} cores of {_processor()}, medians and spread of {arguments.rounds} rounds"
    for path in pictures.draw(found, arguments.out.parent / "bench", caption):
        print(f"drawn: {path}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
