"""What can go wrong, and when: the matrix of fault, victim and phase, drawn by seed."""

import dataclasses
import itertools
import random
import signal

ROLES = ("decode", "prefill", "expert", "placement")
KINDS = ("kill", "freeze", "terminate")
PHASES = ("prefill", "first token", "decode", "last token")
FREEZE_S = 4.0


@dataclasses.dataclass(frozen=True)
class Fault:
    kind: str   # kill: SIGKILL, then started again. freeze: SIGSTOP for FREEZE_S. terminate: SIGTERM (drain), then started again.
    role: str
    phase: str  # What some stream is at when it strikes.

    def __str__(self):
        return f"{self.kind} {self.role} at {self.phase}"

    def strikes_at(self, count, request):
        """Whether a stream with `count` tokens is at the fault's phase."""
        if self.phase == "prefill":
            return count == 0 and len(request.prompt) > 100
        return count == {"first token": 1, "decode": request.max_tokens // 2, "last token": request.max_tokens - 1}[self.phase]


def matrix():
    """Every combination."""
    return [Fault(*cell) for cell in itertools.product(KINDS, ROLES, PHASES)]


def draw(seed):
    """An endless sequence: every combination once in random order, then again in another order."""
    rng = random.Random(f"faults {seed}")
    while True:
        cells = matrix()
        rng.shuffle(cells)
        yield from cells


def strike(fault, victim):
    """Does it to the process. Returns a function that brings the process back, and after how many seconds to call it."""
    if fault.kind == "freeze":
        victim.process.send_signal(signal.SIGSTOP)
        return (lambda: victim.process.send_signal(signal.SIGCONT)), FREEZE_S
    if fault.kind == "kill":
        victim.stop(signal.SIGKILL)
        return victim.start, 0.0

    def end_and_start():
        victim.stop(signal.SIGTERM)
        victim.start()

    return end_and_start, 0.0
