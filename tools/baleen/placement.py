"""`baleen placement`: what each shard holds and computes, and whether experts are on the move."""

import re

import remote
import remote_view
import state
from errors import UserError
from http_get import get

COLUMNS = ("id", "experts", "rows", "queue")
SHARD_METRICS = ("baleen_expert_loaded_experts", "baleen_expert_rows_total", "baleen_expert_queue_depth")
PLACEMENT_METRICS = {
    "epoch": "baleen_placement_epoch",
    "moves pending": "baleen_placement_pending_moves",
    "imbalance": "baleen_placement_imbalance",
}


def _values(process, names):
    """A metric's sum over its labels, as text; "-" when the process does not say."""
    _, body = get(process.metrics, "/metrics")
    values = []
    for name in names:
        found = re.findall(rf"^{name}(?:{{.*}})? (\S+)$", body, re.MULTILINE)
        values.append(f"{sum(map(float, found)):.10g}" if found else "-")
    return values


def wanted_shards(processes):
    """What the leading placement wants, the one with the newest map; None when none says. At epoch 0 one leads nobody: it says its flag."""
    said = [_values(one, ("baleen_placement_epoch", "baleen_placement_wanted_shards"))
            for one in processes if one.role == "placement" and one.alive()]
    known = [(float(epoch), int(wanted)) for epoch, wanted in said if "-" not in (epoch, wanted) and float(epoch) > 0]
    return max(known)[1] if known else None


def run(arguments):
    """Prints a row per shard and a line per placement."""
    if remote.is_remote(arguments):
        return remote_view.placement(arguments)
    processes = state.running()
    rows = [COLUMNS] + [(one.id, *_values(one, SHARD_METRICS)) for one in processes if one.role == "expert"]
    placements = [one for one in processes if one.role == "placement" and one.alive()]
    if not placements:
        raise UserError("no placement process is alive")
    print(remote.table(rows))
    for one in placements:
        values = zip(PLACEMENT_METRICS, _values(one, PLACEMENT_METRICS.values()))
        print(f"{one.id}: " + ", ".join(f"{name} {value}" for name, value in values))
    return 0
