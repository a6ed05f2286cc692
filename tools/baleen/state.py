"""What is running, in one file: written by `up`, `scale` and `drain`, read by all, removed by `down`."""

import contextlib
import dataclasses
import fcntl
import json
import os
import sys

from errors import UserError
from process import Process
from settings import directory

VERSION = 2


def _path():
    return directory() / "state.json"


def load():
    """The recorded processes; empty when no cluster was started."""
    try:
        document = json.loads(_path().read_text())
        if document["version"] != VERSION:
            raise ValueError(f"version {document['version']}")
        return [Process(**entry) for entry in document["processes"]]
    except FileNotFoundError:
        return []
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(f"{_path()} is not readable ({error}); end its processes by hand and remove it") from None


def running():
    """The processes; UserError when there are none."""
    processes = load()
    if not processes:
        raise UserError("no cluster is up; start one with 'make up'")
    return processes


@contextlib.contextmanager
def changing():
    """What is read and saved within belongs together: other commands that change a running cluster wait for its end."""
    directory().mkdir(parents=True, exist_ok=True)
    with open(directory() / "state.lock", "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("waiting for another command that changes the cluster", file=sys.stderr, flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def save(processes):
    """Replaces the file in one step."""
    directory().mkdir(parents=True, exist_ok=True)
    temporary = _path().with_suffix(".new")
    temporary.write_text(json.dumps({"version": VERSION, "processes": [dataclasses.asdict(process) for process in processes]}, indent=1))
    os.replace(temporary, _path())


def remove():
    """Forgets the processes; logs stay until the next start."""
    _path().unlink(missing_ok=True)
