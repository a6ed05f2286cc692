"""Processes by identity: a pid alone may belong to somebody else by now."""

import dataclasses
import os
import pathlib
import signal
import subprocess
import time

POLL_S = 0.05


@dataclasses.dataclass
class Process:
    """A process that this command started, and with what. `started` is the kernel's start time of the pid (clock ticks since boot)."""

    role: str
    id: str
    pid: int
    started: int
    port: int
    metrics: int
    rest: int | None
    log: str
    binary: str = ""
    flags: list[str] = dataclasses.field(default_factory=list)

    def alive(self):
        return start_time(self.pid) == self.started

    def signal(self, number):
        """Sends the signal unless the process has ended."""
        if self.alive():
            try:
                os.kill(self.pid, number)
            except ProcessLookupError:
                pass


def start_time(pid):
    """The pid's start time; None when it does not exist or is a zombie."""
    try:
        text = pathlib.Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = text[text.rindex(")") + 2:].split()  # The name before it may hold spaces and brackets.
    return None if fields[0] in "ZX" else int(fields[19])


def start(spec, binary, log):
    """Starts the binary in a session of its own, so that a Ctrl-C in the terminal reaches `up` alone."""
    with open(log, "wb") as out:
        child = subprocess.Popen(
            [str(binary), *spec.flags], stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, start_new_session=True
        )
    started = start_time(child.pid) or 0
    return Process(
        spec.role, spec.id, child.pid, started, spec.port, spec.metrics, spec.rest, str(log), str(binary), list(spec.flags)
    )


def stop(processes, timeout_s, tell=lambda left: None):
    """SIGTERM, then SIGKILL to those still alive after the timeout. Returns the ids that had to be killed."""
    for process in processes:
        process.signal(signal.SIGTERM)
    _wait(processes, timeout_s, tell)
    killed = [process for process in processes if process.alive()]
    for process in killed:
        process.signal(signal.SIGKILL)
    _wait(killed, 5, tell)
    return [process.id for process in killed]


def _wait(processes, timeout_s, tell):
    deadline = time.monotonic() + timeout_s
    left = None
    while time.monotonic() < deadline:
        _reap()
        now_left = [process.id for process in processes if process.alive()]
        if now_left != left:
            left = now_left
            tell(left)
        if not left:
            return
        time.sleep(POLL_S)


def _reap():
    """Collects ended children of this very process (a failed `up` stops what it started)."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass
