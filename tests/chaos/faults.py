"""What can go wrong, and when: the matrix of fault, victim and phase, drawn by seed."""

import dataclasses
import itertools
import random
import signal

WORKERS = ("decode", "prefill", "expert", "placement")
PHASES = ("prefill", "kv transfer", "first token", "decode", "last token")
LONG_PROMPT = 100  # Tokens; filled by a prefill worker.
FREEZE_S = 10.0
CUT_S = 4.0
RESET_S = 0.1
SLOW_S = 3.0
ETCD_S = 6.0  # Unless told otherwise.

# By kind: whom it may strike. `gateway` stands for those that only resumable requests go through.
_VICTIMS = {
    "kill": (*WORKERS, "gateway", "etcd"),     # SIGKILL, then started again.
    "freeze": (*WORKERS, "gateway", "etcd"),   # SIGSTOP for FREEZE_S.
    "terminate": (*WORKERS, "gateway"),        # SIGTERM (drain), then started again.
    "cut off": WORKERS,                        # No packet to or from the others for CUT_S.
    "cut inwards": WORKERS,                    # Those from the others are dropped: it still speaks.
    "cut outwards": WORKERS,                   # Its own are dropped: it still hears.
    "reset": (*WORKERS, "gateway"),            # Every connection to it is answered with an RST for RESET_S.
    "slow": ("expert",),                       # What a proxy in front of it passes on is late for SLOW_S.
}
_NEED_FABRIC = ("cut off", "cut inwards", "cut outwards", "reset")


@dataclasses.dataclass(frozen=True)
class Fault:
    kind: str
    role: str
    phase: str  # What some stream is at when it strikes.

    @property
    def row(self):
        return f"{self.kind} {self.role}"

    def __str__(self):
        return f"{self.row} at {self.phase}"

    def strikes_at(self, count, request):
        """Whether a stream with `count` tokens is at the fault's phase."""
        if self.phase in ("prefill", "kv transfer"):
            return count == 0 and len(request.prompt) > LONG_PROMPT
        return count == {"first token": 1, "decode": request.max_tokens // 2, "last token": request.max_tokens - 1}[self.phase]


def matrix(with_fabric):
    """Every combination; those that need packets to be dropped only with a fabric."""
    return [Fault(kind, role, phase) for kind, roles in _VICTIMS.items() if with_fabric or kind not in _NEED_FABRIC
            for role, phase in itertools.product(roles, PHASES)]


class NoSuchFault(ValueError):
    """No fault's name has the words in it that were asked for."""


def draw(seed, with_fabric, only=""):
    """An endless sequence: every combination (whose name has `only` in it) once in random order, then again in another order.
    NoSuchFault at once, not with the first fault, where there is none."""
    wanted = [fault for fault in matrix(with_fabric) if only in str(fault)]
    if not wanted:
        raise NoSuchFault(f"no fault is called \"{only}\"" + ("" if with_fabric else " where packets cannot be dropped") +
                          f"; names are such as \"{matrix(with_fabric)[0]}\": one of {', '.join(_VICTIMS)}, then a role, then a phase")
    return _shuffled(random.Random(f"faults {seed}"), wanted)


def _shuffled(rng, wanted):
    while True:
        cells = list(wanted)
        rng.shuffle(cells)
        yield from cells


def strike(fault, victim, fabric, etcd_s=ETCD_S):
    """Does it to the process. Returns a function that brings the process back, and after how many seconds to call it."""
    after_s = etcd_s if fault.role == "etcd" else FREEZE_S if fault.kind == "freeze" else 0.0
    if fault.kind == "freeze":
        victim.process.send_signal(signal.SIGSTOP)
        return (lambda: victim.process.send_signal(signal.SIGCONT)), after_s
    if fault.kind == "kill":
        victim.process.kill()
        victim.process.wait()
        return victim.start, after_s
    if fault.kind == "slow":
        victim.proxy.slow(True)
        return (lambda: victim.proxy.slow(False)), SLOW_S
    if fault.kind == "reset":
        fabric.reset(victim.name)
        return (lambda: fabric.mend(victim.name)), RESET_S
    if fault.kind.startswith("cut"):
        fabric.cut(victim.name, inwards=fault.kind != "cut outwards", outwards=fault.kind != "cut inwards")
        return (lambda: fabric.mend(victim.name)), CUT_S

    def end_and_start():
        victim.stop(signal.SIGTERM)
        victim.start()

    return end_and_start, 0.0
