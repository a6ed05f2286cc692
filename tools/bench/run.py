#!/usr/bin/env python3
"""Runs every Google Benchmark binary in rounds and writes one list of results: run.py --bazel=bazel --out=.baleen/bench.json.

Every round runs each binary once, so that binaries are interleaved, and takes a reading of the machine before each. A result is
{name, unit, value, min, max, rounds, machine, baseline, ratio}: value is the median of the rounds; machine maps each reading of
//tools/bench:machine_limits to its median beside this result; baseline and ratio are null where nothing is compared with.
"""

import argparse
import json
import pathlib
import statistics
import subprocess
import sys

ROUNDS = 5
BENCHMARKS = 'filter("_bench$", kind(cc_binary, //...))'
MACHINE_LIMITS = "//tools/bench:machine_limits"


def rounds_of(targets, rounds, run_benchmark, read_machine):
    """{target: [(reading, report), ...]}, one pair a round, the targets taken in turn."""
    taken = {target: [] for target in targets}
    for _ in range(rounds):
        for target in targets:
            reading = read_machine()
            taken[target].append((reading, run_benchmark(target)))
    return taken


def results(target, pairs):
    """Results of one binary's (reading, JSON report) pairs, a list entry per benchmark."""
    rounds = {}
    for reading, report in pairs:
        for entry in report["benchmarks"]:
            if entry.get("run_type") == "iteration" and not entry.get("error_occurred"):
                rounds.setdefault(entry["run_name"], []).append((reading, entry))
    listed = []
    for name, entries in rounds.items():
        values = [entry["real_time"] for _, entry in entries]
        listed.append(
            {
                "name": f"{target}:{name}",
                "unit": entries[0][1]["time_unit"],
                "value": statistics.median(values),
                "min": min(values),
                "max": max(values),
                "rounds": len(values),
                "machine": {key: statistics.median(reading[key] for reading, _ in entries) for key in entries[0][0]},
                "baseline": None,
                "ratio": None,
            }
        )
    return listed


def _output(*words):
    return subprocess.run(list(map(str, words)), check=True, stdout=subprocess.PIPE, text=True).stdout


def main(words):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bazel", default="bazel")
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    arguments = parser.parse_args(words)
    targets = sorted(_output(arguments.bazel, "query", BENCHMARKS).split())
    subprocess.run([arguments.bazel, "build", MACHINE_LIMITS, *targets], check=True)
    binaries = pathlib.Path(_output(arguments.bazel, "info", "bazel-bin").strip())

    def binary(target):
        return binaries / target.removeprefix("//").replace(":", "/")

    def run_benchmark(target):
        print(f"running {target}", flush=True)
        return json.loads(_output(binary(target), "--benchmark_format=json"))

    def read_machine():
        return json.loads(_output(binary(MACHINE_LIMITS)))

    found = []
    for target, pairs in rounds_of(targets, arguments.rounds, run_benchmark, read_machine).items():
        found += results(target, pairs)
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(json.dumps(found, indent=1) + "\n")
    for result in found:
        print(f"{result['name']}: {result['value']:.4g} {result['unit']} ({result['min']:.4g} to {result['max']:.4g})")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
