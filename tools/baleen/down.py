"""`baleen down`: ends every process that `up` started, and only those."""

import shutil
import sys

import process
import state
from progress import Progress
from settings import weights_directory

# Above the services' own drain timeout of 30 s.
TIMEOUT_S = 40
# Each stage ends before the next is told, so that requests that are being finished still find all they need.
STAGES = (("gateway",), ("prefill", "decode"), ("expert",), ("placement",), ("etcd",))


def stop_all(processes):
    """Stops the processes, clients before servers, and forgets them."""
    killed = []
    with Progress() as progress:
        tell = lambda left: progress.show(f"stopping: {' '.join(left)}" if left else "stopped")  # noqa: E731
        for roles in STAGES:
            killed += process.stop([one for one in processes if one.role in roles], TIMEOUT_S, tell)
    if killed:
        print(f"had to kill after {TIMEOUT_S} s: {' '.join(killed)}", file=sys.stderr)
    shutil.rmtree(weights_directory(), ignore_errors=True)
    state.remove()
    return killed


def run(_arguments):
    with state.changing():
        processes = state.load()
        if not processes:
            print("no cluster is up")
            return 0
        return 1 if stop_all(processes) else 0
