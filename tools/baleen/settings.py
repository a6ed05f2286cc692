"""What the environment asks for: the variables of `make up`, checked."""

import dataclasses
import hashlib
import os
import pathlib
import re

from errors import UserError

ROOT = pathlib.Path(__file__).resolve().parents[2]

DEVICES = ("cpu", "cuda", "cuda-emulated")
TRANSPORTS = ("auto", "grpc", "ucx")
DTYPES = ("auto", "bf16", "f32", "int8", "fp8")
GPU_DTYPES = ("auto", "bf16", "fp8")
MAX_PROCESSES_PER_ROLE = 64
MAX_GPUS = 8  # Of one host.


@dataclasses.dataclass(frozen=True)
class Settings:
    """A cluster to start. Counts are processes; None = the process's own default."""

    model: pathlib.Path
    gateways: int
    prefill: int
    decode: int
    shards: int
    replicas: int
    dtype: str
    kv_mib: int | None
    threads: int | None
    port_base: str
    mtp: bool = False
    placements: int = 1
    transport: str = "auto"
    tls: bool = False
    etcd: str = "0"  # "0" = none, "1" = one of our own, or host:port.
    share_weights: bool = True  # Processes of one form hold packed weights once.
    tenants: pathlib.Path | None = None  # Gateways ask for keys.
    prices: pathlib.Path | None = None  # Gateways say what was used in money.
    guardrail: str = "off"  # Of gateways: off, builtin or the host:port of a guard.
    cores: str = ""  # Of workers, such as 0-3,8; empty = all.
    numa_node: int | None = None  # Of workers.
    traces: bool = False  # Every request's spans, in files for `baleen trace`.
    device: str = "cpu"  # What attention and expert processes compute on.
    tensor_parallel: int = 1  # GPUs of each attention process.


def directory(environment=os.environ):
    """Where pids, logs and ports of the cluster are kept."""
    return pathlib.Path(environment.get("CLUSTER_DIR") or ROOT / ".baleen" / "cluster")


def weights_directory(environment=os.environ):
    """Where this cluster's processes share packed weights: in memory, by user and cluster."""
    name = hashlib.sha256(str(directory(environment).absolute()).encode()).hexdigest()[:16]
    return pathlib.Path("/dev/shm") / f"baleen-{os.getuid()}-{name}"


def binaries(environment=os.environ):
    """Where Bazel puts what it builds."""
    return pathlib.Path(environment.get("BALEEN_BIN") or ROOT / "bazel-bin")


def _integer(environment, name, default, low, high):
    text = environment.get(name) or default
    if text is None:
        return None
    try:
        value = int(text)
    except ValueError:
        raise UserError(f"{name}={text}: expected a whole number") from None
    if not low <= value <= high:
        raise UserError(f"{name}={value}: expected {low} to {high}")
    return value


def _model(environment):
    model = pathlib.Path(environment.get("MODEL") or ROOT / "checkpoints" / "abacus").expanduser().absolute()
    if not (model / "config.json").is_file():
        raise UserError(f"MODEL={model}: no config.json there; expected a checkpoint in Hugging Face layout")
    return model


def _file(environment, name):
    text = environment.get(name)
    if not text:
        return None
    path = pathlib.Path(text).expanduser().absolute()
    if not path.is_file():
        raise UserError(f"{name}={path}: no such file")
    return path


def _cores(environment):
    text = environment.get("CORES") or ""
    if text and not re.fullmatch(r"\d+(-\d+)?(,\d+(-\d+)?)*", text):
        raise UserError(f"CORES={text}: expected cores and ranges such as 0-3,8")
    return text


def _etcd(environment):
    text = environment.get("ETCD") or "0"
    if text in ("0", "1") or re.fullmatch(r"[^\s:,]+:\d{1,5}", text):
        return text
    raise UserError(f"ETCD={text}: expected 0, 1 (a local one) or host:port")


def _guardrail(environment):
    text = environment.get("GUARDRAIL") or "off"
    if text in ("off", "builtin") or re.fullmatch(r"[^\s:,]+:\d{1,5}", text):
        return text
    raise UserError(f"GUARDRAIL={text}: expected off, builtin or host:port")


def _word(environment, name, allowed):
    """The first word where the variable is unset."""
    value = environment.get(name) or allowed[0]
    if value not in allowed:
        raise UserError(f"{name}={value}: expected {', '.join(allowed)}")
    return value


def read(environment=os.environ):
    """Settings from the environment; UserError names the variable that is wrong or not supported."""
    dtype = _word(environment, "DTYPE", DTYPES)
    device = _word(environment, "DEVICE", DEVICES)
    if device != "cpu" and dtype not in GPU_DTYPES:
        raise UserError(f"DTYPE={dtype}: a GPU computes in {', '.join(GPU_DTYPES[1:])}")
    count = lambda name, default, low: _integer(environment, name, default, low, MAX_PROCESSES_PER_ROLE)  # noqa: E731
    settings = Settings(
        model=_model(environment),
        gateways=count("GATEWAYS", "1", 1),
        prefill=count("PREFILL", "1", 0),
        decode=count("DECODE", "1", 1),
        shards=count("SHARDS", "2", 1),
        replicas=count("REPLICAS", "1", 1),
        dtype=dtype,
        kv_mib=_integer(environment, "KV_MIB", None, 1, 1 << 24),
        threads=_integer(environment, "THREADS", None, 1, 1024),
        port_base=environment.get("PORT_BASE") or "",
        mtp=_integer(environment, "MTP", "0", 0, 1) == 1,
        tls=_integer(environment, "TLS", "0", 0, 1) == 1,
        placements=count("PLACEMENTS", "1", 1),
        transport=_word(environment, "TRANSPORT", TRANSPORTS),
        etcd=_etcd(environment),
        share_weights=_integer(environment, "SHARE_WEIGHTS", "1", 0, 1) == 1,
        tenants=_file(environment, "TENANTS"),
        prices=_file(environment, "PRICES"),
        guardrail=_guardrail(environment),
        cores=_cores(environment),
        numa_node=_integer(environment, "NUMA_NODE", None, 0, 1023),
        traces=_integer(environment, "TRACES", "0", 0, 1) == 1,
        device=device,
        tensor_parallel=_integer(environment, "TENSOR_PARALLEL", "1", 1, MAX_GPUS),
    )
    if settings.replicas > settings.shards:
        raise UserError(f"REPLICAS={settings.replicas}: copies go to distinct shards, and there are SHARDS={settings.shards}")
    if settings.tensor_parallel > 1 and settings.device == "cpu":
        raise UserError(f"TENSOR_PARALLEL={settings.tensor_parallel}: GPUs compute together; set DEVICE=cuda")
    if settings.tensor_parallel > 1 and settings.mtp:
        raise UserError(f"TENSOR_PARALLEL={settings.tensor_parallel}: drafts (MTP=1) are computed by one GPU alone")
    if settings.placements > 1 and settings.etcd == "0":
        return dataclasses.replace(settings, etcd="1")
    return settings
