"""Faults against a live cluster under load, one after another; a table of what each did."""

import concurrent.futures
import dataclasses
import random
import statistics
import time

from tests.chaos import faults
from tests.chaos.load import Load, Stream, make_requests
from tests.testing.cluster import Cluster
from tests.testing.inference import Client

PHASE_TIMEOUT_S = 30
SETTLE_S = 1.0  # Between the cluster's readiness and the next fault.


@dataclasses.dataclass
class Settings:
    seed: int
    streams: int = 8
    requests: int = 24
    max_tokens: int = 256
    faults: int | None = None   # Stop after so many,
    seconds: float | None = None  # or after so long.


@dataclasses.dataclass
class Strike:
    """One fault and what the streams saw until the next one."""

    fault: str
    stall_ms: float     # Longest gap from the fault on, over the longest one in the quiet time before it.
    quiet_gap_ms: float
    failures: list[str]
    differences: list[str]


def fault_free(cluster, requests, streams):
    """The answers to compare with, from a cluster that nobody disturbs."""
    client = Client(cluster)
    with concurrent.futures.ThreadPoolExecutor(streams) as pool:
        return list(pool.map(lambda request: Stream(client, request).run(timeout_s=120), requests))


def new_cluster():
    """Two of each worker and two copies of each expert, so that every single death has somebody left."""
    return Cluster(shards=2, replicas=2, prefill=2, decode=2, worker_flags=["--local_prefill_tokens=32", "--prefill_chunk=32"])


def run(settings, tell=lambda strike: None):
    """Runs the faults that the seed draws; `tell` hears of each when it is over. Returns the list of Strikes and the requests done."""
    with new_cluster() as cluster:
        requests = make_requests(Client(cluster), settings.requests, settings.max_tokens, settings.seed)
        expected = fault_free(cluster, requests, settings.streams)
    strikes = []
    with new_cluster() as cluster, Load(cluster, requests, expected, settings.streams, settings.seed) as load:
        rng = random.Random(f"victims {settings.seed}")
        end = None if settings.seconds is None else time.monotonic() + settings.seconds
        for fault in faults.draw(settings.seed):
            if len(strikes) == settings.faults or (end is not None and time.monotonic() > end):
                break
            strikes.append(_strike(cluster, load, fault, rng))
            tell(strikes[-1])
    # Requests that were under way when the last fault was judged belong to it.
    _judge(load, strikes[-1])
    return strikes, load.done


def _strike(cluster, load, fault, rng):
    quiet_begin = time.monotonic()
    time.sleep(SETTLE_S)
    load.wait_for(fault.strikes_at, PHASE_TIMEOUT_S)
    struck = time.monotonic()
    bring_back, after_s = faults.strike(fault, rng.choice(cluster.named(fault.role)))
    time.sleep(after_s)
    bring_back()
    cluster.wait_ready(cluster.processes)
    time.sleep(SETTLE_S)
    quiet = load.longest_gap(quiet_begin, struck)
    strike = Strike(str(fault), 0.0, quiet * 1e3, [], [])
    strike.stall_ms = max(0.0, load.longest_gap(struck, time.monotonic()) - quiet) * 1e3
    _judge(load, strike)
    return strike


def _judge(load, strike):
    strike.failures += load.failures
    strike.differences += load.differences
    load.failures, load.differences = [], []


def table(strikes):
    """Lines, one a kind of fault and role: faults, failed requests, answers that differ, median and worst stall."""
    rows = {}
    for strike in strikes:
        rows.setdefault(strike.fault.rpartition(" at ")[0], []).append(strike)
    lines = [f"{'fault':22} {'count':>5} {'failed':>6} {'differ':>6} {'stall ms: median':>16} {'worst':>7}"]
    for name, group in sorted(rows.items()):
        stalls = [strike.stall_ms for strike in group]
        failed, differ = (sum(len(getattr(strike, kind)) for strike in group) for kind in ("failures", "differences"))
        lines.append(f"{name:22} {len(group):5} {failed:6} {differ:6} {statistics.median(stalls):16.0f} {max(stalls):7.0f}")
    return lines
