"""What processes hold when nothing runs: KV blocks, running sequences, open files, threads.

Channels are opened when they are first wanted, and stay: use_everything opens those that faults would, so that they count from the start.
"""

import contextlib
import dataclasses
import pathlib
import re
import time
import urllib.error
import urllib.request
import uuid

from tests.testing.cluster import http_get

_SETTLE_S = 40  # Resume windows and idle connections included.
# gRPC's own, by the names of its threads: they grow with the load, up to twice the cores.
_TOLERATED = 10  # Files, or threads, that a process may have more of than before: connections that it had no need of until then.
_POOLS = ("default-executo", "resolver-execut")


@dataclasses.dataclass(frozen=True)
class Holdings:
    kv_blocks: int
    running: float  # Sequences, at workers; requests, at gateways.
    admitted: float  # Sequences, at gateways.
    fds: int
    threads: int  # But for gRPC's pools.


def _metric(text, name):
    return sum(map(float, re.findall(rf"^{name}(?:{{.*}})? (\S+)$", text, re.MULTILINE)))


def _blocks_in_use(process, text):
    """Of its whole pool, whose size it logged at its start."""
    if not process.name.startswith(("prefill", "decode")):
        return 0
    pool = int(re.findall(r'"kv_blocks": ?"?(\d+)', process.log_path.read_text())[-1])
    return round(_metric(text, "baleen_kv_cache_usage_perc") * pool)


def _threads(proc):
    return sum((task / "comm").read_text().strip() not in _POOLS for task in (proc / "task").iterdir())


def _await_leader(cluster):
    placements = cluster.named("placement")
    everybody = len(cluster.processes) - len(placements)
    deadline = time.monotonic() + _SETTLE_S
    while all(_metric(http_get(one.metrics_port, "/metrics", one.host)[1], "baleen_placement_workers") != everybody for one in placements):
        if time.monotonic() > deadline:
            raise RuntimeError(f"no placement leads everybody after {_SETTLE_S} s")
        time.sleep(0.1)


def use_everything(cluster, gateways):
    """Makes every process of the cluster connect to every one that it may ever need: each placement leads once, and each gateway, (host,
    REST port), looks for a request at all decode workers."""
    for placement in cluster.named("placement"):
        placement.process.kill()
        placement.process.wait()
        _await_leader(cluster)
        placement.start()
        cluster.wait_ready(cluster.processes)
    for host, port in gateways:
        unknown = urllib.request.Request(f"http://{host}:{port}/v1/requests/{uuid.uuid4().hex}/events", headers={"last-event-id": "1"})
        with contextlib.suppress(urllib.error.HTTPError):
            urllib.request.urlopen(unknown, timeout=10)


def holdings(process):
    """What it holds now."""
    _, text = http_get(process.metrics_port, "/metrics", process.host)
    proc = pathlib.Path(f"/proc/{process.process.pid}")
    return Holdings(kv_blocks=_blocks_in_use(process, text), running=_metric(text, "baleen_num_requests_running"),
                    admitted=_metric(text, "baleen_admission_running_sequences"),
                    fds=len(list((proc / "fd").iterdir())), threads=_threads(proc))


def settle(processes):
    """{name: Holdings} once no worker holds a block or a sequence, or after a while."""
    deadline = time.monotonic() + _SETTLE_S
    while True:
        held = {process.name: holdings(process) for process in processes}
        if time.monotonic() > deadline or all(one.kv_blocks == one.running == one.admitted == 0 for one in held.values()):
            return held
        time.sleep(0.5)


def leaked(before, after):
    """{name: (file descriptors, threads)} above those before, where there are any, and KV blocks in use."""
    grown = {name: (max(0, after[name].fds - before[name].fds), max(0, after[name].threads - before[name].threads)) for name in before}
    return {name: counts for name, counts in grown.items() if any(counts)}, sum(one.kv_blocks for one in after.values())


def held(grown, after):
    """What processes hold that they should not, but for KV blocks, as lines."""
    running = [f"{name} still runs {one.running:.0f} and has admitted {one.admitted:.0f}" for name, one in after.items()
               if one.running or one.admitted]
    more = [f"{name} holds {fds} files and {threads} threads more than before" for name, (fds, threads) in grown.items()
            if max(fds, threads) > _TOLERATED]
    return running + more


def remote_prefills(cluster):
    """Prompts that decode workers had filled elsewhere since they last started."""
    return sum(_metric(http_get(process.metrics_port, "/metrics", process.host)[1], "baleen_remote_prefills_total")
               for process in cluster.named("decode"))
