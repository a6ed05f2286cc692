"""`baleen up`: starts the cluster in the background and waits until it would answer."""

import os
import time

import down
import logs
import ports
import process
import settings
import state
import topology
from errors import UserError
from http_get import not_ready
from progress import Progress

POLL_S = 0.2
LOG_LINES = 15


def _refuse_when_up():
    left = [running.id for running in state.load() if running.alive()]
    if left:
        raise UserError(f"a cluster is up already ({', '.join(left)}); 'make down' stops it")
    state.remove()


def _check(specs, binaries):
    for path in sorted({spec.binary for spec in specs}):
        if not os.access(binaries / path, os.X_OK):
            raise UserError(f"{binaries / path} is not built; run 'make build'")
    for spec in specs:
        if spec.rest is not None:
            ports.check_free(spec.rest, f"REST of {spec.id}")
        ports.check_free(spec.port, f"gRPC of {spec.id}")
        ports.check_free(spec.metrics, f"metrics of {spec.id}")


def _start(specs, binaries):
    """Starts all, recording each at once so that nothing is lost when this command is ended midway."""
    logs_directory = settings.directory() / "logs"
    logs_directory.mkdir(parents=True, exist_ok=True)
    for old in logs_directory.glob("*.log"):
        old.unlink()
    started = []
    for spec in reversed(specs):  # Placement first: the others look for it.
        started.insert(0, process.start(spec, binaries / spec.binary, logs_directory / f"{spec.id}.log"))
        state.save(started)
    return started


def _fail(reason, culprit):
    tail = "\n".join(f"  {line}" for line in logs.tail(culprit.log, LOG_LINES))
    raise UserError(f"{culprit.id} {reason}; the end of its log ({culprit.log}):\n{tail}")


def _wait_ready(processes, timeout_s):
    begin = time.monotonic()
    with Progress() as progress:
        while True:
            dead = next((one for one in processes if not one.alive()), None)
            if dead:
                _fail("died", dead)
            waiting = [(one, reason) for one in processes if (reason := not_ready(one)) is not None]
            seconds = time.monotonic() - begin
            text = f"ready: {len(processes) - len(waiting)} of {len(processes)}"
            if waiting:
                text += f", waiting for {waiting[-1][0].id}"
            progress.show(text, f" {seconds:.0f} s")
            if not waiting:
                return
            if seconds > timeout_s:
                _fail(f"is not ready after {timeout_s} s ({waiting[-1][1]})", waiting[-1][0])
            time.sleep(POLL_S)


def run(_arguments):
    wanted = settings.read()
    timeout_s = int(os.environ.get("UP_TIMEOUT_S") or 300)
    _refuse_when_up()
    chosen = ports.Ports(wanted.port_base)
    try:
        specs = topology.plan(wanted, chosen)
    finally:
        chosen.release()
    binaries = settings.binaries()
    _check(specs, binaries)
    try:
        processes = _start(specs, binaries)
        _wait_ready(processes, timeout_s)
    except BaseException:
        down.stop_all(state.load())
        raise
    for gateway in (one for one in processes if one.rest is not None):
        print(f"REST on http://{ports.HOST}:{gateway.rest}, gRPC on {ports.HOST}:{gateway.port}")
    return 0
