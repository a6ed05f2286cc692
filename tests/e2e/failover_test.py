"""kill -9 of one worker under load: no request fails, and every token is the one of the fault-free run."""

import concurrent.futures
import signal
import threading
import unittest

from tests.testing.cluster import Cluster
from tests.testing.inference import Client, inference_pb2
from tests.testing.prefill import total_of

STREAMS = 12
TOKENS = 200
LONG = 1500  # So many that its worker dies before it ends.


class FailoverTest(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        with Cluster() as cluster:
            client = Client(cluster)
            questions = [f"What is {n} + {n * 7}? Then sort {n}, 4, 99 and say hello, slowly." for n in range(STREAMS)]
            cls.prompts = [[0, *client.tokenize(question)] for question in questions]
            cls.expected = client.generate_all(cls.prompts, STREAMS, **cls.options())
            cls.expected_long = client.generate_all(cls.prompts[:1], 1, **cls.options(LONG))

    @staticmethod
    def options(max_tokens=TOKENS):
        return dict(temperature=1.0, seed=3, max_tokens=max_tokens, ignore_eos=True, logprobs=0)

    def stream(self, client, prompt, first_tokens, max_tokens=TOKENS):
        """One request's (token, log-probability) pairs; tells `first_tokens` when 20 tokens are there."""
        request = inference_pb2.GenerateRequest(model="abacus", options=inference_pb2.GenerationOptions(**self.options(max_tokens)))
        request.token_ids.ids.extend(prompt)
        tokens = []
        for response in client.stub.Generate(request, timeout=60):
            tokens.extend((choice.token, choice.logprob) for choice in response.logprobs)
            if len(tokens) == 20:
                first_tokens.release()
        return tokens

    def run_with_kill(self, victim, fault=signal.SIGKILL, **cluster_options):
        with Cluster(**cluster_options) as cluster:
            client = Client(cluster)
            first_tokens = threading.Semaphore(0)
            with concurrent.futures.ThreadPoolExecutor(STREAMS) as pool:
                streams = [pool.submit(self.stream, client, prompt, first_tokens) for prompt in self.prompts]
                for _ in range(STREAMS // 2):
                    self.assertTrue(first_tokens.acquire(timeout=60))
                process = cluster.named(victim)[0].process
                process.send_signal(fault)
                answers = [stream.result() for stream in streams]
                if fault == signal.SIGSTOP:
                    self.wake(cluster, client, process)
        self.assertEqual(answers, self.expected)

    def wake(self, cluster, client, process):
        """What a stopped worker still has to say when it wakes changes nothing."""
        process.send_signal(signal.SIGCONT)
        self.assertEqual(client.generate_all(self.prompts[:2], 2, **self.options()), self.expected[:2])
        self.assertIsNone(process.poll())

    def test_stopped_decode_worker(self):
        self.run_with_kill("decode", fault=signal.SIGSTOP, decode=2)

    def test_decode_worker(self):
        self.run_with_kill("decode", decode=2)

    def test_a_sequence_goes_on_from_the_copy_at_its_standby(self):
        with Cluster(decode=2) as cluster:
            client = Client(cluster)
            first_tokens = threading.Semaphore(0)
            with concurrent.futures.ThreadPoolExecutor(1) as pool:
                stream = pool.submit(self.stream, client, self.prompts[0], first_tokens, LONG)
                first_tokens.acquire(timeout=60)
                victim, survivor = self.wait_for_copies(cluster)
                victim.process.kill()
                self.assertEqual([stream.result()], self.expected_long)
            self.assertGreaterEqual(total_of(survivor, "baleen_prefix_cache_hits_total"), len(self.prompts[0]))
            self.assertEqual(total_of(survivor, "baleen_remote_prefills_total"), 0)

    def wait_for_copies(self, cluster):
        """The decode worker whose sequence has a block at the other one, and the other one."""
        workers = cluster.named("decode")
        while True:
            for victim, survivor in (workers, reversed(workers)):
                if total_of(victim, "baleen_kv_standby_blocks_total", 'result="kept"') > 0:
                    return victim, survivor

    def test_prefill_worker(self):
        self.run_with_kill("prefill", worker_flags=["--local_prefill_tokens=0", "--prefill_chunk=4"])

    def test_expert_shard_with_a_replica(self):
        self.run_with_kill("expert", replicas=2)

    def test_placement(self):
        self.run_with_kill("placement")


if __name__ == "__main__":
    unittest.main()
