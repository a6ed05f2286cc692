"""`baleen up`: starts the cluster in the background and waits until it would answer."""

import os
import shutil

import certs
import down
import gpu
import ports
import process
import request_trace
import settings
import state
import topology
from errors import UserError
from waiting import up_timeout_s, wait_ready


def _refuse_when_up():
    left = [running.id for running in state.load() if running.alive()]
    if left:
        raise UserError(f"a cluster is up already ({', '.join(left)}); 'make down' stops it")
    state.remove()


def _check(specs, binaries):
    for path in sorted({spec.binary for spec in specs}):
        if not os.access(binaries / path, os.X_OK):
            raise UserError(f"{binaries / path} is not built; run 'make build'")
    ports.check_all([one for spec in specs for one in spec.listens()])


def _start(specs, binaries):
    """Starts all, recording each at once so that nothing is lost when this command is ended midway."""
    logs_directory = settings.directory() / "logs"
    logs_directory.mkdir(parents=True, exist_ok=True)
    for old in logs_directory.glob("*.log"):
        old.unlink()
    kept = [settings.directory() / name for name in ("etcd", "log-level", request_trace.KEPT_IN)]
    for old in (*kept, settings.weights_directory()):
        shutil.rmtree(old, ignore_errors=True)
    (settings.directory() / request_trace.KEPT_IN).mkdir()
    started = []
    for spec in reversed(specs):  # Placement first: the others look for it.
        started.insert(0, process.start(spec, binaries / spec.binary, logs_directory / f"{spec.id}.log"))
        state.save(started)
    return started


def _begin(wanted, chosen):
    _refuse_when_up()
    specs = topology.plan(wanted, chosen)
    chosen.lend()
    if wanted.tls:
        certs.ensure(certs.directory())
    binaries = settings.binaries()
    _check(specs, binaries)
    try:
        return _start(specs, binaries)
    except BaseException:
        down.stop_all(state.load())
        raise


def _up(wanted, chosen):
    with state.changing():
        processes = _begin(wanted, chosen)
    try:
        wait_ready(processes, up_timeout_s())
    except BaseException:
        with state.changing():
            down.stop_all(state.load())
        raise
    return processes


def run(_arguments):
    wanted = settings.read()
    if wanted.device == "cuda":
        gpu.require()
    with ports.Ports(wanted.port_base) as chosen:
        processes = _up(wanted, chosen)
    for gateway in (one for one in processes if one.rest is not None):
        print(ports.edge(gateway))
    return 0
