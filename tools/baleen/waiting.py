"""Waiting for processes to be what they are to be."""

import os
import time

import logs
import metrics
from errors import UserError
from http_get import not_ready
from progress import Progress

POLL_S = 0.2
LOG_LINES = 15


def up_timeout_s():
    """How long a start may take."""
    return int(os.environ.get("UP_TIMEOUT_S") or 300)


def _fail(reason, culprit):
    tail = "\n".join(f"  {line}" for line in logs.tail(culprit.log, LOG_LINES))
    raise UserError(f"{culprit.id} {reason}; the end of its log ({culprit.log}):\n{tail}")


def wait_ready(processes, timeout_s, beside=()):
    """Until every process would answer; UserError with the end of a log when one dies or the time is over. `beside` is the cluster that
    they join: where none of its placements leads any more, that is said too, and UserError when none is alive."""
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
                text += "; no placement leads" if beside and not _led(beside) else ""
            progress.show(text, f" {seconds:.0f} s")
            if not waiting:
                return
            if seconds > timeout_s:
                _fail(f"is not ready after {timeout_s} s ({waiting[-1][1]})", waiting[-1][0])
            time.sleep(POLL_S)


def wait_settled(processes, timeout_s):
    """Until placement has no expert to move; UserError when the time is over or no placement lives."""
    deadline = time.monotonic() + timeout_s
    with Progress() as progress:
        while True:
            alive = _placements(processes)
            pending = metrics.said_by_leader(alive, "baleen_placement_pending_moves")
            leaderless = pending is None and not _led(processes)
            progress.show("no placement leads" if leaderless else "experts are in place" if pending == 0 else "experts are moving")
            if pending == 0:
                return
            if time.monotonic() > deadline:
                why = ", and no placement leads" if leaderless else ""
                raise UserError(f"experts are still moving after {timeout_s} s{why}; see {alive[0].log}")
            time.sleep(POLL_S)


def _placements(processes):
    alive = [one for one in processes if one.role == "placement" and one.alive()]
    if not alive:
        raise UserError("no placement process is alive")
    return alive


def _led(processes):
    return metrics.said_by_leader(_placements(processes), metrics.EPOCH) is not None


def wait_led(processes, timeout_s):
    """Until a placement leads; UserError when none does in time, and at once when none is alive."""
    deadline = time.monotonic() + timeout_s
    with Progress() as progress:
        while not _led(processes):
            progress.show("no placement leads")
            if time.monotonic() > deadline:
                dead = [f"; {one.id}, which elects it, is dead" for one in processes if one.role == "etcd" and not one.alive()]
                raise UserError(f"no placement leads after {timeout_s} s{''.join(dead)}; see {_placements(processes)[0].log}")
            time.sleep(POLL_S)
