"""What processes hold when nothing runs: KV blocks, running sequences, open files, threads."""

import dataclasses
import pathlib
import re
import time

from tests.testing.cluster import http_get

_SETTLE_S = 40  # Resume windows and idle connections included.


@dataclasses.dataclass(frozen=True)
class Holdings:
    kv_blocks: int
    running: float
    fds: int
    threads: int


def _metric(text, name):
    return sum(map(float, re.findall(rf"^{name}(?:{{.*}})? (\S+)$", text, re.MULTILINE)))


def _blocks_in_use(process, text):
    """Of its whole pool, whose size it logged at its start."""
    if not process.name.startswith(("prefill", "decode")):
        return 0
    pool = int(re.findall(r'"kv_blocks": ?"?(\d+)', process.log_path.read_text())[-1])
    return round(_metric(text, "baleen_kv_cache_usage_perc") * pool)


def holdings(process):
    """What it holds now."""
    _, text = http_get(process.metrics_port, "/metrics", process.host)
    proc = pathlib.Path(f"/proc/{process.process.pid}")
    return Holdings(kv_blocks=_blocks_in_use(process, text), running=_metric(text, "baleen_num_requests_running"),
                    fds=len(list((proc / "fd").iterdir())), threads=len(list((proc / "task").iterdir())))


def settle(processes):
    """{name: Holdings} once no worker holds a block or a sequence, or after a while."""
    deadline = time.monotonic() + _SETTLE_S
    while True:
        held = {process.name: holdings(process) for process in processes}
        if time.monotonic() > deadline or all(one.kv_blocks == 0 and one.running == 0 for one in held.values()):
            return held
        time.sleep(0.5)


def leaked(before, after):
    """{name: (file descriptors, threads)} above those before, where there are any, and KV blocks in use."""
    grown = {name: (max(0, after[name].fds - before[name].fds), max(0, after[name].threads - before[name].threads)) for name in before}
    return {name: counts for name, counts in grown.items() if any(counts)}, sum(one.kv_blocks for one in after.values())
