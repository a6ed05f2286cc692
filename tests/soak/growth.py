"""Whether a process grows while it serves a steady load.

Memory is resident memory less the KV blocks that were ever used: the pool takes its memory as blocks are first used, up to a budget that
the operator gave, and is no leak for that.
"""

import dataclasses
import statistics

# What allocators and caches may still take after the first fifth of a run. A leak of one small object a request is more within an hour.
MEMORY_SLACK_BYTES = 8 << 20
MEMORY_SLACK_SHARE = 0.03
FDS_SLACK = 8


@dataclasses.dataclass(frozen=True)
class Sample:
    memory_bytes: int
    fds: int


@dataclasses.dataclass(frozen=True)
class Growth:
    """Medians of the second fifth of the samples and of the last one."""

    early: Sample
    late: Sample

    @property
    def problems(self):
        found = []
        if self.late.memory_bytes > self.early.memory_bytes * (1 + MEMORY_SLACK_SHARE) + MEMORY_SLACK_BYTES:
            found.append(f"memory grew from {self.early.memory_bytes >> 20} to {self.late.memory_bytes >> 20} MiB")
        if self.late.fds > self.early.fds + FDS_SLACK:
            found.append(f"open files grew from {self.early.fds} to {self.late.fds}")
        return found


def _median(samples):
    return Sample(round(statistics.median(one.memory_bytes for one in samples)), round(statistics.median(one.fds for one in samples)))


def of(samples):
    """ValueError for fewer samples than fifths."""
    fifth = len(samples) // 5
    if fifth == 0:
        raise ValueError(f"{len(samples)} samples say nothing about growth")
    return Growth(_median(samples[fifth:2 * fifth]), _median(samples[-fifth:]))
