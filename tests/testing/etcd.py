"""Debian's etcd on free loopback ports: one member, its data in a temporary directory."""

import subprocess
import tempfile
import time

from tests.testing.cluster import free_port, http_get

READY_TIMEOUT_S = 30


class Etcd:
    """Use as a context manager; healthy on entry. `address` is host:port for clients. `place` as Process's.

    `certificates` make it speak TLS, to placements alone.
    """

    def __init__(self, place=("127.0.0.1", []), certificates=None):
        self._certificates = certificates
        self._host, self._prefix = place

    def __enter__(self):
        self._directory = tempfile.TemporaryDirectory()
        client, peer, self._metrics = free_port(), free_port(), free_port()
        scheme = "http" if self._certificates is None else "https"
        self.address = f"{self._host}:{client}"
        self._command = [
            *self._prefix, "/usr/bin/etcd", "--name=test", f"--data-dir={self._directory.name}/data",
            f"--listen-client-urls={scheme}://{self.address}", f"--advertise-client-urls={scheme}://{self.address}",
            f"--listen-peer-urls=http://127.0.0.1:{peer}", f"--initial-advertise-peer-urls=http://127.0.0.1:{peer}",
            f"--initial-cluster=test=http://127.0.0.1:{peer}", f"--listen-metrics-urls=http://{self._host}:{self._metrics}",
            *(self._certificates.etcd_flags() if self._certificates is not None else ()),
        ]
        self.start()
        return self

    def start(self):
        """Starts it, or starts it again after its end: same ports, same data. Healthy on return."""
        with open(f"{self._directory.name}/log", "a") as log:
            self.process = subprocess.Popen(self._command, stdout=log, stderr=subprocess.STDOUT)
        deadline = time.monotonic() + READY_TIMEOUT_S
        while http_get(self._metrics, "/health", self._host)[0] != 200:
            if self.process.poll() is not None or time.monotonic() > deadline:
                log = open(f"{self._directory.name}/log").read()
                self.__exit__()
                raise RuntimeError(f"etcd is not healthy:\n{log[-2000:]}")
            time.sleep(0.05)

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self._directory.cleanup()
