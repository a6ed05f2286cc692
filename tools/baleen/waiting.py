"""Waiting for processes to be what they are to be."""

import os
import re
import time

import logs
from errors import UserError
from http_get import get, not_ready
from progress import Progress

POLL_S = 0.2
LOG_LINES = 15


def up_timeout_s():
    """How long a start may take."""
    return int(os.environ.get("UP_TIMEOUT_S") or 300)


def _fail(reason, culprit):
    tail = "\n".join(f"  {line}" for line in logs.tail(culprit.log, LOG_LINES))
    raise UserError(f"{culprit.id} {reason}; the end of its log ({culprit.log}):\n{tail}")


def wait_ready(processes, timeout_s):
    """Until every process would answer; UserError with the end of a log when one dies or the time is over."""
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


def _pending_moves(placement):
    """Experts on the move, as placement counts them; None when it does not say, or has no map, as one that does not lead."""
    _, body = get(placement.metrics, "/metrics")
    said = dict(re.findall(r"^baleen_placement_(epoch|pending_moves) (\S+)$", body, re.MULTILINE))
    return float(said["pending_moves"]) if float(said.get("epoch", 0)) > 0 and "pending_moves" in said else None


def wait_settled(processes, timeout_s):
    """Until placement has no expert to move; UserError when the time is over or no placement lives."""
    deadline = time.monotonic() + timeout_s
    with Progress() as progress:
        while True:
            alive = [one for one in processes if one.role == "placement" and one.alive()]
            if not alive:
                raise UserError("no placement process is alive")
            pending = max((moves for one in alive if (moves := _pending_moves(one)) is not None), default=None)
            progress.show("experts are in place" if pending == 0 else "experts are moving")
            if pending == 0:
                return
            if time.monotonic() > deadline:
                raise UserError(f"experts are still moving after {timeout_s} s; see {alive[0].log}")
            time.sleep(POLL_S)
