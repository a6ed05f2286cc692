"""A request under which two workers die is given up, so that it cannot take the third one too; others are answered."""

import concurrent.futures
import signal
import time
import unittest

import grpc

from tests.testing.cluster import Cluster
from tests.testing.inference import Client
from tests.testing.steady_load import metric

PATIENCE_S = 60
OPTIONS = dict(temperature=0.0, max_tokens=8, ignore_eos=True, logprobs=0)


class PoisonTest(unittest.TestCase):

    def runs_it(self, workers):
        """The one worker that has a sequence, as soon as it has."""
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            for worker in workers:
                if metric(worker, "baleen_num_requests_running"):
                    return worker
        self.fail("no worker runs the request")

    def test_a_poison_request_costs_two_workers_and_no_more(self):
        # One row a step, so that the prompt is far from done when its worker ends.
        flags = ["--local_prefill_tokens=4096", "--prefill_chunk=1"]
        with Cluster(decode=3, worker_flags=flags) as cluster, concurrent.futures.ThreadPoolExecutor(1) as pool:
            client = Client(cluster)
            prompt = [0, *client.tokenize("Say hello. " * 400)][:1900]
            # The metric follows the step loop, so the worker is found while it fills the prompt.
            poison = pool.submit(client.generate, prompt, **OPTIONS)
            alive = cluster.named("decode")
            for _ in range(2):
                victim = self.runs_it(alive)
                victim.stop(signal.SIGKILL)
                alive.remove(victim)
            with self.assertRaises(grpc.RpcError) as given_up:
                poison.result(PATIENCE_S)
            self.assertEqual(given_up.exception.code(), grpc.StatusCode.DATA_LOSS)
            self.assertIsNone(alive[0].process.poll(), "the third worker is spared")
            self.assertEqual(len(client.generate([0, *client.tokenize("What is 2 + 2?")], **OPTIONS)), OPTIONS["max_tokens"])


if __name__ == "__main__":
    unittest.main()
