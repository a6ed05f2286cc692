"""A client that leaves, in whatever phase its request is, frees its place, its compute and its KV everywhere."""

import http.client
import json
import time
import unittest

from tests.testing.cluster import Cluster, http_get

PATIENCE_S = 20
# With 4 MiB of KV a worker holds few of these.
LONG = {"model": "abacus", "prompt": "17 plus 4 is", "max_tokens": 1500, "ignore_eos": True, "stream": True}


def metric(process, name):
    """The value of a metric without labels."""
    for line in http_get(process.metrics_port, "/metrics")[1].splitlines():
        if line.startswith(name + " "):
            return float(line.split()[1])
    raise KeyError(name)


class DisconnectTest(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        cls.cluster = Cluster(worker_flags=["--kv_mib=4", "--local_prefill_tokens=0", "--prefill_chunk=2"])
        cls.cluster.__enter__()
        cls.addClassCleanup(cls.cluster.__exit__)
        cls.gateway = cls.cluster.gateway
        cls.prefill, = cls.cluster.named("prefill")
        cls.decode, = cls.cluster.named("decode")

    def ask(self, **fields):
        """An open connection with its request sent and nothing read."""
        connection = http.client.HTTPConnection("127.0.0.1", self.cluster.rest_port, timeout=60)
        connection.request("POST", "/v1/completions", json.dumps({**LONG, **fields}), {"content-type": "application/json"})
        return connection

    def wait_for(self, what, condition):
        deadline = time.monotonic() + PATIENCE_S
        while not condition():
            self.assertLess(time.monotonic(), deadline, what)
            time.sleep(0.02)

    def expect_all_free(self):
        for process in (self.prefill, self.decode):
            for name in ("baleen_num_requests_running", "baleen_num_requests_waiting", "baleen_kv_cache_usage_perc"):
                self.wait_for(f"{process.name} {name}", lambda process=process, name=name: metric(process, name) == 0)
        for name in ("baleen_num_requests_running", "baleen_num_requests_waiting", "baleen_admission_running_tokens"):
            self.wait_for(f"gateway {name}", lambda name=name: metric(self.gateway, name) == 0)

    def test_in_decode(self):
        connection = self.ask()
        answer = connection.getresponse()
        for _ in range(30):
            answer.readline()
        self.assertGreater(metric(self.decode, "baleen_num_requests_running"), 0)
        connection.close()
        answer.close()
        self.expect_all_free()

    def test_in_prefill(self):
        connection = self.ask(prompt=[7] * 1200, max_tokens=64)
        self.wait_for("the fill runs", lambda: metric(self.prefill, "baleen_num_requests_running") > 0)
        connection.close()
        self.expect_all_free()

    def test_in_the_queue(self):
        connections = []
        self.addCleanup(lambda: [connection.close() for connection in connections])
        while metric(self.gateway, "baleen_num_requests_waiting") < 2:
            connections.append(self.ask())
            self.assertLess(len(connections), 200, "nothing ever waits")
        for connection in reversed(connections):
            connection.close()
        self.expect_all_free()


if __name__ == "__main__":
    unittest.main()
