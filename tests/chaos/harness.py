"""Faults against a live cluster under load, one after another; a table of what each did."""

import concurrent.futures
import contextlib
import dataclasses
import pathlib
import random
import shutil
import statistics
import sys
import time

from tests.chaos import alerts, faults, leaks, pauses
from tests.chaos.faults import ETCD_S
from tests.chaos.load import Load
from tests.chaos.requests import make_requests
from tests.testing.cluster import Cluster
from tests.testing.etcd import Etcd
from tests.testing.fabric import Fabric
from tests.testing.inference import Client

PHASE_TIMEOUT_S = 30
MOVE_TIMEOUT_S = 30
SETTLE_S = 1.0  # Between the cluster's readiness and the next fault.
SLOW_SHARD = "expert-1"


@dataclasses.dataclass
class Settings:
    seed: int
    streams: int = 8
    requests: int = 24
    max_tokens: int = 256
    faults: int | None = None   # Stop after so many,
    seconds: float | None = None  # or after so long.
    mtp: bool = False
    transport: str = "grpc"  # Between workers.
    alerts: bool = False  # In the end, faults that stay until their alerts fire.
    etcd_s: float = ETCD_S  # How long etcd is gone.
    only: str = ""  # Faults whose name has this in it.
    logs: pathlib.Path | None = None  # Where the processes' logs are kept.


@dataclasses.dataclass
class Strike:
    """One fault and what the streams saw until the next one."""

    fault: str
    row: str
    victim: str
    in_phase: bool      # A stream was at the fault's phase.
    stall_ms: float     # Longest pause between tokens from the fault on, over the longest one in the quiet time before it.
    quiet_gap_ms: float
    stalled: str        # The request with that pause, and when it began and ended, in seconds from the fault on.
    first_token_ms: float  # Longest wait for a first token from the fault on, over the longest one without faults.
    failures: list[str]
    differences: list[str]


@dataclasses.dataclass
class Outcome:
    strikes: list[Strike]
    requests: int = 0
    compared: int = 0       # Of them, token by token; those without a seed draw their own.
    leaked_blocks: int = 0  # Of KV.
    held: list = dataclasses.field(default_factory=list)  # What else processes still held when nothing ran any more, as lines.
    first_token_s: float = 0.0  # The longest wait for one when all streams begin at once, without faults.
    remote_prefills: float = 0  # At decode workers, since they last started.
    grown: dict = dataclasses.field(default_factory=dict)  # {process: (file descriptors, threads) more than before the faults}
    false_ready_s: float = 0.0
    with_fabric: bool = False
    alerts: dict = dataclasses.field(default_factory=dict)  # {act: {alert: seconds until it fired, or None}}

    def problems(self):
        leaked = [f"{self.leaked_blocks} KV blocks leaked"] if self.leaked_blocks else []
        struck = [problem for strike in self.strikes for problem in strike.failures + strike.differences]
        missed = [f"{strike.fault}: no stream came there in {PHASE_TIMEOUT_S} s" for strike in self.strikes if not strike.in_phase]
        unfilled = [] if self.remote_prefills else ["no prompt was filled by a prefill worker"]
        return struck + missed + unfilled + alerts.silent(self.alerts) + leaked + self.held


class ChaosCluster:
    """Two placements on etcd, two of each worker, two copies of each expert, three gateways, so that every single death has somebody left.

    The first gateway is for calls that cannot be resumed and is never struck. One shard stands behind a proxy that can be slow. Prefill
    workers take small chunks, so that faults find them at work.
    """

    def __init__(self, fabric, settings):
        self._stack = contextlib.ExitStack()
        self._fabric, self._settings = fabric, settings
        self._max_num_seqs = max(16, 2 * settings.streams)  # One worker has room for all, with two choices each.
        self._random = random.Random(f"victims {settings.seed}")

    def __enter__(self):
        with contextlib.ExitStack() as stack:
            place = self._fabric.place if self._fabric else lambda name: ("127.0.0.1", [])
            self.etcd = stack.enter_context(Etcd(place("etcd")))
            self.etcd.name = "etcd"
            flags = ["--local_prefill_tokens=32", f"--max_num_seqs={self._max_num_seqs}",
                     *(["--mtp"] if self._settings.mtp else [])]
            self.cluster = stack.enter_context(
                Cluster(shards=2, replicas=2, prefill=2, decode=2, placements=2, etcd=self.etcd.address, worker_flags=flags,
                        transport=self._settings.transport, fabric=self._fabric, proxied=(SLOW_SHARD,),
                        own_flags=lambda name: ["--prefill_chunk=32"] if name.startswith("prefill") else []))
            more = [self.cluster.start_gateway() for _ in range(2)]
            self.cluster.wait_ready([process for process, _ in more])
            self.gateways = [(process.host, port) for process, port in more]
            self._victims = {"gateway": [process for process, _ in more], "etcd": [self.etcd]}
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *details):
        return self._stack.__exit__(*details)

    def strike(self, fault):
        """Does it to a process. Returns the process's name, a function that brings it back, and after how many seconds to call that."""
        if fault.kind == "slow":
            victims = self.cluster.named(SLOW_SHARD)
        else:
            victims = self._victims.get(fault.role) or self.cluster.named(fault.role)
        victim = self._random.choice(victims)
        return victim.name, *faults.strike(fault, victim, self._fabric, self._settings.etcd_s)


@contextlib.contextmanager
def _fabric(transport):
    """A Fabric, or None where there are no namespaces to be had, or shared memory does not reach out of them: then said, and faults that
    need them are left out."""
    if transport != "grpc":
        print(f"chaos: no partitions and resets over {transport}", file=sys.stderr, flush=True)
        yield None
        return
    fabric = Fabric()
    try:
        fabric.__enter__()
    except OSError as error:
        print(f"chaos: no partitions and resets: {error}", file=sys.stderr, flush=True)
        yield None
        return
    try:
        yield fabric
    finally:
        fabric.__exit__()


