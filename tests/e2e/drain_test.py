"""The admin API has processes of every role leave a cluster under load: no request fails, every token is the fault-free run's."""

import json
import os
import subprocess
import sys
import unittest
import urllib.error
import urllib.request

from tests.testing.cluster import ROOT, Cluster, free_port
from tests.testing.inference import Client, inference_pb2
from tests.testing.steady_load import PATIENCE_S, SteadyLoad, metric, wait_for


class DrainTest(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        cls.load = SteadyLoad()
        cls.admin_port = free_port()
        cls.cluster = cls.enterClassContext(Cluster(shards=3, replicas=2, prefill=2, decode=3,
                                                    worker_flags=["--local_prefill_tokens=4", "--drain_timeout=10m"],
                                                    gateway_flags=[f"--admin_port={cls.admin_port}"]))

    def baleen(self, *words):
        """The command's output lines, about a cluster that it knows by its URL."""
        environment = {**os.environ, "BALEEN_URL": f"http://127.0.0.1:{self.cluster.rest_port}",
                       "BALEEN_ADMIN_URL": f"http://127.0.0.1:{self.admin_port}"}
        done = subprocess.run([sys.executable, ROOT / "tools/baleen/baleen", *words], env=environment, capture_output=True, text=True,
                              timeout=120)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout.splitlines()

    def known(self):
        """What placement knows of the cluster."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.admin_port}/admin/placement", timeout=10) as answer:
            return json.load(answer)

    def id_of(self, process):
        """What placement knows the process by; None when it does not."""
        by_address = {worker["address"]: worker["id"] for worker in self.known()["workers"]}
        return by_address.get(f"{process.host}:{process.grpc_port}")

    def refusal(self, worker_id):
        """Status and words of an answer that the worker does not drain."""
        url = f"http://127.0.0.1:{self.admin_port}/admin/drain"
        with self.assertRaises(urllib.error.HTTPError) as raised:
            urllib.request.urlopen(urllib.request.Request(url, json.dumps({"worker": worker_id}).encode()), timeout=10)
        return raised.exception.code, raised.exception.read().decode()

    def drain(self, process):
        leaving = self.id_of(process)
        self.assertEqual(self.baleen("drain", leaving), [f"{leaving} left"])
        self.assertIsNone(self.id_of(process))
        self.assertEqual(process.process.wait(PATIENCE_S), 0, process.log_tail())

    def test_every_role_leaves_and_nothing_fails(self):
        other_gateway, _ = self.cluster.start_gateway(admin_port=free_port())
        self.cluster.wait_ready([other_gateway])
        with self.load.on(self.cluster) as load:
            load.more()
            for leaving in (*(self.cluster.named(role)[0] for role in ("decode", "prefill", "expert")), other_gateway):
                self.drain(leaving)
                load.more()
            placement, = self.cluster.named("placement")
            epoch = metric(placement, "baleen_placement_epoch")
            self.assertEqual(self.baleen("drain", "placement"), ["the placement drains"])
            self.assertEqual(placement.process.wait(PATIENCE_S), 0, placement.log_tail())
            load.more()
            placement.start()
            wait_for(lambda: (metric(placement, "baleen_placement_epoch") or 0) > epoch, "the epoch does not go on")
            load.more()

            wait_for(lambda: self.known()["scale"]["decode"]["ready"] == 2, "placement does not know both decode workers")
            told, = self.baleen("scale", "decode=1")
            self.assertRegex(told, "^decode-.* left$")
            load.more()
            left = [process for process in self.cluster.named("decode") if self.id_of(process)]
            self.assertEqual(len(left), 1)
            for role, why in (("decode", "no other decode worker is ready"), ("expert", "would leave 1 expert shard, expected 2")):
                needed = next(worker_id for process in self.cluster.named(role) if (worker_id := self.id_of(process)))
                status, words = self.refusal(needed)
                self.assertEqual(status, 409)
                self.assertIn(why, words)
            load.more()

    def test_a_decode_worker_leaves_while_a_client_does_not_read(self):
        client = Client(self.cluster)
        options = inference_pb2.GenerationOptions(temperature=1.0, seed=3, max_tokens=1900, ignore_eos=True, logprobs=20)
        request = inference_pb2.GenerateRequest(model="abacus", options=options)
        request.token_ids.ids.extend([0, *client.tokenize("What is 2 + 2?")])

        def tokens(responses):
            return [(choice.token, choice.logprob) for response in responses for choice in response.logprobs]

        def busy():
            return [process for process in self.cluster.named("decode") if metric(process, "baleen_num_requests_running")]

        def failovers():
            return metric(self.cluster.gateway, "baleen_request_failovers_total")

        expected = tokens(client.stub.Generate(request, timeout=120))
        wait_for(lambda: not busy(), "a decode worker goes on with what has ended")
        before = failovers()
        stream = client.stub.Generate(request, timeout=120)
        begun = tokens([next(stream)])
        wait_for(busy, "no decode worker has the request")
        leaving, = busy()
        self.drain(leaving)
        self.assertEqual(begun + tokens(stream), expected)
        wait_for(lambda: failovers() == before + 1, "the request did not move")
        leaving.start()
        self.cluster.wait_ready([leaving])

    def test_an_unknown_worker_is_named(self):
        status, words = self.refusal("decode-of-nobody")
        self.assertEqual(status, 404)
        self.assertIn("decode-of-nobody", words)


if __name__ == "__main__":
    unittest.main()
