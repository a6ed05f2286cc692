"""`make overload`: too much load, a greedy neighbour, slow readers, clients that leave, shards that come and go.

Prints figures, writes JSON. The load runs on the same machine as the cluster and takes its share of it.
"""

import argparse
import json
import os
import pathlib
import signal
import sys
import tempfile
import time
import urllib.request

from tests.chaos.disconnects import disconnects
from tests.chaos.open_load import TOKENS, Asker, goodput, median, percentile
from tests.chaos.slow_readers import slow_readers
from tests.testing.cluster import Cluster
from tests.testing.steady_load import metric, wait_for
from tests.testing.tenants import new_key, write_tenants

FACTOR = 10
STREAMS = 16              # That warm the cluster up.
LOADS = (8, 16, 32, 64)   # Streams, among which the peak is looked for.
RECOVERY_S = 30.0         # How long the end of an overload is watched.
CALM = 1.5                # A request that takes so many times the median without load counts as back to it.
HOUR_S = 3600             # Longer than streams run that are stopped.
BURST = 8                 # Requests of a limited tenant that may come at once.


class CpuUse:
    """`cluster_s`: seconds of CPU that the cluster's processes use while the context lasts."""

    def __init__(self, cluster):
        self._cluster = cluster

    def _cluster_s(self):
        ticks = 0
        for process in self._cluster.processes:
            fields = pathlib.Path(f"/proc/{process.process.pid}/stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK")

    def __enter__(self):
        self._begun = self._cluster_s()
        return self

    def __exit__(self, *_):
        self.cluster_s = self._cluster_s() - self._begun


def _peak(cluster, asker, seconds, counts=LOADS):
    """(tokens a second, streams, tokens per second of the cluster's CPU) of the best of `counts`, and {streams: tokens a second} of all."""
    best, loads = (0, 0, 0), {}
    for streams in counts:
        with CpuUse(cluster) as cpu:
            begin = time.monotonic()
            samples = asker.streams(streams, seconds).samples()
        # Without the ends of the first and the last requests.
        loads[streams] = goodput(samples, begin + 0.2 * seconds, begin + seconds)
        best = max(best, (loads[streams], streams, sum(sample.tokens for sample in samples) / cpu.cluster_s))
    return best, loads


def _recovery(asker, calm_s):
    """Seconds until a request takes no longer than a calm one, asked one after another; None when none did."""
    begun = time.monotonic()
    while time.monotonic() < begun + RECOVERY_S:
        sample = asker.ask()
        if sample.answered and sample.took_s <= CALM * calm_s:
            return sample.begun - begun
        time.sleep(0.05)
    return None


def overload(cluster, seconds, seed, objective_s):
    """Ten times as many requests as the cluster answers at its best; only those count that are answered in full within the objective.

    The peak is the mean of one before and one after, since machines change their speed within minutes.
    """
    crowd = Asker(cluster, "crowd", objective_s)
    crowd.streams(STREAMS, 2).samples()
    calm_s = median(sample.took_s for sample in crowd.streams(1, min(seconds / 4, 10)).samples())
    (before, streams, before_per_cpu), loads = _peak(cluster, crowd, min(seconds, 20))
    rate = before / TOKENS
    begin = time.monotonic()
    with crowd.arrivals(FACTOR * rate, seconds, f"overload {seed}") as arriving:
        with CpuUse(cluster) as cpu:
            time.sleep(seconds)
        recovery_s = _recovery(crowd, calm_s)
        samples = arriving.samples()
    (after, _, after_per_cpu), _ = _peak(cluster, crowd, min(seconds, 20), [streams])
    peak, peak_per_cpu = (before + after) / 2, (before_per_cpu + after_per_cpu) / 2
    good = goodput(samples, begin + 0.2 * seconds, begin + seconds)
    good_per_cpu = goodput(samples, begin, begin + seconds) * seconds / cpu.cluster_s
    refused = [sample for sample in samples if sample.refused]
    return {"objective_s": objective_s, "tokens_per_s_by_streams": loads, "peak_tokens_per_s": {"before": before, "after": after},
            "peak_streams": streams,
            "offered_requests_per_s": FACTOR * rate, "goodput_tokens_per_s": good, "goodput_of_peak": good / peak,
            "goodput_of_peak_per_cpu": good_per_cpu / peak_per_cpu,
            "requests": len(samples), "answered": sum(sample.answered for sample in samples), "refused": len(refused),
            "refused_without_retry_after": sum(sample.retry_after is None for sample in refused),
            "refusal_p99_ms_at_the_client": 1e3 * percentile([sample.took_s for sample in refused], 0.99),
            "neither": sum(not sample.answered and not sample.refused for sample in samples), "calm_s": calm_s,
            "answer_p99_s": percentile([sample.took_s for sample in samples if sample.answered], 0.99),
            "recovery_s": recovery_s, "cpu_s": {"cluster": cpu.cluster_s, "load": arriving.cpu_s}}


