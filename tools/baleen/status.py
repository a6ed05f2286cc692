"""`baleen status`: one row a process."""

import remote
import remote_view
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


def run(arguments):
    """0 when every process is ready."""
    if remote.is_remote(arguments):
        return remote_view.status(arguments)
    rows = [row(process) for process in state.running()]
    print(remote.table([COLUMNS, *rows]))
    return 0 if all(cells[-1] == "yes" for cells in rows) else 1
