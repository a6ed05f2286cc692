"""From settings to processes: a pure function, in the order of `baleen status`."""

import dataclasses

import certs
import log_level
import request_trace
from ports import HOST
from settings import directory, weights_directory

BINARIES = {
    "gateway": "services/gateway/baleen-gateway",
    "prefill": "services/attention/baleen-attention",
    "decode": "services/attention/baleen-attention",
    "expert": "services/expert/baleen-expert",
    "placement": "services/placement/baleen-placement",
}
# By role of a process, where it is not the same.
CERTIFICATES = {"prefill": "attention", "decode": "attention"}
# Debian's; all others are ours.
ETCD = "/usr/bin/etcd"
DRAIN_S = 300


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

    def listens(self):
        """[(port, what it is)] of its own."""
        by_name = {"REST": self.rest, "gRPC": self.port, "admin": self._admin(), "metrics": self.metrics}
        return [(port, f"{name} of {self.id}") for name, port in by_name.items() if port is not None]

    def _admin(self):
        return next((int(flag.split("=", 1)[1]) for flag in self.flags if flag.startswith("--admin_port=")), None)


def _attention_flags(settings, role):
    flags = [f"--role={role}", f"--dtype={settings.dtype}", f"--model={settings.model}", f"--transport={settings.transport}"]
    if settings.kv_mib is not None:
        flags.append(f"--kv_mib={settings.kv_mib}")
    if settings.mtp:
        flags.append("--mtp")
    if settings.tensor_parallel > 1:
        flags.append(f"--tensor_parallel={settings.tensor_parallel}")
    return flags + _compute_flags(settings)


def _compute_flags(settings):
    if settings.device != "cpu":
        # Weights in device memory are each process's own.
        settings = dataclasses.replace(settings, share_weights=False)
    flags = [] if settings.device == "cpu" else [f"--device={settings.device}"]
    flags += [] if settings.threads is None else [f"--threads={settings.threads}"]
    flags += [f"--cores={settings.cores}"] if settings.cores else []
    flags += [] if settings.numa_node is None else [f"--numa_node={settings.numa_node}"]
    return flags + ([f"--shared_weights={weights_directory()}"] if settings.share_weights else [])


def _etcd_address(settings, port):
    return f"{HOST}:{port}" if settings.etcd == "1" else settings.etcd


def _etcd_spec(settings, ports, port):
    """One member, its data beside the cluster's state."""
    metrics, peer = ports.metrics(), ports.free()
    scheme = "https" if settings.tls else "http"
    flags = (
        "--name=etcd-0",
        f"--data-dir={directory() / 'etcd'}",
        f"--listen-client-urls={scheme}://{HOST}:{port}",
        f"--advertise-client-urls={scheme}://{HOST}:{port}",
        f"--listen-peer-urls=http://{HOST}:{peer}",
        f"--initial-advertise-peer-urls=http://{HOST}:{peer}",
        f"--initial-cluster=etcd-0=http://{HOST}:{peer}",
        f"--listen-metrics-urls=http://{HOST}:{metrics}",
        *(certs.etcd_flags(certs.directory()) if settings.tls else ()),
    )
    return Spec("etcd", "etcd-0", ETCD, port, metrics, None, flags)


def _role_flags(settings, role, rest, admin, etcd_port):
    if role == "gateway":
        files = [f"--{name}={file}" for name, file in (("tenants", settings.tenants), ("prices", settings.prices)) if file is not None]
        return files + [f"--model={settings.model}", f"--rest_port={rest}", f"--admin_port={admin}", f"--guardrail={settings.guardrail}"]
    if role == "prefill":
        return _attention_flags(settings, "prefill")
    if role == "decode":
        # Without prefill workers the decode workers fill prompts themselves.
        return _attention_flags(settings, "decode" if settings.prefill else "both")
    if role == "expert":
        # Long enough for the others to load its experts.
        drain = [f"--drain_timeout={DRAIN_S}s"]
        model = [f"--model={settings.model}", f"--dtype={settings.dtype}", f"--transport={settings.transport}"]
        return drain + model + _compute_flags(settings)
    etcd = [f"--etcd={_etcd_address(settings, etcd_port)}"] if settings.etcd != "0" else []
    return etcd + [f"--expected_shards={settings.shards}", f"--replicas={settings.replicas}"]


# Of a traced request's steps, one in so many is traced layer by layer.
LAYER_STEPS = 16


def observed_flags(traces, role, identity):
    """Where the process looks for its log level and leaves its spans."""
    flags = [f"--log_level_file={log_level.path_of(identity)}"]
    if traces:
        flags.append(f"--otlp_endpoint=file:{request_trace.path_of(identity)}")
        flags += {"gateway": ["--trace_sample=1"], "prefill": [f"--trace_layer_steps={LAYER_STEPS}"],
                  "decode": [f"--trace_layer_steps={LAYER_STEPS}"]}.get(role, [])
    return flags


def copies(processes):
    """Of each expert, as placement was told."""
    flags = [flag for one in processes if one.role == "placement" for flag in one.flags]
    return next((int(flag.split("=", 1)[1]) for flag in flags if flag.startswith("--replicas=")), 1)


def plan(settings, ports):
    """Every process of the cluster, with its ports."""
    attention = {"prefill": settings.prefill, "decode": settings.decode}
    counts = {"gateway": settings.gateways, **attention, "expert": settings.shards, "placement": settings.placements}
    placement_ports = [ports.free() for _ in range(settings.placements)]
    placements = ",".join(f"{HOST}:{port}" for port in placement_ports)
    etcd_port = ports.free()
    specs = []
    for role, count in counts.items():
        for index in range(count):
            rest, admin = (ports.rest(index), ports.admin(index)) if role == "gateway" else (None, None)
            port = {"gateway": lambda: ports.gateway_grpc(index), "placement": lambda: placement_ports[index]}.get(role, ports.free)()
            metrics = ports.metrics()
            flags = [f"--bind={HOST}", f"--grpc_port={port}", f"--metrics_port={metrics}"]
            if role != "placement":
                flags.append(f"--placement={placements}")
            flags += _role_flags(settings, role, rest, admin, etcd_port)
            flags += observed_flags(settings.traces, role, f"{role}-{index}")
            if settings.tls:
                flags += certs.flags(CERTIFICATES.get(role, role), certs.directory())
            specs.append(Spec(role, f"{role}-{index}", BINARIES[role], port, metrics, rest, tuple(flags)))
    if settings.etcd == "1":
        specs.append(_etcd_spec(settings, ports, etcd_port))
    return specs
