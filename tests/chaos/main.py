"""`make chaos`: faults for so many minutes; prints a table, writes JSON, exits 1 when a request failed, an answer differed or KV leaked."""

import argparse
import dataclasses
import json
import pathlib
import signal
import sys

from tests.chaos import faults, harness


def report(outcome, settings):
    """What .baleen/chaos.json holds."""
    strikes = outcome.strikes
    failed, differ = sum(len(strike.failures) for strike in strikes), sum(len(strike.differences) for strike in strikes)
    leaked_fds, leaked_threads = (sum(counts[place] for counts in outcome.grown.values()) for place in range(2))
    return {
        "faults": len(strikes), "requests": outcome.requests + failed, "failed": failed,
        "identical": outcome.requests - differ, "compared": outcome.compared,
        "longest_gap_ms": max((strike.stall_ms for strike in strikes), default=0.0), "leaked_blocks": outcome.leaked_blocks,
        "first_token_ms": outcome.first_token_s * 1e3, "held": outcome.held,
        "remote_prefills": outcome.remote_prefills, "out_of_phase": sum(not strike.in_phase for strike in strikes),
        "leaked_fds": leaked_fds, "leaked_threads": leaked_threads,
        "grown": outcome.grown, "false_ready_s": outcome.false_ready_s, "seed": settings.seed,
        "mtp": settings.mtp, "transport": settings.transport, "partitions": outcome.with_fabric,
        "alerts": outcome.alerts, "strikes": [dataclasses.asdict(strike) for strike in strikes],
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--faults", type=int, help="stop after so many")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--streams", type=int, default=8)
    parser.add_argument("--mtp", action="store_true", help="attention workers draft")
    parser.add_argument("--transport", choices=("grpc", "ucx", "auto"), default="grpc", help="between workers")
    parser.add_argument("--only", default="", help="faults whose name has this in it, such as \"cut off decode\"")
    parser.add_argument("--etcd_seconds", type=float, default=faults.ETCD_S, help="how long etcd is gone")
    parser.add_argument("--logs", type=pathlib.Path, help="keep the processes' logs there")
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path(".baleen/chaos.json"))
    options = parser.parse_args()

    def tell(strike):
        counts = f"failed {len(strike.failures)}  differ {len(strike.differences)}"
        stalls = f"stall {strike.stall_ms:6.0f} ms  first token {strike.first_token_ms:6.0f} ms"
        print(f"{strike.fault:40} {stalls}  {counts}  {strike.victim}: {strike.stalled}", flush=True)
        for problem in (strike.failures + strike.differences)[:5]:
            print(f"  {problem[:400]}", flush=True)

    # The processes that were started end with this one.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    settings = harness.Settings(seed=options.seed, streams=options.streams, seconds=options.minutes * 60, faults=options.faults,
                                mtp=options.mtp, transport=options.transport, etcd_s=options.etcd_seconds, only=options.only,
                                logs=options.logs, alerts=not options.only)
    try:
        outcome = harness.run(settings, tell)
    except faults.NoSuchFault as error:
        parser.exit(2, f"chaos: {error}\n")
    print("\n".join(harness.table(outcome.strikes)))
    for act, fired in outcome.alerts.items():
        print(f"{act}: " + ", ".join(f"{name} {'never' if after is None else f'{after:.0f} s'}" for name, after in fired.items()))
    result = report(outcome, settings)
    print(", ".join(f"{name} {value}" for name, value in result.items() if name != "strikes"))
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(result, indent=1))
    for problem in outcome.problems():
        print(f"problem: {problem[:400]}")
    return 1 if outcome.problems() else 0


if __name__ == "__main__":
    sys.exit(main())
