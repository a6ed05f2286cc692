"""`baleen drain`: lets processes hand over their work and leave."""

import sys

import process
import remote
import remote_change
import state
from errors import UserError
from progress import Progress
from topology import DRAIN_S

# Above the expert shards' own.
TIMEOUT_S = DRAIN_S + 10


def leave(processes, leaving):
    """SIGTERM tells a process to hand over and end; the rest of the cluster's record stays. Returns the ids that had to be killed."""
    with Progress() as progress:
        killed = process.stop(leaving, TIMEOUT_S, lambda left: progress.show(f"leaving: {' '.join(left)}" if left else "left"))
    gone = {one.id for one in leaving}
    processes[:] = [one for one in processes if one.id not in gone]
    state.save(processes)
    if killed:
        print(f"had to kill after {TIMEOUT_S} s: {' '.join(killed)}", file=sys.stderr)
    return killed


def run(arguments):
    """0 when all left by themselves."""
    if remote.is_remote(arguments):
        return remote_change.drain(arguments)
    with state.changing():
        processes = state.running()
        by_id = {one.id: one for one in processes}
        unknown = [name for name in arguments.ids if name not in by_id]
        if unknown:
            raise UserError(f"no process {', '.join(unknown)}; there are {', '.join(by_id)}")
        return 1 if leave(processes, [by_id[name] for name in arguments.ids]) else 0
