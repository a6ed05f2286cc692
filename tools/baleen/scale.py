"""`baleen scale`: more or fewer expert shards on a running cluster, without losing a request."""

import contextlib
import os
import pathlib
import time

import drain
import log_level
import placement
import ports
import process
import remote
import remote_view
import request_trace
import state
import topology
from errors import UserError
from settings import MAX_PROCESSES_PER_ROLE
from waiting import up_timeout_s, wait_ready, wait_settled


FOLLOW_PERIOD_S = 1


def _number(one):
    return int(one.id.rsplit("-", 1)[1])


def _metrics_port(processes, chosen):
    """The next in the table's order where it is free."""
    port = max(one.metrics for one in processes) + 1
    with contextlib.suppress(UserError):
        ports.check_free(port, "metrics")
        return port
    return chosen.free()


def spec_like(shard, processes, chosen):
    """Another shard with the same flags and ports of its own."""
    number = max(_number(one) for one in processes if one.role == "expert") + 1
    port, metrics = chosen.free(), _metrics_port(processes, chosen)
    own = {"--grpc_port": port, "--metrics_port": metrics, "--log_level_file": log_level.path_of(f"expert-{number}"),
           "--otlp_endpoint": f"file:{request_trace.path_of(f'expert-{number}')}"}
    flags = tuple(f"{name}={own[name]}" if (name := flag.split("=", 1)[0]) in own else flag for flag in shard.flags)
    return topology.Spec("expert", f"expert-{number}", shard.binary, port, metrics, None, flags)


def _grow(processes, shards, count):
    started = []
    template = shards[0]
    for _ in range(count):
        chosen = ports.Ports("free")
        spec = spec_like(template, processes, chosen)
        chosen.release()
        new = process.start(spec, spec.binary, pathlib.Path(template.log).with_name(f"{spec.id}.log"))
        # After the last shard, as `up` would have it.
        processes.insert(max(i for i, one in enumerate(processes) if one.role == "expert") + 1, new)
        started.append(new)
        state.save(processes)
    wait_ready(started, up_timeout_s())


def _wanted(arguments):
    text = arguments.shards or os.environ.get("SHARDS")
    if not text:
        raise UserError("how many shards? SHARDS=4 make scale")
    if not text.isdecimal() or not 1 <= int(text) <= MAX_PROCESSES_PER_ROLE:
        raise UserError(f"SHARDS={text}: expected 1 to {MAX_PROCESSES_PER_ROLE}")
    return int(text)


def _scale(wanted):
    """Starts or drains shards until there are so many, and every expert is where it is to be. True when any were."""
    processes = state.running()
    # The dead are gone; placement has given their experts to others.
    processes = [one for one in processes if one.role != "expert" or one.alive()]
    shards = [one for one in processes if one.role == "expert"]
    if not shards:
        raise UserError("no expert shard is alive; 'make down' and 'make up' start the cluster anew")
    state.save(processes)
    if wanted > len(shards):
        _grow(processes, shards, wanted - len(shards))
    elif wanted < len(shards):
        drain.leave(processes, sorted(shards, key=_number)[wanted:])
    wait_settled(processes, up_timeout_s())
    return wanted != len(shards)


def _follow():
    """Does what the admin API asks for, until it is interrupted or the cluster ends."""
    while True:
        wanted = placement.wanted_shards(state.running())
        if wanted is not None and _scale(min(wanted, MAX_PROCESSES_PER_ROLE)):
            print(f"{wanted} expert shards", flush=True)
        time.sleep(FOLLOW_PERIOD_S)


def run(arguments):
    """0 when the cluster has SHARDS shards and every expert is where it is to be. With --follow it goes on."""
    if remote.is_remote(arguments):
        remote_view.refuse_scale()
    if arguments.follow:
        return _follow()
    wanted = _wanted(arguments)
    _scale(wanted)
    print(f"{wanted} expert shards")
    return 0
