"""`baleen logs`: the last lines that each process wrote."""

import collections
import pathlib

import state
from errors import UserError


def tail(path, lines):
    """The last lines of a file."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return [line.rstrip("\n") for line in collections.deque(file, maxlen=max(0, lines))]
    except FileNotFoundError:
        return [f"(no log at {path})"]


def run(arguments):
    processes = state.running()
    unknown = set(arguments.ids) - {process.id for process in processes}
    if unknown:
        raise UserError(f"no process {', '.join(sorted(unknown))}; there are {', '.join(process.id for process in processes)}")
    for process in processes:
        if arguments.ids and process.id not in arguments.ids:
            continue
        print(f"==> {process.id} ({pathlib.Path(process.log)}) <==")
        print("\n".join(tail(process.log, arguments.lines)))
    return 0
