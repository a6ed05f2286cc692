"""What the sweeps measure: shards alone, or a whole cluster, and how much memory their processes use."""

import contextlib
import dataclasses
import json
import os
import pathlib
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request


@dataclasses.dataclass(frozen=True)
class Running:
    """Processes, and where they are asked: a gateway's port for REST, or a placement's."""

    port: int
    pids: list[int]

    def memory_mib(self):
        """What they use of the machine's memory together; pages that several have mapped count once (the kernel's Pss)."""
        kib = 0
        for pid in self.pids:
            lines = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
            kib += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
        return kib / 1024


def _free_port():
    with contextlib.closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def experts(binaries, model, dtype, shards, threads):
    """A placement and its shards; gives the shards with the placement's port."""
    port = _free_port()
    address = f"127.0.0.1:{port}"
    placement = ["services/placement/baleen-placement", f"--grpc_port={port}", f"--expected_shards={shards}", "--replicas=1"]
    shard = ["services/expert/baleen-expert", f"--model={model}", f"--dtype={dtype}", f"--placement={address}", f"--threads={threads}"]
    commands = [placement] + [[*shard, f"--grpc_port={_free_port()}", f"--failure_domain={i}"] for i in range(shards)]
    started = []
    try:
        for words in commands:
            command = [str(binaries / words[0]), "--bind=127.0.0.1", *words[1:]]
            started.append(subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        yield Running(port, [process.pid for process in started[1:]])
    finally:
        for process in started:
            process.kill()
        for process in started:
            process.wait()


@contextlib.contextmanager
def cluster(command, model, **settings):
    """A cluster as `make up` starts it, with the port of its first gateway."""
    with tempfile.TemporaryDirectory() as directory:
        environment = dict(os.environ, CLUSTER_DIR=directory, PORT_BASE="free", MODEL=str(model), **settings)
        subprocess.run([str(command), "up"], check=True, env=environment)
        try:
            processes = json.loads((pathlib.Path(directory) / "state.json").read_text())["processes"]
            port = next(process["rest"] for process in processes if process["rest"] is not None)
            yield Running(port, [process["pid"] for process in processes])
        finally:
            subprocess.run([str(command), "down"], check=True, env=environment)


def ask(port, path, **body):
    """(usage, seconds) of one request. Who is refused because too many wait comes back when told to, as clients do; its time goes on."""
    url, headers = f"http://127.0.0.1:{port}{path}", {"Content-Type": "application/json"}
    request = urllib.request.Request(url, json.dumps({"temperature": 0, **body}).encode(), headers)
    start = time.monotonic()
    while True:
        try:
            with urllib.request.urlopen(request, timeout=600) as answer:
                return json.load(answer)["usage"], time.monotonic() - start
        except urllib.error.HTTPError as error:
            if error.code not in (429, 503) or error.headers["Retry-After"] is None:
                raise
            time.sleep(float(error.headers["Retry-After"]))
