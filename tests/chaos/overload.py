"""`make overload`: too much load, a greedy neighbour, shards that come and go under load. Prints figures, writes JSON.

The load runs on the same machine as the cluster and takes its share of it.
"""

import argparse
import asyncio
import json
import pathlib
import random
import signal
import sys
import time

from tests.chaos.open_load import Asker, goodput, median, percentile
from tests.testing.cluster import Cluster
from tests.testing.steady_load import metric, wait_for

FACTOR = 10
STREAMS = 16        # That saturate the cluster.
RECOVERY_S = 30.0   # How long the end of an overload is watched.
CALM = 1.5          # A request that takes so many times the median without load counts as back to it.
PARTS = ("overload", "neighbour", "scaling")


async def _saturate(asker, seconds):
    """(tokens a second, requests a second) of as many streams as the cluster can use."""
    begin = time.monotonic()
    samples = await asker.streams(STREAMS, seconds)
    # The ends of the first and the last requests are not part of the steady state.
    begin, end = begin + 0.2 * seconds, begin + seconds
    done = [sample for sample in samples if sample.code is None and begin <= sample.ended < end]
    return goodput(samples, begin, end), len(done) / (end - begin)


async def _recovery(asker, calm_s):
    """Seconds until a request takes no longer than a calm one, asked one after another; None when none did."""
    begun = time.monotonic()
    while time.monotonic() < begun + RECOVERY_S:
        sample = await asker.ask()
        if sample.code is None and sample.took_s <= CALM * calm_s:
            return sample.begun - begun
        await asyncio.sleep(0.05)
    return None


async def overload(cluster, seconds, seed, patience_s):
    """Ten times as many requests as the cluster can answer, from clients who wait so long."""
    async with Asker(cluster, "crowd", patience_s) as crowd:
        await crowd.streams(STREAMS, 2)
        calm_s = median(sample.took_s for sample in await crowd.streams(1, seconds / 4))
        peak, rate = await _saturate(crowd, seconds)
        begin = time.monotonic()
        arriving = asyncio.ensure_future(crowd.arrivals(FACTOR * rate, seconds, random.Random(f"overload {seed}")))
        await asyncio.sleep(seconds)
        recovery_s = await _recovery(crowd, calm_s)
        samples = await arriving
    good = goodput(samples, begin + 0.2 * seconds, begin + seconds)
    refused = [sample.took_s for sample in samples if sample.refused]
    return {"peak_tokens_per_s": peak, "offered_requests_per_s": FACTOR * rate, "goodput_tokens_per_s": good,
            "goodput_of_peak": good / peak, "requests": len(samples), "answered": sum(sample.code is None for sample in samples),
            "refused": len(refused), "refusal_p99_ms": 1e3 * percentile(refused, 0.99),
            "other_errors": sum(sample.code is not None and not sample.refused for sample in samples), "calm_s": calm_s,
            "recovery_s": recovery_s}


async def _quiet_p99(cluster, rate, factor, seconds, seed, patience_s):
    """(p99 of the time to the whole answer, answers) of a tenant at `rate` beside another one at `factor` times that."""
    async with Asker(cluster, "quiet", 60) as quiet, Asker(cluster, "greedy", patience_s) as greedy:
        samples, _ = await asyncio.gather(quiet.arrivals(rate, seconds, random.Random(f"quiet {seed}")),
                                          greedy.arrivals(factor * rate, seconds, random.Random(f"greedy {seed} {factor}")))
    failed = sum(sample.code is not None for sample in samples)
    return percentile([sample.took_s for sample in samples if sample.code is None], 0.99), len(samples), failed


