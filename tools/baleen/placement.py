"""`baleen placement`: what each shard holds and computes, and whether experts are on the move."""

import metrics
import remote
import remote_view
import state
from errors import UserError

COLUMNS = ("id", "experts", "rows", "queue")
SHARD_METRICS = ("baleen_expert_loaded_experts", "baleen_expert_rows_total", "baleen_expert_queue_depth")
PLACEMENT_METRICS = {
    "epoch": metrics.EPOCH,
    "moves pending": "baleen_placement_pending_moves",
    "imbalance": "baleen_placement_imbalance",
}


def _text(value):
    return "-" if value is None else f"{value:.10g}"


def run(arguments):
    """Prints a row per shard and a line per placement."""
    if remote.is_remote(arguments):
        return remote_view.placement(arguments)
    processes = state.running()
    rows = [COLUMNS] + [(one.id, *map(_text, metrics.values(one, *SHARD_METRICS))) for one in processes if one.role == "expert"]
    placements = [one for one in processes if one.role == "placement" and one.alive()]
    if not placements:
        raise UserError("no placement process is alive")
    print(remote.table(rows))
    for one in placements:
        values = zip(PLACEMENT_METRICS, metrics.values(one, *PLACEMENT_METRICS.values()))
        print(f"{one.id}: " + ", ".join(f"{name} {_text(value)}" for name, value in values))
    return 0
