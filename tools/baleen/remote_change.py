"""`drain` and `scale` of a cluster that is known by its gateway's URL alone: the admin API tells its processes to leave."""

import os
import time

import remote
from errors import Unavailable, UserError

ADMIN_HELP = "the admin API's URL is not known: set BALEEN_ADMIN_URL (kubectl port-forward deployment/baleen-gateway 8082)"
# Above the longest drain of the chart's defaults.
LEAVE_TIMEOUT_S = 330
POLL_S = 0.5
# Above what a placement that starts or takes over needs to know who is there.
PATIENCE_S = 15


def _ask(path, body):
    url = os.environ.get("BALEEN_ADMIN_URL")
    if not url:
        raise UserError(ADMIN_HELP)
    remote.open_url(f"{url.rstrip('/')}/admin/{path}", body, remote.key_headers(os.environ.get("ADMIN_KEY"))).close()


def _ask_to_drain(worker_id):
    """Until there is a placement that knows whom the cluster can spare."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            return _ask("drain", {"worker": worker_id})
        except Unavailable:
            if time.monotonic() > deadline:
                raise
        time.sleep(POLL_S)


def _workers(arguments):
    """Id -> what the gateway says of it."""
    return {worker["id"]: worker for worker in remote.cluster(arguments)["workers"]}


def _drain_worker(arguments, worker_id):
    """Returns when it has left the map: nothing new comes to it, and an expert shard's experts are elsewhere."""
    _ask_to_drain(worker_id)
    deadline = time.monotonic() + LEAVE_TIMEOUT_S
    while worker_id in _workers(arguments):
        if time.monotonic() > deadline:
            raise UserError(f"{worker_id} has not left after {LEAVE_TIMEOUT_S} s")
        time.sleep(POLL_S)
    print(f"{worker_id} left", flush=True)


def drain(arguments):
    """One after another, so that each one's work finds another worker. 0 when all left."""
    named = {"gateway": {}, "placement": {"worker": "placement"}}
    known = _workers(arguments)
    unknown = [name for name in arguments.ids if name not in known and name not in named]
    if unknown:
        raise UserError(f"no worker {', '.join(unknown)}; there are {', '.join(known)}, 'gateway' (the one whose admin API it is) "
                        "and 'placement' (the one that leads)")
    for name in arguments.ids:
        if name in named:
            _ask("drain", named[name])
            print(f"the {name} drains")
        else:
            _drain_worker(arguments, name)
    return 0


def _scale_role(arguments, role, wanted):
    if role == "expert":
        # Placement says the number to whoever starts and stops shards.
        _ask("scale", {"expert_shards": wanted})
    there = [worker for worker in _workers(arguments).values() if worker["role"] == role and not worker["draining"]]
    for worker in sorted(there, key=lambda worker: worker["running"])[:max(0, len(there) - wanted)]:
        _drain_worker(arguments, worker["id"])
    missing = wanted - len(there)
    if missing > 0:
        print(f"{role}: {len(there)} of {wanted}; {missing} more are to be started by whoever runs the cluster "
              f"(kubectl scale, an autoscaler, baleen scale --follow)")
    return missing <= 0


def scale(arguments, counts):
    """Drains what is too many, the least busy first; what is too few is said. 0 when there are so many of each role."""
    return 0 if all([_scale_role(arguments, role, wanted) for role, wanted in counts.items()]) else 1
