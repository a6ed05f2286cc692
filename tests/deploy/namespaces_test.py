"""A cluster works under the chart's network policies, each process in a network namespace whose firewall enforces them, and nothing else is
let through. An emulation still: a network plugin has its own ways. Needs root and nftables."""

import os
import pathlib
import subprocess
import sys
import unittest

from tests.deploy import chart, reachability
from tests.deploy.network_test import CALLS
from tests.testing.cluster import Cluster, http_get
from tests.testing.fabric import HARNESS, Fabric
from tests.testing.inference import Client
from tests.testing.steady_load import wait_for

# Prints the numbers of the addresses that it could connect to.
DIAL = """
import socket, sys
for number, address in enumerate(sys.argv[1:]):
    host, port = address.split(":")
    try:
        socket.create_connection((host, int(port)), 10).close()
        print(number)
    except OSError:
        pass
"""


def role_of(process):
    return process.name.partition("-")[0]


def grpc(process):
    return f"{process.host}:{process.grpc_port}"


def metrics(process):
    return f"{process.host}:{process.metrics_port}"


def _firewall(process, *rules):
    for rule in rules:
        subprocess.run([*process.prefix, "nft", rule], check=True)


class NamespacesTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        try:
            fabric = cls.enterClassContext(Fabric())
        except OSError as error:
            if report := os.environ.get("XML_OUTPUT_FILE"):  # So that `make test` counts it as skipped.
                pathlib.Path(report).write_text(f'<testsuite><testcase name="{cls.__name__}"><skipped/></testcase></testsuite>')
            raise unittest.SkipTest(f"no network namespaces: {error}") from error
        cls.cluster = cls.enterClassContext(Cluster(shards=2, prefill=1, decode=2, replicas=2, fabric=fabric))

    def _enforce(self):
        """What the policies allow, in the firewall of each process. The harness stands for clients and Prometheus, and is left out."""
        objects = chart.render()
        pods = reachability.pods_of(objects, chart.NAMESPACE)
        ports = {port: dict(grpc="grpc_port", metrics="metrics_port")[name] for name, port in pods["decode"].ports}
        new = "iifname eth0 tcp flags & (syn | ack) == syn"
        for process in self.cluster.processes:
            for other in self.cluster.processes:
                for port, own in ports.items():
                    if reachability.reachable(objects, pods[role_of(other)], pods[role_of(process)], port):
                        accept = f"{new} ip saddr {other.host} tcp dport {getattr(process, own)} accept"
                        _firewall(process, f"add rule inet chaos in {accept}")
            _firewall(process, f"add rule inet chaos in {new} ip saddr != {HARNESS} reject with tcp reset")

    def _restart_all(self):
        """So that no connection is older than the rules."""
        for process in self.cluster.processes:
            process.process.kill()
            process.process.wait()
        for process in self.cluster.processes:
            process.start()
        self.cluster.wait_ready(self.cluster.processes)

    def _dialled(self, source, addresses):
        command = [*source.prefix, sys.executable, "-c", DIAL, *addresses]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
        return {addresses[int(number)] for number in done.stdout.split()}

    def _filled_by_the_prefill_worker(self, client):
        client.generate([0, *range(100, 160)], temperature=0, max_tokens=4)
        worker, = self.cluster.named("prefill")
        _, text = http_get(worker.metrics_port, "/metrics", worker.host)
        return any(line.startswith("baleen_kv_transfer_pages_total") and not line.endswith(" 0") for line in text.splitlines())

    def test_it_works_and_strangers_are_kept_out(self):
        processes = self.cluster.processes
        everything = {address(process) for process in processes for address in (grpc, metrics)}
        self.assertEqual(self._dialled(self.cluster.gateway, sorted(everything)), everything, "all is open before the rules")
        self._enforce()
        self._restart_all()
        client = Client(self.cluster)
        wait_for(lambda: self._filled_by_the_prefill_worker(client), "no prompt went through the prefill worker")
        for source in processes:
            allowed = {grpc(process) for process in processes if (role_of(source), role_of(process)) in CALLS}
            with self.subTest(source=source.name):
                self.assertEqual(self._dialled(source, sorted(everything - {grpc(source), metrics(source)})), allowed)


if __name__ == "__main__":
    unittest.main()