class TwoTenants:
    """A tenants file of two, of whom the greedy one is limited once `limit` was called."""

    NAMES = ("quiet", "greedy")

    def __init__(self, directory):
        self.file = pathlib.Path(directory) / "tenants.json"
        self._keys = {name: new_key() for name in self.NAMES}
        self._write({})

    def asker(self, cluster, name, patience_s):
        return Asker(cluster, self._keys[name][0], patience_s)

    def limit(self, cluster, rate):
        """The greedy one to `rate` requests a second; returns when the gateway keeps to it."""
        per_min = max(1, round(60 * rate))
        self._write({"requests_per_min": per_min, "requests_burst": min(per_min, BURST)})
        models = urllib.request.Request(f"http://{cluster.gateway.host}:{cluster.rest_port}/v1/models",
                                        headers={"Authorization": f"Bearer {self._keys['greedy'][0]}"})
        wait_for(lambda: urllib.request.urlopen(models, timeout=5).headers["x-ratelimit-limit-requests"] == str(per_min),
                 "the limit is not in force")

    def _write(self, greedy_limits):
        limits = {"quiet": {}, "greedy": greedy_limits}
        tenants = [{"name": name, "keys": [entry], **limits[name]} for name, (_, entry) in self._keys.items()]
        write_tenants(self.file, tenants)


def _quiet(cluster, tenants, rate, factor, seconds, seed, objective_s):
    """What a tenant at `rate` sees beside another one at `factor` times that."""
    quiet, greedy = tenants.asker(cluster, "quiet", 60), tenants.asker(cluster, "greedy", objective_s)
    with (quiet.arrivals(rate, seconds, f"quiet {seed}") as own,
          greedy.arrivals(factor * rate, seconds, f"greedy {seed} {factor}") as beside):
        samples, others = own.samples(), beside.samples()
    answered = [sample for sample in samples if sample.answered]
    return {"requests": len(samples), "failed": len(samples) - len(answered),
            "first_token_p99_s": percentile([sample.first_s for sample in answered], 0.99),
            "p50_s": percentile([sample.took_s for sample in answered], 0.5),
            "p99_s": percentile([sample.took_s for sample in answered], 0.99),
            "neighbour": {"requests": len(others), "refused": sum(sample.refused for sample in others)}}


def _pairs(cluster, tenants, rate, seconds, seed, rounds, objective_s):
    """Two tenants at `rate`, then one of them at ten times that, the other one's arrivals the same; the median of the ratios of its p99."""
    pairs = []
    for number in range(rounds):
        normal = _quiet(cluster, tenants, rate, 1, seconds, f"{seed} {number}", objective_s)
        beside = _quiet(cluster, tenants, rate, FACTOR, seconds, f"{seed} {number}", objective_s)
        pairs.append({"normal": normal, "beside_greedy": beside})
        print(json.dumps(pairs[-1]), flush=True)

    def ratio(name):
        return median(pair["beside_greedy"][name] / pair["normal"][name] for pair in pairs)

    return {"pairs": pairs, "median_ratio_p99": ratio("p99_s"), "median_ratio_first_token_p99": ratio("first_token_p99_s")}


