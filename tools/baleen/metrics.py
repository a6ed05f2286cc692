"""What processes say by their metrics."""

import re

from http_get import get

EPOCH = "baleen_placement_epoch"


def values(process, *names):
    """Each metric's sum over its labels; None when the process does not say."""
    _, body = get(process.metrics, "/metrics")
    found = [re.findall(rf"^{name}(?:{{.*}})? (\S+)$", body, re.MULTILINE) for name in names]
    return [sum(map(float, each)) if each else None for each in found]


def said_by_leader(processes, name):
    """What the placement says that leads, the one with the newest map; None when none does. At epoch 0 one leads nobody and has no map:
    it is not elected, and says what it was started with."""
    said = [values(one, EPOCH, name) for one in processes if one.role == "placement" and one.alive()]
    known = [(epoch, value) for epoch, value in said if epoch and value is not None]
    return max(known)[1] if known else None
