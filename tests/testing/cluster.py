"""A real local cluster for tests: the shipped binaries on free loopback ports.

Thread-compatible. Everything started is ended, by pid, when the context exits; logs stay in the test's temporary directory and
their tails are shown when a process did not get ready.
"""

import contextlib
import os
import pathlib
import random
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

from tests.testing.slow_peer import Proxy, alias_of

ROOT = pathlib.Path(os.environ.get("TEST_SRCDIR", ".")) / os.environ.get("TEST_WORKSPACE", ".")
MODEL = ROOT / "checkpoints" / "abacus"
READY_TIMEOUT_S = 120


# The kernel gives connections ports from 32768 up (its default): one of those could be gone before its process listens.
PORTS = range(10240, 32768)
_given = set()


def free_port():
    """A port that was free a moment ago, and that this process was not given before."""
    while True:
        port = random.choice(PORTS)
        if port in _given:
            continue
        with contextlib.closing(socket.socket()) as probe:
            with contextlib.suppress(OSError):
                probe.bind(("127.0.0.1", port))
                _given.add(port)
                return port


def http_get(port, path, host="127.0.0.1"):
    """(status, body) of a GET; status 0 when nobody listens."""
    try:
        with urllib.request.urlopen(f"http://{host}:{port}{path}", timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
    except OSError:
        return 0, ""


class Process:
    """One service process: its address, its ports, its log, its end. `place` is (address, words before the command).

    `proxied`: others are told another address of the same place, where a proxy stands that can be slow. `build` is where the binaries lie.
    """

    def __init__(self, name, binary, flags, logs, place=("127.0.0.1", []), proxied=False, build=ROOT):
        self.name = name
        self.host, self.prefix = place
        advertised = alias_of(self.host) if proxied else self.host
        self.grpc_port = free_port()
        self.metrics_port = free_port()
        self.log_path = pathlib.Path(logs) / f"{name}.log"
        ports = [f"--bind={self.host}", f"--advertise={advertised}", f"--grpc_port={self.grpc_port}",
                 f"--metrics_port={self.metrics_port}"]
        self._flags = [*ports, *flags]
        self.use(build, binary)
        self.proxy = Proxy(self.prefix, advertised, self.grpc_port, self.host) if proxied else None
        self.start()

    def use(self, build, binary):
        """Starts after this are of another build."""
        self._command = [*self.prefix, str(build / binary), *self._flags]

    def start(self):
        """Starts it, or starts it again after its end: same flags, same ports, same log."""
        with open(self.log_path, "a") as log:
            self.process = subprocess.Popen(self._command, stdout=log, stderr=subprocess.STDOUT)

    def ready(self):
        return http_get(self.metrics_port, "/readyz", self.host)[0] == 200

    def log_tail(self):
        return "".join(self.log_path.read_text().splitlines(keepends=True)[-20:])

    def stop(self, signal_number=signal.SIGTERM, timeout_s=40):
        """Ends the process; its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal_number)
        return self.process.wait(timeout_s)


class Cluster:
    """A gateway, workers, shards and placement. Use as a context manager; ready on entry.

    `transport` is what workers stream over, `expert_transport` another one for the shards.
    `etcd` is the address of an etcd that several placements share; `common_flags` go to every process, `own_flags(name)` to the one of that
    name. With a fabric each process has a
    network namespace of its own. `build` and `own_flags` may change while it runs, for what is started then.
    Processes named in `proxied` stand behind a proxy (Process.proxy).
    `certificates` (tests/testing/certificates.py) put mTLS inside; without them a fabric's processes may speak plaintext beyond loopback.
    """

    def __init__(self, shards=2, prefill=1, decode=1, replicas=1, threads=1, model=MODEL, worker_flags=(), placements=1, etcd=None,
                 gateway_flags=(), common_flags=(), transport="auto", expert_transport=None, fabric=None, proxied=(),
                 certificates=None, own_flags=lambda name: (), build=ROOT):
        self.shards, self.prefill, self.decode, self.replicas = shards, prefill, decode, replicas
        self.threads, self.model, self.worker_flags = threads, model, list(worker_flags)
        self.placements, self.etcd, self.gateway_flags = placements, etcd, list(gateway_flags)
        self.common_flags, self.fabric, self.proxied = list(common_flags), fabric, proxied
        self.transport, self.expert_transport = transport, expert_transport or transport
        self.certificates, self.own_flags, self.build = certificates, own_flags, build
        self.processes = []
        self.rest_port = free_port()

    def __enter__(self):
        self.logs = tempfile.TemporaryDirectory()
        try:
            self._start()
            self.wait_ready(self.processes)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for process in reversed(self.processes):
            if process.process.poll() is None:
                process.process.kill()
            process.process.wait()
            if process.proxy:
                process.proxy.close()
        self.logs.cleanup()

    def _add(self, name, binary, flags):
        if self.certificates is not None:
            role = pathlib.PurePath(binary).name.removeprefix("baleen-")
            flags = [*flags, *self.certificates.flags(role)]
        elif self.fabric:
            flags = [*flags, "--allow_plaintext"]
        place = self.fabric.place(name) if self.fabric else ("127.0.0.1", [])
        process = Process(name, binary, [*flags, *self.common_flags, *self.own_flags(name)], self.logs.name, place, name in self.proxied,
                          self.build)
        self.processes.append(process)
        return process

    def start_expert(self, index):
        flags = [*self._common, f"--threads={self.threads}", f"--failure_domain=expert-{index}",
                 f"--transport={self.expert_transport}"]
        return self._add(f"expert-{index}", "services/expert/baleen-expert", flags)

    def start_attention(self, role, index):
        flags = [*self._common, f"--role={role}", f"--threads={self.threads}", "--kv_mib=64", f"--transport={self.transport}",
                 *self.worker_flags]
        return self._add(f"{role}-{index}", "services/attention/baleen-attention", flags)

    def start_gateway(self, rest_port=None, admin_port=None):
        """(process, REST port) of one more gateway. An admin port takes the place of one in gateway_flags."""
        rest_port = rest_port or free_port()
        name = f"gateway-{len(self.named('gateway'))}" if self.named("gateway") else "gateway"
        flags = [*self._common, f"--rest_port={rest_port}", *self.gateway_flags]
        flags += [f"--admin_port={admin_port}"] if admin_port else []
        return self._add(name, "services/gateway/baleen-gateway", flags), rest_port

    def _start(self):
        flags = [f"--expected_shards={self.shards}", f"--replicas={self.replicas}"] + ([f"--etcd={self.etcd}"] if self.etcd else [])
        for index in range(self.placements):
            self._add(f"placement-{index}" if index else "placement", "services/placement/baleen-placement", flags)
        self._placement_flag = "--placement=" + ",".join(f"{one.host}:{one.grpc_port}" for one in self.named("placement"))
        self._common = [self._placement_flag, f"--model={self.model}"]
        for index in range(self.shards):
            self.start_expert(index)
        for index in range(self.prefill):
            self.start_attention("prefill", index)
        for index in range(self.decode):
            self.start_attention("decode", index)
        self.gateway, _ = self.start_gateway(self.rest_port)

    def wait_ready(self, processes):
        """Returns when all of them are ready; RuntimeError with log tails when one ends or takes too long."""
        deadline = time.monotonic() + READY_TIMEOUT_S
        waiting = list(processes)
        while waiting:
            for process in list(waiting):
                if process.process.poll() is not None:
                    raise RuntimeError(f"{process.name} ended with {process.process.returncode}:\n{process.log_tail()}")
                if process.ready():
                    waiting.remove(process)
            if time.monotonic() > deadline:
                tails = "\n".join(f"--- {process.name}\n{process.log_tail()}" for process in waiting)
                raise RuntimeError(f"not ready after {READY_TIMEOUT_S} s:\n{tails}")
            time.sleep(0.05)

    def named(self, prefix):
        return [process for process in self.processes if process.name.startswith(prefix)]

    @property
    def base_url(self):
        return f"http://127.0.0.1:{self.rest_port}/v1"
