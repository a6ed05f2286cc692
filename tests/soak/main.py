"""`make soak`: a steady load on a healthy cluster under Prometheus with the chart's own rules. Prints and writes what was seen; exits 1
when a request failed or its answer differed, an alert fired, or a process grew.
"""

import argparse
import collections
import contextlib
import dataclasses
import json
import pathlib
import signal
import sys
import time

from tests.chaos import harness, leaks
from tests.chaos.load import Load
from tests.chaos.requests import make_requests
from tests.metrics.prometheus import Prometheus
from tests.soak import growth
from tests.testing.cluster import Cluster, http_get
from tests.testing.inference import Client

SAMPLE_S = 5.0
TELL_S = 60.0
KV_MIB = 8
QUANTILES = {"first_token_s": "baleen_time_to_first_token_seconds", "inter_token_s": "baleen_inter_token_latency_seconds"}


@dataclasses.dataclass
class Soak:
    """What was seen, as it is written."""

    minutes: float = 0.0
    requests: int = 0
    failures: list = dataclasses.field(default_factory=list)
    differences: list = dataclasses.field(default_factory=list)
    alerts: dict = dataclasses.field(default_factory=dict)     # Name -> seconds from the start to when it was first seen firing.
    growth: dict = dataclasses.field(default_factory=dict)     # Process -> medians early and late.
    leaked: dict = dataclasses.field(default_factory=dict)     # Process -> files and threads more than before, with nothing running.
    leaked_blocks: int = 0
    latency: dict = dataclasses.field(default_factory=dict)

    def problems(self):
        grown = [f"{name}: {problem}" for name, one in self.growth.items() for problem in one.problems]
        fired = [f"{name} fired after {seconds:.0f} s" for name, seconds in self.alerts.items()]
        leaked = [f"{self.leaked_blocks} KV blocks are left in use"] if self.leaked_blocks else []
        return [*self.failures, *self.differences, *fired, *grown, *leaked]

    def to_json(self):
        return {**dataclasses.asdict(self), "failed": len(self.failures), "differ": len(self.differences), "problems": self.problems()}


def sample_of(metrics):
    """What a process's page of metrics says of its memory and files."""
    samples = (line.rsplit(" ", 1) for line in metrics.splitlines() if line and not line.startswith("#"))
    values = {name: float(value) for name, value in samples}
    memory = values["process_resident_memory_bytes"] - values.get("baleen_kv_cache_touched_bytes", 0)
    return growth.Sample(int(memory), int(values["process_open_fds"]))


def sample(process):
    """Its memory and files, as it says itself."""
    return sample_of(http_get(process.metrics_port, "/metrics", process.host)[1])


def _watch(cluster, prometheus, load, soak, seconds):
    """Until the time is over; the samples of each process."""
    samples = collections.defaultdict(list)
    begin = told = time.monotonic()
    while time.monotonic() - begin < seconds:
        for process in cluster.processes:
            samples[process.name].append(sample(process))
        for name in prometheus.firing():
            soak.alerts.setdefault(name, time.monotonic() - begin)
        if time.monotonic() - told > TELL_S:
            told = time.monotonic()
            minutes = (told - begin) / 60
            print(f"{minutes:.0f} min: {load.done} answered, {len(load.failures)} failed, alerts: {sorted(soak.alerts)}", flush=True)
        time.sleep(SAMPLE_S)
    soak.minutes = (time.monotonic() - begin) / 60
    return samples


def _latency(prometheus, seconds):
    window = f"[{max(60, round(seconds))}s]"
    return {name: {f"p{share}": value for share in (50, 95, 99) for _, value in prometheus.query(
        f"histogram_quantile({share / 100}, sum by (le) (rate({metric}_bucket{window})))")} for name, metric in QUANTILES.items()}


def run(seconds, streams, seed):
    """The Soak."""
    soak = Soak()
    with contextlib.ExitStack() as stack:
        cluster = stack.enter_context(Cluster(shards=2, replicas=2, prefill=1, decode=2, worker_flags=[f"--kv_mib={KV_MIB}"]))
        requests = make_requests(Client(cluster).tokenize, 24, 128, seed)
        expected = {}
        load = Load(cluster, [("127.0.0.1", cluster.rest_port)], requests, expected, streams, seed)
        expected.update(harness.fault_free(load, requests, streams))
        before = leaks.settle(cluster.processes)
        prometheus = stack.enter_context(Prometheus(cluster, hold=None))
        with load:
            samples = _watch(cluster, prometheus, load, soak, seconds)
            soak.latency = _latency(prometheus, seconds)
            if not load.pause():
                load.failures.append("requests never ended")
        soak.requests, soak.failures, soak.differences = load.done, load.failures, load.differences
        soak.leaked, soak.leaked_blocks = leaks.leaked(before, leaks.settle(cluster.processes))
    soak.growth = {name: growth.of(taken) for name, taken in samples.items()}
    return soak


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--streams", type=int, default=4)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path(".baleen/soak.json"))
    options = parser.parse_args()
    # The processes that were started end with this one.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    soak = run(options.minutes * 60, options.streams, options.seed)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(soak.to_json(), indent=1))
    for name, one in soak.growth.items():
        memory = f"{one.early.memory_bytes / 2**20:6.1f} -> {one.late.memory_bytes / 2**20:6.1f} MiB"
        print(f"{name:12} memory {memory}, files {one.early.fds} -> {one.late.fds}")
    outcome = f"{len(soak.failures)} failed, {len(soak.differences)} differ, alerts {soak.alerts}"
    print(f"{soak.minutes:.1f} min, {soak.requests} requests, {outcome}")
    for problem in soak.problems()[:20]:
        print(f"problem: {problem[:300]}")
    return 1 if soak.problems() else 0


if __name__ == "__main__":
    sys.exit(main())
