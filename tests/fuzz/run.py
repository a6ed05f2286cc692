#!/usr/bin/env python3
"""Builds the fuzz targets under Clang and runs each for a while: run.py --seconds=60 [--targets=safetensors,kv_page].

What a target found worth keeping goes on in .baleen/fuzz/TARGET/corpus; inputs that crash, hang or need too much memory lie beside it.
With --merge what covers something new goes into the target's corpus in the source tree.
Ends with a table, and with 1 when an input was bad.
"""

import argparse
import pathlib
import re
import subprocess
import sys

PACKAGE = "tests/fuzz"
HANG_SECONDS = 10
MEMORY_MIB = 2048
# The largest input that is tried, and the largest that a corpus takes in.
INPUT_BYTES = 16384
KEPT_BYTES = 4096
BAD_INPUTS = ("crash-*", "timeout-*", "oom-*", "leak-*")
COLUMNS = ("target", "seconds", "executions", "exec/s", "coverage", "corpus", "bad inputs")


def last_number(pattern, log):
    """The last match's number in a log, 0 without one."""
    found = re.findall(pattern, log, re.MULTILINE)
    return int(found[-1]) if found else 0


def read_log(log):
    """What libFuzzer says of a run."""
    return {
        "executions": last_number(r"^stat::number_of_executed_units:\s+(\d+)", log) or last_number(r"^#(\d+)\s", log),
        "exec/s": last_number(r"^stat::average_exec_per_sec:\s+(\d+)", log) or last_number(r"exec/s: (\d+)", log),
        "coverage": last_number(r" cov: (\d+)", log),
        "corpus": last_number(r" corp: (\d+)/", log),
    }


def table(rows):
    """Rows of COLUMNS, aligned."""
    cells = [COLUMNS] + [tuple(str(row[column]) for column in COLUMNS) for row in rows]
    widths = [max(len(row[i]) for row in cells) for i in range(len(COLUMNS))]
    lines = []
    for row in cells:
        lines.append("  ".join(cell.ljust(width) if i == 0 else cell.rjust(width) for i, (cell, width) in enumerate(zip(row, widths))))
    return "\n".join(lines)


def bad_inputs(directory):
    return sorted(path for pattern in BAD_INPUTS for path in directory.glob(pattern))


class Fuzzers:
    """The built targets, and where they keep what they find."""

    def __init__(self, bazel, kept):
        self.bazel = bazel
        self.kept = kept
        self.binaries = None

    def names(self):
        query = [self.bazel, "query", f'attr(tags, "fuzzer", kind(cc_binary, //{PACKAGE}:all))']
        labels = subprocess.run(query, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout.split()
        return sorted(label.partition(":")[2].removesuffix("_fuzzer") for label in labels)

    def build(self, names):
        labels = [f"//{PACKAGE}:{name}_fuzzer" for name in names]
        subprocess.run([self.bazel, "build", "--config=fuzz", *labels], check=True)
        info = [self.bazel, "info", "--config=fuzz", "bazel-bin"]
        self.binaries = pathlib.Path(subprocess.run(info, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()) / PACKAGE

    def run(self, name, seconds):
        """One target's row of the table."""
        home = self.kept / name
        (home / "corpus").mkdir(parents=True, exist_ok=True)
        before = set(bad_inputs(home))
        command = [
            str(self.binaries / f"{name}_fuzzer"),
            f"-max_total_time={seconds}",
            f"-timeout={HANG_SECONDS}",
            f"-rss_limit_mb={MEMORY_MIB}",
            f"-max_len={INPUT_BYTES}",
            f"-artifact_prefix={home}/",
            "-print_final_stats=1",
            str(home / "corpus"),
            f"{PACKAGE}/corpus/{name}",
        ]
        with open(home / "log", "w", encoding="utf-8", errors="replace") as log:
            status = subprocess.run(command, stdout=log, stderr=subprocess.STDOUT, check=False).returncode
        log = (home / "log").read_text(encoding="utf-8", errors="replace")
        bad = [path for path in bad_inputs(home) if path not in before]
        if status != 0:
            print(f"{name}: ended with {status}; {home}/log says why; inputs: {', '.join(map(str, bad)) or 'none kept'}")
        return {"target": name, "seconds": seconds, "bad inputs": max(len(bad), int(status != 0)), **read_log(log)}

    def merge(self, name):
        """Takes what covers something new into the source tree."""
        target = f"{PACKAGE}/corpus/{name}"
        command = [str(self.binaries / f"{name}_fuzzer"), "-merge=1", f"-max_len={KEPT_BYTES}", target, str(self.kept / name / "corpus")]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bazel", default="bazel")
    parser.add_argument("--seconds", type=int, default=60, help="for each target")
    parser.add_argument("--targets", default="", help="with commas between; all of them otherwise")
    parser.add_argument("--out", default=".baleen/fuzz", help="what was found")
    parser.add_argument("--merge", action="store_true", help="take what covers something new into the source tree")
    arguments = parser.parse_args()
    fuzzers = Fuzzers(arguments.bazel, pathlib.Path(arguments.out))
    known = fuzzers.names()
    names = [name for name in arguments.targets.split(",") if name] or known
    if unknown := sorted(set(names) - set(known)):
        parser.error(f"no such target: {', '.join(unknown)}; there are {', '.join(known)}")
    fuzzers.build(names)
    rows = []
    for name in names:
        print(f"{name}: {arguments.seconds} s", flush=True)
        rows.append(fuzzers.run(name, arguments.seconds))
        if arguments.merge and not rows[-1]["bad inputs"]:
            fuzzers.merge(name)
    print(table(rows))
    return 1 if any(row["bad inputs"] for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