def fault_free(load, requests, streams):
    """{(way, index): answer} of a cluster that nobody disturbs, by gRPC and by REST."""
    client = Client(load.cluster)
    jobs = [(way, index) for way in ("grpc", "rest") for index in range(len(requests))]
    with concurrent.futures.ThreadPoolExecutor(streams) as pool:
        return dict(zip(jobs, pool.map(lambda job: load.ask(job[0], client, job[1], 0), jobs)))


def run(settings, tell=lambda strike: None):
    """Runs the faults that the seed draws; `tell` hears of each when it is over. Returns the Outcome."""
    with contextlib.ExitStack() as stack:
        fabric = stack.enter_context(_fabric(settings.transport))
        drawn = faults.draw(settings.seed, fabric is not None, settings.only)  # Before minutes are spent on a cluster.
        chaos = stack.enter_context(ChaosCluster(fabric, settings))
        requests = make_requests(Client(chaos.cluster).tokenize, settings.requests, settings.max_tokens, settings.seed)
        expected = {}
        load = Load(chaos.cluster, chaos.gateways, requests, expected, settings.streams, settings.seed)
        begun = time.monotonic()
        expected.update(fault_free(load, requests, settings.streams))
        first_token_s, _, _ = load.pauses.longest(pauses.FIRST, begun, time.monotonic())
        leaks.use_everything(chaos.cluster, chaos.gateways)
        before = leaks.settle(chaos.cluster.processes)
        outcome = Outcome([], with_fabric=fabric is not None, first_token_s=first_token_s)
        with load:
            _strike_all(drawn, chaos, load, settings, outcome, tell)
            if settings.alerts:
                outcome.alerts = alerts.prove(chaos.cluster, load)
            if not load.pause():
                load.failures.append("requests never ended")
        # Requests that were under way when the last fault was judged belong to it.
        _judge(load, outcome.strikes[-1])
        outcome.requests, outcome.compared, outcome.false_ready_s = load.done, load.compared, load.false_ready_s
        after = leaks.settle(chaos.cluster.processes)
        outcome.grown, outcome.leaked_blocks = leaks.leaked(before, after)
        outcome.held = leaks.held(outcome.grown, after)
        outcome.remote_prefills = leaks.remote_prefills(chaos.cluster)
        if settings.logs:
            shutil.copytree(chaos.cluster.logs.name, settings.logs, dirs_exist_ok=True)
    return outcome


def _strike_all(drawn, chaos, load, settings, outcome, tell):
    end = None if settings.seconds is None else time.monotonic() + settings.seconds
    for fault in drawn:
        if len(outcome.strikes) == settings.faults or (end is not None and time.monotonic() > end):
            return
        outcome.strikes.append(_strike(chaos, load, fault, outcome.first_token_s))
        tell(outcome.strikes[-1])


def _strike(chaos, load, fault, first_token_s):
    quiet_begin = time.monotonic()
    time.sleep(SETTLE_S)
    in_phase = load.wait_for(fault.strikes_at, PHASE_TIMEOUT_S)
    if fault.phase == "kv transfer":
        time.sleep(load.prefill_s / 2)  # Rows are pushed from the first chunk's first layer on.
    struck = time.monotonic()
    load.gateways_may_end = fault.role == "gateway"
    victim, bring_back, after_s = chaos.strike(fault)
    time.sleep(after_s)
    bring_back()
    chaos.cluster.wait_ready(chaos.cluster.processes)
    time.sleep(SETTLE_S)
    # Until then a stall may still be this fault's.
    load.pauses.all_moved(time.monotonic(), MOVE_TIMEOUT_S)
    load.gateways_may_end = False
    quiet, _, _ = load.pauses.longest(pauses.NEXT, quiet_begin, struck)
    gap, ended, request = load.pauses.longest(pauses.NEXT, struck, time.monotonic())
    first, _, _ = load.pauses.longest(pauses.FIRST, struck, time.monotonic())
    quiet_first, _, _ = load.pauses.longest(pauses.FIRST, quiet_begin, struck)
    strike = Strike(str(fault), fault.row, victim, in_phase, max(0.0, gap - quiet) * 1e3, quiet * 1e3,
                    f"{request}, {ended - gap - struck:.2f} to {ended - struck:.2f} s",
                    max(0.0, first - max(first_token_s, quiet_first)) * 1e3, [], [])
    _judge(load, strike)
    return strike


def _judge(load, strike):
    failures, differences = load.take_problems()
    strike.failures += failures
    strike.differences += differences


def table(strikes):
    """Lines, one a kind of fault and role: faults, failed requests, answers that differ, median and worst stall, between tokens and
    before the first one."""
    rows = {}
    for strike in strikes:
        rows.setdefault(strike.row, []).append(strike)
    lines = [f"{'fault':22} {'count':>5} {'failed':>6} {'differ':>6} {'stall ms: median':>16} {'worst':>7} "
             f"{'first token: median':>19} {'worst':>7}"]
    for name, group in sorted(rows.items()):
        stalls, firsts = [strike.stall_ms for strike in group], [strike.first_token_ms for strike in group]
        failed, differ = (sum(len(getattr(strike, kind)) for strike in group) for kind in ("failures", "differences"))
        lines.append(f"{name:22} {len(group):5} {failed:6} {differ:6} {statistics.median(stalls):16.0f} {max(stalls):7.0f} "
                     f"{statistics.median(firsts):19.0f} {max(firsts):7.0f}")
    return lines
