"""`baleen log-level`: what the local cluster's processes log from now on."""

import settings
import state
from errors import UserError

LEVELS = ("debug", "info", "warning", "error")


def path_of(identity):
    """The file that the process watches (--log_level_file)."""
    return settings.directory() / "log-level" / identity


def run(arguments):
    """Processes take it up within a second."""
    processes = {one.id: one for one in state.running() if one.role != "etcd"}
    unknown = [name for name in arguments.ids if name not in processes]
    if unknown:
        raise UserError(f"no process {', '.join(unknown)}; there are {', '.join(processes)}")
    for name in arguments.ids or processes:
        path_of(name).parent.mkdir(parents=True, exist_ok=True)
        path_of(name).write_text(f"{arguments.level}\n")
    return 0
