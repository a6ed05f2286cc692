#!/usr/bin/env python3
"""Holds a device's logits beside the CPU's in F32, for a checkpoint at hand: V3's own dimensions, say, by tools/make_checkpoint.

  agreement.py --model=DIR --device=cuda [--out=FILE]

An error is the root mean square of a position's differences over that of its logits; the median position's counts, since a gate near a tie
may choose otherwise at some. How much a checkpoint makes of its roundings is seen by the CPU's own BF16. One line of JSON: {"device",
"positions", "errors": {"cuda bf16": ..., ...}, "bounds", "failures"}. Exit codes: 0 each error is what rounding explains, 1 not.
"""

import argparse
import json
import math
import operator
import pathlib
import random
import statistics
import sys

import check

sys.path.append(str(check.ROOT / "tools" / "logits"))

import logits  # noqa: E402

BINARY = check.ROOT / "bazel-bin" / "tools" / "logits" / "logits"
TOKENS = 96
SEED = 7
# What a value's rounding is off by, in root mean square.
ROUNDING = {"bf16": 0.0011, "fp8": 0.026}
# A device rounds between products too, up to twice as often as the CPU. Errors add up as squares, and one checkpoint is a small sample.
MARGIN = 2


def error(rows, expected):
    """The median position's. ValueError when the shapes differ, or a logit is no number."""
    if [len(row) for row in rows] != [len(row) for row in expected]:
        raise ValueError("the logits have different shapes")
    errors = []
    for row, truth in zip(rows, expected):
        off = list(map(operator.sub, row, truth))
        errors.append(math.sqrt(sum(map(operator.mul, off, off)) / sum(map(operator.mul, truth, truth))))
    if not all(map(math.isfinite, errors)):
        raise ValueError("logits are not finite")
    return statistics.median(errors)


def failures_of(device, errors):
    """The device's bounds by type, and what exceeds them."""
    bounds = {dtype: MARGIN * errors["cpu bf16"] * off / ROUNDING["bf16"] for dtype, off in ROUNDING.items()}
    found = [(f"{device} {dtype}", bound) for dtype, bound in bounds.items()]
    return bounds, [f"{run} is off by {errors[run]:.4f}, more than {bound:.4f}" for run, bound in found if errors[run] > bound]


def agree(model, device):
    """The figures, and what was not as it should be."""
    config = json.loads((model / "config.json").read_text())
    drawn = random.Random(SEED)
    tokens = [drawn.randrange(config["vocab_size"]) for _ in range(TOKENS)]
    expected = logits.compute(BINARY, model, tokens, "cpu", "f32")
    runs = [("cpu", "bf16"), *((device, dtype) for dtype in ROUNDING)]
    errors = {f"{where} {dtype}": error(logits.compute(BINARY, model, tokens, where, dtype), expected) for where, dtype in runs}
    bounds, failures = failures_of(device, errors)
    return {"device": device, "positions": TOKENS, "errors": errors, "bounds": bounds, "failures": failures}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=pathlib.Path, required=True, help="a checkpoint in Hugging Face layout")
    parser.add_argument("--device", default="cuda", help="cuda or cuda-emulated")
    parser.add_argument("--out", type=pathlib.Path, help="file for the JSON too")
    wanted = parser.parse_args()
    return check.report(agree(wanted.model, wanted.device), wanted.out)


if __name__ == "__main__":
    sys.exit(main())
