#!/usr/bin/env python3
"""Runs every Google Benchmark binary and writes one list of results: run.py --bazel=bazel --out=.baleen/bench.json.

Each result is {name, unit, value, min, max, rounds, baseline, ratio}: value is the median of the rounds; baseline and ratio are null
where nothing is compared with.
"""

import argparse
import json
import pathlib
import statistics
import subprocess
import sys

ROUNDS = 3
BENCHMARKS = 'filter("_bench$", kind(cc_binary, //...))'


def results(target, report):
    """Results of one binary's JSON report, a list entry per benchmark."""
    rounds = {}
    for entry in report["benchmarks"]:
        if entry.get("run_type") == "iteration" and not entry.get("error_occurred"):
            rounds.setdefault(entry["run_name"], []).append(entry)
    listed = []
    for name, entries in rounds.items():
        values = [entry["real_time"] for entry in entries]
        listed.append(
            {
                "name": f"{target}:{name}",
                "unit": entries[0]["time_unit"],
                "value": statistics.median(values),
                "min": min(values),
                "max": max(values),
                "rounds": len(values),
                "baseline": None,
                "ratio": None,
            }
        )
    return listed


def _output(*words):
    return subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True).stdout


def main(words):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bazel", default="bazel")
    parser.add_argument("--out", type=pathlib.Path, required=True)
    arguments = parser.parse_args(words)
    targets = sorted(_output(arguments.bazel, "query", BENCHMARKS).split())
    subprocess.run([arguments.bazel, "build", *targets], check=True)
    binaries = pathlib.Path(_output(arguments.bazel, "info", "bazel-bin").strip())
    found = []
    for target in targets:
        print(f"running {target}", flush=True)
        command = [
            binaries / target.removeprefix("//").replace(":", "/"),
            "--benchmark_format=json",
            f"--benchmark_repetitions={ROUNDS}",
        ]
        found += results(target, json.loads(_output(*map(str, command))))
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(json.dumps(found, indent=1) + "\n")
    for result in found:
        print(f"{result['name']}: {result['value']:.4g} {result['unit']}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
