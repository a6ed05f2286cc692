"""`status` and `placement` of a cluster that is known by its gateway's URL alone."""

import remote


def _ready(worker):
    return "draining" if worker["draining"] else "yes" if worker["ready"] else "no"


def status(arguments):
    """0 when every process that placement knows is ready."""
    document = remote.cluster(arguments)
    rows = [("role", "id", "running", "waiting", "silent", "ready")]
    for worker in document["workers"]:
        silent = "-" if worker["silent_ms"] is None else f"{worker['silent_ms']} ms"
        rows.append((worker["role"], worker["id"], str(worker["running"]), str(worker["waiting"]), silent, _ready(worker)))
    print(remote.table(rows))
    answers = document["placement"]["answers"]
    if not answers:
        print("placement does not answer: this is the gateway's last map")
    return 0 if answers and all(row[-1] == "yes" for row in rows[1:]) else 1


def placement(arguments):
    """A row a shard and a line about the map."""
    document = remote.cluster(arguments)
    rows = [("id", "experts", "rows", "queue")]
    for worker in document["workers"]:
        if worker["role"] == "expert":
            held = sum(len(layer["experts"]) for layer in worker["experts"])
            computed = sum(sum(layer["rows"]) for layer in worker["experts"])
            rows.append((worker["id"], str(held), str(computed), str(worker["waiting"])))
    print(remote.table(rows))
    known = document["placement"]
    print(f"epoch {known['epoch']}, moves pending {known['pending_moves'] if known['answers'] else '-'}")
    return 0
