"""Expert shards that stop answering or die alone: requests wait or go elsewhere, and their tokens stay the fault-free run's."""

import concurrent.futures
import signal
import threading
import unittest

from tests.testing.cluster import Cluster, http_get
from tests.testing.inference import Client, inference_pb2

STREAMS = 6
TOKENS = 120
OPTIONS = dict(temperature=1.0, seed=11, max_tokens=TOKENS, ignore_eos=True, logprobs=0)


def metric(process, name):
    """The value of a metric without labels."""
    for line in http_get(process.metrics_port, "/metrics")[1].splitlines():
        if line.startswith(name + " "):
            return float(line.split()[1])
    raise KeyError(name)


class ExpertFaultsTest(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        with Cluster() as cluster:
            client = Client(cluster)
            cls.prompts = [[0, *client.tokenize(f"What is {n} * 12? Count to {n} aloud.")] for n in range(STREAMS)]
            cls.expected = client.generate_all(cls.prompts, STREAMS, **OPTIONS)

    def stream(self, client, prompt, some_tokens):
        """One request's (token, log-probability) pairs; tells `some_tokens` when 20 tokens are there."""
        request = inference_pb2.GenerateRequest(model="abacus", options=inference_pb2.GenerationOptions(**OPTIONS))
        request.token_ids.ids.extend(prompt)
        tokens = []
        for response in client.stub.Generate(request, timeout=60):
            tokens.extend((choice.token, choice.logprob) for choice in response.logprobs)
            if len(tokens) == 20:
                some_tokens.release()
        return tokens

    def answers_with(self, cluster, fault):
        """All streams' answers, with `fault` called once half of them are under way."""
        client = Client(cluster)
        some_tokens = threading.Semaphore(0)
        with concurrent.futures.ThreadPoolExecutor(STREAMS) as pool:
            streams = [pool.submit(self.stream, client, prompt, some_tokens) for prompt in self.prompts]
            for _ in range(STREAMS // 2):
                self.assertTrue(some_tokens.acquire(timeout=60))
            fault()
            return [stream.result() for stream in streams]

    def test_a_stopped_replica_is_hedged_and_ejected(self):
        with Cluster(replicas=2) as cluster:
            victim = cluster.named("expert")[0].process
            try:
                answers = self.answers_with(cluster, lambda: victim.send_signal(signal.SIGSTOP))
                hedges = metric(cluster.named("decode")[0], "baleen_router_hedges_total")
            finally:
                victim.send_signal(signal.SIGCONT)
        self.assertEqual(answers, self.expected)
        self.assertGreaterEqual(hedges, 1)

    def test_rows_wait_while_another_shard_takes_over_the_only_copy(self):
        with Cluster() as cluster:

            def replace():
                cluster.named("expert")[0].stop(signal.SIGKILL)
                cluster.start_expert(2)

            answers = self.answers_with(cluster, replace)
        self.assertEqual(answers, self.expected)


if __name__ == "__main__":
    unittest.main()