async def neighbour(cluster, seconds, seed, rounds, patience_s):
    """Two tenants at a quarter of what the cluster can answer each; then one of them at ten times that. In pairs, same arrivals."""
    async with Asker(cluster, "quiet", 60) as asker:
        await asker.streams(STREAMS, 2)
        _, rate = await _saturate(asker, seconds / 2)
    pairs = []
    for number in range(rounds):
        alone, _, failed_alone = await _quiet_p99(cluster, rate / 4, 1, seconds, f"{seed} {number}", patience_s)
        beside, requests, failed = await _quiet_p99(cluster, rate / 4, FACTOR, seconds, f"{seed} {number}", patience_s)
        pairs.append({"p99_s": alone, "p99_beside_greedy_s": beside, "ratio": beside / alone, "requests": requests,
                      "failed": failed_alone + failed})
    return {"rate_requests_per_s": rate / 4, "pairs": pairs, "median_ratio": median(pair["ratio"] for pair in pairs)}


def _settled(cluster, shards):
    placement = cluster.named("placement")[0]
    wait_for(lambda: all(shard.ready() for shard in shards) and metric(placement, "baleen_placement_pending_moves") == 0,
             "experts are still moving")


def _rescale(cluster, seconds):
    """Two more shards, then two fewer; (begin, end) of each time that experts were loaded and of each quiet time between."""
    loading, quiet = [], []

    def rest():
        quiet.append((time.monotonic(), time.monotonic() + seconds))
        time.sleep(seconds)

    rest()
    begun = time.monotonic()
    old = cluster.named("expert")
    new = [cluster.start_expert(index) for index in (2, 3)]
    _settled(cluster, old + new)
    loading.append((begun, time.monotonic()))
    rest()
    begun = time.monotonic()
    for shard in new:
        shard.process.send_signal(signal.SIGTERM)
    for shard in new:
        shard.process.wait(60)
    _settled(cluster, old)
    loading.append((begun, time.monotonic()))
    rest()
    return loading, quiet


async def scaling(cluster, seconds, seed):
    """Shards 2 -> 4 -> 2 under a load that saturates the cluster."""
    async with Asker(cluster, "crowd", 60) as crowd:
        await crowd.streams(STREAMS, 2)
        running = True
        samples = []

        async def stream():
            while running:
                samples.append(await crowd.ask())

        streams = [asyncio.ensure_future(stream()) for _ in range(STREAMS)]
        loading, quiet = await asyncio.get_running_loop().run_in_executor(None, _rescale, cluster, seconds)
        running = False
        await asyncio.gather(*streams)
    rates = [goodput(samples, *span) for span in quiet]
    return {"failed": sum(sample.code is not None for sample in samples), "answered": sum(sample.code is None for sample in samples),
            "tokens_per_s": {"before": rates[0], "four_shards": rates[1], "after": rates[2]},
            "loading_tokens_per_s": [goodput(samples, *span) for span in loading],
            "loading_s": [end - begin for begin, end in loading], "dip": 1 - min(rates[1:]) / rates[0]}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--parts", default=",".join(PARTS))
    parser.add_argument("--seconds", type=float, default=30, help="of each measurement")
    parser.add_argument("--patience", type=float, default=30, help="seconds after which a client of the crowd gives its request up")
    parser.add_argument("--rounds", type=int, default=5, help="pairs of the noisy neighbour")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path(".baleen/overload.json"))
    options = parser.parse_args()
    run = {"overload": lambda cluster: overload(cluster, options.seconds, options.seed, options.patience),
           "neighbour": lambda cluster: neighbour(cluster, options.seconds, options.seed, options.rounds,
                                                    options.patience),
           "scaling": lambda cluster: scaling(cluster, options.seconds, options.seed)}
    parts = options.parts.split(",")
    if unknown := set(parts) - set(PARTS):
        parser.error(f"--parts knows {', '.join(PARTS)}, not {', '.join(sorted(unknown))}")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    result = {"seconds": options.seconds, "patience_s": options.patience, "seed": options.seed}
    for part in parts:
        with Cluster(shards=2, replicas=2, decode=2) as cluster:
            result[part] = asyncio.run(run[part](cluster))
        print(f"{part}: {json.dumps(result[part], indent=1)}", flush=True)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
