"""`baleen drain`: lets processes hand over their work and leave."""

import sys

import process
import remote
import remote_change
import state
import topology
from errors import UserError
from progress import Progress

# Above the expert shards' own.
TIMEOUT_S = topology.DRAIN_S + 10


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


def _refuse_too_few(processes, leaving):
    """Who left is not started again. The next death of a shard would take somebody's only copy; decode workers that all leave at once
    would hand their sequences to each other."""
    for role, least, why in (("expert", topology.copies(processes), "the copies of each expert"), ("decode", 1, "requests need one")):
        there = [one for one in processes if one.role == role and one.alive()]
        going = [one for one in there if one in leaving]
        left = len(there) - len(going)
        if going and left < least:
            raise UserError(f"{', '.join(one.id for one in going)}: would leave {role}={left}, expected {least} at least ({why}); "
                            f"start others first: baleen scale {role}={least + len(going)}")


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
        leaving = [by_id[name] for name in arguments.ids]
        _refuse_too_few(processes, leaving)
        return 1 if leave(processes, leaving) else 0
