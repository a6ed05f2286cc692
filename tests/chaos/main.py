"""`make chaos`: faults for so many minutes; prints a table, writes JSON, and exits 1 when a request failed or an answer differed."""

import argparse
import dataclasses
import json
import pathlib
import sys

from tests.chaos import harness


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--streams", type=int, default=8)
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path(".baleen/chaos.json"))
    options = parser.parse_args()

    def tell(strike):
        counts = f"failed {len(strike.failures)}  differ {len(strike.differences)}"
        print(f"{strike.fault:40} stall {strike.stall_ms:6.0f} ms  {counts}", flush=True)

    settings = harness.Settings(seed=options.seed, streams=options.streams, seconds=options.minutes * 60)
    strikes, done = harness.run(settings, tell)
    for line in [problem for strike in strikes for problem in strike.failures + strike.differences][:20]:
        print(line)
    print("\n".join(harness.table(strikes)))
    failed = sum(len(strike.failures) for strike in strikes)
    differ = sum(len(strike.differences) for strike in strikes)
    print(f"{len(strikes)} faults, {done} requests finished, {failed} failed, {differ} with other tokens (seed {options.seed})")
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(
        {"seed": options.seed, "requests": done, "strikes": [dataclasses.asdict(strike) for strike in strikes]}, indent=1))
    return 1 if failed or differ else 0


if __name__ == "__main__":
    sys.exit(main())
