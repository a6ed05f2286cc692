"""`baleen status`: one row a process."""

import state
from http_get import not_ready

COLUMNS = ("role", "id", "pid", "port", "metrics", "ready")


def row(process):
    """The process's cells. A gateway's port is REST/gRPC."""
    port = f"{process.rest}/{process.port}" if process.rest is not None else str(process.port)
    if not process.alive():
        ready = "dead"
    else:
        reason = not_ready(process)
        ready = "yes" if reason is None else f"no: {reason}"
    return (process.role, process.id, str(process.pid), port, str(process.metrics), ready)


def table(rows):
    """Left-aligned columns, the last one ragged."""
    widths = [max(len(cells[i]) for cells in rows) for i in range(len(COLUMNS) - 1)]
    return "\n".join("  ".join([cells[i].ljust(width) for i, width in enumerate(widths)] + [cells[-1]]) for cells in rows)


def run(_arguments):
    """0 when every process is ready."""
    rows = [row(process) for process in state.running()]
    print(table([COLUMNS, *rows]))
    return 0 if all(cells[-1] == "yes" for cells in rows) else 1
