"""gRPC or UCX between workers: the same tokens, the same survival of a killed worker, and gRPC where one end has no UCX."""

import concurrent.futures
import signal
import threading
import unittest

from tests.testing.cluster import Cluster
from tests.testing.inference import Client, inference_pb2
from tests.testing.prefill import await_prefill_worker, total

# Long enough for a prefill worker to fill them and push their KV.
QUESTIONS = [f"What is {n} + {n * 7}? Then sort {n}, 4, 99, add 17 to each of them, and say hello, slowly." for n in range(8)]
TOKENS = 150
OPTIONS = dict(temperature=1.0, seed=5, max_tokens=TOKENS, ignore_eos=True, logprobs=0)


def prompts(client):
    return [[0, *client.tokenize(question)] for question in QUESTIONS]


class TransportTest(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        with Cluster(transport="grpc") as cluster:
            client = Client(cluster)
            await_prefill_worker(cluster, client)
            cls.expected = client.generate_all(prompts(client), len(QUESTIONS), **OPTIONS)

    def run_with_kill(self, victim, **cluster_options):
        with Cluster(**cluster_options) as cluster:
            client = Client(cluster)
            under_way = threading.Semaphore(0)

            def stream(prompt):
                request = inference_pb2.GenerateRequest(model="abacus", options=inference_pb2.GenerationOptions(**OPTIONS))
                request.token_ids.ids.extend(prompt)
                tokens = []
                for response in client.stub.Generate(request, timeout=60):
                    tokens.extend((choice.token, choice.logprob) for choice in response.logprobs)
                    if len(tokens) == 10:
                        under_way.release()
                return tokens

            with concurrent.futures.ThreadPoolExecutor(len(QUESTIONS)) as pool:
                streams = [pool.submit(stream, prompt) for prompt in prompts(client)]
                for _ in range(len(QUESTIONS) // 2):
                    self.assertTrue(under_way.acquire(timeout=60))
                cluster.named(victim)[0].process.send_signal(signal.SIGKILL)
                answers = [stream.result() for stream in streams]
            self.assertEqual(total(cluster, "baleen_transport_fallbacks_total"), 0)
        self.assertEqual(answers, self.expected)

    def test_ucx_gives_the_same_tokens(self):
        with Cluster(transport="ucx") as cluster:
            client = Client(cluster)
            await_prefill_worker(cluster, client)
            self.assertEqual(client.generate_all(prompts(client), len(QUESTIONS), **OPTIONS), self.expected)
            self.assertEqual(total(cluster, "baleen_transport_fallbacks_total"), 0)

    def test_a_peer_without_ucx_is_reached_over_grpc(self):
        with Cluster(transport="auto", expert_transport="grpc") as cluster:
            client = Client(cluster)
            self.assertEqual(client.generate_all(prompts(client), len(QUESTIONS), **OPTIONS), self.expected)
            self.assertGreater(total(cluster, "baleen_transport_fallbacks_total"), 0)
            self.assertIn("ucx_falls_back_to_grpc", cluster.named("decode")[0].log_path.read_text())

    def test_expert_shard_dies_over_ucx(self):
        self.run_with_kill("expert", transport="ucx", shards=2, replicas=2)

    def test_prefill_worker_dies_over_ucx(self):
        self.run_with_kill("prefill", transport="ucx", prefill=2)

    def test_decode_worker_dies_over_ucx(self):
        self.run_with_kill("decode", transport="ucx", decode=2)

    def test_expert_shard_dies_over_grpc(self):
        self.run_with_kill("expert", transport="grpc", shards=2, replicas=2)


if __name__ == "__main__":
    unittest.main()
