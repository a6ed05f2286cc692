"""From settings to processes: a pure function, in the order of `baleen status`."""

import dataclasses

from ports import HOST

BINARIES = {
    "gateway": "services/gateway/baleen-gateway",
    "prefill": "services/attention/baleen-attention",
    "decode": "services/attention/baleen-attention",
    "expert": "services/expert/baleen-expert",
    "placement": "services/placement/baleen-placement",
}


@dataclasses.dataclass(frozen=True)
class Spec:
    """One process to start. `port` is gRPC; `rest` is the gateway's only."""

    role: str
    id: str
    binary: str
    port: int
    metrics: int
    rest: int | None
    flags: tuple[str, ...]


def _attention_flags(settings, role):
    flags = [f"--role={role}", f"--dtype={settings.dtype}", f"--model={settings.model}"]
    if settings.kv_mib is not None:
        flags.append(f"--kv_mib={settings.kv_mib}")
    if settings.mtp:
        flags.append("--mtp")
    return flags + _threads(settings)


def _threads(settings):
    return [] if settings.threads is None else [f"--threads={settings.threads}"]


def _role_flags(settings, role, rest):
    if role == "gateway":
        return [f"--model={settings.model}", f"--rest_port={rest}"]
    if role == "prefill":
        return _attention_flags(settings, "prefill")
    if role == "decode":
        # Without prefill workers the decode workers fill prompts themselves.
        return _attention_flags(settings, "decode" if settings.prefill else "both")
    if role == "expert":
        return [f"--model={settings.model}", f"--dtype={settings.dtype}"] + _threads(settings)
    return [f"--expected_shards={settings.shards}", f"--replicas={settings.replicas}"]


def plan(settings, ports):
    """Every process of the cluster, with its ports."""
    attention = {"prefill": settings.prefill, "decode": settings.decode}
    counts = {"gateway": settings.gateways, **attention, "expert": settings.shards, "placement": 1}
    placement_port = ports.free()
    specs = []
    for role, count in counts.items():
        for index in range(count):
            rest = ports.rest(index) if role == "gateway" else None
            port = {"gateway": lambda: ports.gateway_grpc(index), "placement": lambda: placement_port}.get(role, ports.free)()
            metrics = ports.metrics()
            flags = [f"--bind={HOST}", f"--grpc_port={port}", f"--metrics_port={metrics}"]
            if role != "placement":
                flags.append(f"--placement={HOST}:{placement_port}")
            flags += _role_flags(settings, role, rest)
            specs.append(Spec(role, f"{role}-{index}", BINARIES[role], port, metrics, rest, tuple(flags)))
    return specs