def neighbour(cluster, tenants, normal, seconds, seed, rounds, objective_s):
    """Two tenants who ask for `normal` of the peak each, so that the cluster is busy and keeps up; then one of them for ten times that.

    First without limits, so that the greedy one may have what the other does not use; then with a limit at its normal load.
    """
    asker = tenants.asker(cluster, "quiet", objective_s)
    asker.streams(STREAMS, 2).samples()
    (peak, _, _), _ = _peak(cluster, asker, min(seconds / 2, 10))
    rate = normal * peak / TOKENS
    unlimited = _pairs(cluster, tenants, rate, seconds, seed, rounds, objective_s)
    tenants.limit(cluster, rate)
    limited = _pairs(cluster, tenants, rate, seconds, seed, rounds, objective_s)
    return {"normal_of_peak": normal, "rate_requests_per_s": rate, "unlimited": unlimited, "limited": limited}


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


def scaling(cluster, seconds, seed):
    """Shards 2 -> 4 -> 2 under a load that saturates the cluster. The dip is below the mean before and after, as with peaks."""
    crowd = Asker(cluster, "crowd", 60)
    crowd.streams(STREAMS, 2).samples()
    (_, streams, _), _ = _peak(cluster, crowd, min(seconds, 10))
    with crowd.streams(streams, HOUR_S) as run:
        loading, quiet = _rescale(cluster, seconds)
        run.stop()
        samples = run.samples()
    rates = [goodput(samples, *span) for span in quiet]
    return {"streams": streams, "failed": sum(not sample.answered for sample in samples),
            "answered": sum(sample.answered for sample in samples),
            "tokens_per_s": {"before": rates[0], "four_shards": rates[1], "after": rates[2]},
            "loading_tokens_per_s": [goodput(samples, *span) for span in loading],
            "loading_s": [end - begin for begin, end in loading], "dip": 1 - 2 * rates[1] / (rates[0] + rates[2])}


def _cluster(**options):
    return Cluster(shards=2, replicas=2, decode=2, **options)


def run_overload(options):
    with _cluster() as cluster:
        return overload(cluster, options.seconds, options.seed, options.objective)


def run_neighbour(options):
    with tempfile.TemporaryDirectory() as directory:
        tenants = TwoTenants(directory)
        with _cluster(gateway_flags=[f"--tenants={tenants.file}"]) as cluster:
            return neighbour(cluster, tenants, options.normal, options.seconds, options.seed, options.rounds, options.objective)


def run_slow_readers(options):
    with _cluster() as cluster:
        return slow_readers(cluster, Asker(cluster, "crowd", options.objective), options.seconds)


def run_disconnects(options):
    with _cluster() as cluster:
        return disconnects(cluster, options.seed)


def run_scaling(options):
    with _cluster() as cluster:
        return scaling(cluster, options.seconds, options.seed)


PARTS = {"overload": run_overload, "neighbour": run_neighbour, "slow_readers": run_slow_readers, "disconnects": run_disconnects,
         "scaling": run_scaling}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--parts", default=",".join(PARTS))
    parser.add_argument("--seconds", type=float, default=30, help="of each measurement")
    parser.add_argument("--objective", type=float, default=10, help="seconds within which a request has to be answered in full")
    parser.add_argument("--rounds", type=int, default=5, help="pairs of the noisy neighbour")
    parser.add_argument("--normal", type=float, default=0.4, help="of the peak, what each of two neighbours asks for")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path(".baleen/overload.json"))
    options = parser.parse_args()
    parts = options.parts.split(",")
    if unknown := set(parts) - set(PARTS):
        parser.error(f"--parts knows {', '.join(PARTS)}, not {', '.join(sorted(unknown))}")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    result = {"seconds": options.seconds, "objective_s": options.objective, "seed": options.seed}
    for part in parts:
        result[part] = PARTS[part](options)
        print(f"{part}: {json.dumps(result[part], indent=1)}", flush=True)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
