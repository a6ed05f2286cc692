"""`baleen scale`: more or fewer processes of a role on a running cluster, without losing a request."""

import contextlib
import os
import pathlib
import time

import drain
import log_level
import metrics
import ports
import process
import remote
import remote_change
import request_trace
import state
import topology
from errors import UserError
from settings import MAX_PROCESSES_PER_ROLE
from waiting import up_timeout_s, wait_led, wait_ready, wait_settled


FOLLOW_PERIOD_S = 1
# An election takes a few seconds.
LEADER_TIMEOUT_S = 30
# By role, in words.
NAMES = {"gateway": "gateways", "prefill": "prefill workers", "decode": "decode workers", "expert": "expert shards"}


def _number(one):
    return int(one.id.rsplit("-", 1)[1])


def _metrics_port(processes, chosen):
    """The next in the table's order where it is free."""
    port = max(one.metrics for one in processes) + 1
    with contextlib.suppress(UserError):
        ports.check_free(port, "metrics")
        return port
    return chosen.free()


def spec_like(one, processes, chosen):
    """Another process of its role with the same flags and ports of its own."""
    number = max(_number(other) for other in processes if other.role == one.role) + 1
    name = f"{one.role}-{number}"
    port, metrics = chosen.free(), _metrics_port(processes, chosen)
    rest = None if one.rest is None else chosen.free()
    own = {"--grpc_port": port, "--metrics_port": metrics, "--rest_port": rest, "--admin_port": chosen.free(),
           "--log_level_file": log_level.path_of(name), "--otlp_endpoint": f"file:{request_trace.path_of(name)}"}
    flags = tuple(f"{flag_name}={own[flag_name]}" if (flag_name := flag.split("=", 1)[0]) in own else flag for flag in one.flags)
    return topology.Spec(one.role, name, one.binary, port, metrics, rest, flags)


def _grow(processes, template, count):
    started = []
    with contextlib.ExitStack() as held:
        for _ in range(count):
            chosen = held.enter_context(ports.Ports("free"))
            spec = spec_like(template, processes, chosen)
            chosen.lend()
            new = process.start(spec, spec.binary, pathlib.Path(template.log).with_name(f"{spec.id}.log"))
            # After the last one of its role, as `up` would have it.
            processes.insert(max(i for i, one in enumerate(processes) if one.role == template.role) + 1, new)
            started.append(new)
            state.save(processes)
        wait_ready(started, up_timeout_s(), beside=processes)
    for gateway in (one for one in started if one.rest is not None):
        print(ports.edge(gateway))


def _wanted(arguments):
    """Role -> how many."""
    words = arguments.counts or [os.environ.get("SHARDS") or ""]
    if words == [""]:
        raise UserError("how many shards? SHARDS=4 make scale")
    counts = {}
    for word in words:
        role, named, count = word.rpartition("=")
        role = role if named else "expert"
        if role in counts:
            raise UserError(f"{' '.join(words)}: says twice how many {NAMES[role]}")
        if role not in NAMES:
            raise UserError(f"{word}: expected {', '.join(NAMES)}; placements are as many as their addresses say")
        if not count.isdecimal() or not 1 <= int(count) <= MAX_PROCESSES_PER_ROLE:
            raise UserError(f"{'SHARDS=' if role == 'expert' else f'{role}='}{count}: expected 1 to {MAX_PROCESSES_PER_ROLE}")
        counts[role] = int(count)
    return counts


def _words(role, count):
    return f"{count} {NAMES[role] if count != 1 else NAMES[role][:-1]}"


def _refuse_fewer_than_copies(processes, counts):
    """As placement refuses it by the admin API: the death of a shard is survived by the copies at the others."""
    copies, wanted = topology.copies(processes), counts.get("expert")
    if wanted is not None and wanted < copies:
        raise UserError(f"SHARDS={wanted}: expected {copies} (the copies of each expert) to {MAX_PROCESSES_PER_ROLE}")


def _scale(role, wanted):
    """Starts or drains processes of a role until there are so many, and every expert is where it is to be. True when any were."""
    processes = state.running()
    # The dead are gone; placement has given their experts to others.
    processes = [one for one in processes if one.role != role or one.alive()]
    there = [one for one in processes if one.role == role]
    if not there:
        raise UserError(f"no process of role {role} is alive; 'make down' and 'make up' start the cluster anew")
    # Nobody would tell a new shard what to load, nor let a leaving one go.
    wait_led(processes, LEADER_TIMEOUT_S)
    state.save(processes)
    if wanted > len(there):
        _grow(processes, there[0], wanted - len(there))
    elif wanted < len(there):
        drain.leave(processes, sorted(there, key=_number)[wanted:])
    wait_settled(processes, up_timeout_s())
    return wanted != len(there)


def _follow():
    """Does what the admin API asks for, until it is interrupted or the cluster ends."""
    while True:
        with state.changing():
            wanted = metrics.said_by_leader(state.running(), "baleen_placement_wanted_shards")
            if wanted is not None and _scale("expert", min(int(wanted), MAX_PROCESSES_PER_ROLE)):
                print(_words("expert", int(wanted)), flush=True)
        time.sleep(FOLLOW_PERIOD_S)


def run(arguments):
    """0 when the cluster has as many as asked for and every expert is where it is to be. With --follow it goes on."""
    if remote.is_remote(arguments):
        if arguments.follow:
            raise UserError("--follow starts and stops local processes; by URL nothing can be started")
        return remote_change.scale(arguments, _wanted(arguments))
    if arguments.follow:
        return _follow()
    counts = _wanted(arguments)
    _refuse_fewer_than_copies(state.running(), counts)
    for role, wanted in counts.items():
        with state.changing():
            _scale(role, wanted)
        print(_words(role, wanted))
    return 0
