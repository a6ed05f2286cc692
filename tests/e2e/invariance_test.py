"""The same request gives the same tokens and the same log-probabilities, to the bit, whatever the cluster around it looks like."""

import random
import unittest

from tests.testing.cluster import MODEL, ROOT, Cluster
from tests.testing.inference import Client
from tools.logits import logits

LOGITS = ROOT / "tools/logits/logits"

QUESTIONS = ["What is 4821 + 1397?", "Sort 5, 3, 99, 12.", "How many r are in strawberry?", "9.9 or 9.11: which is larger?",
             "What is 37 * 48?", "Hello!", "Tell me a joke about whales."]


def greedy_in_one_process(tokens, device="cpu"):
    """The most likely next token at every position of `tokens`."""
    return [max(range(len(row)), key=row.__getitem__) for row in logits.compute(LOGITS, MODEL, tokens, device)]


def prompts(client):
    """BOS and plain text: control tokens in text stay text."""
    return [[0, *client.tokenize(question)] for question in QUESTIONS]


class InvarianceTest(unittest.TestCase):

    def answers(self, concurrencies=(1,), repeat=1, **cluster_options):
        """Per concurrency, the greedy and the sampled answers of every question."""
        results = []
        with Cluster(**cluster_options) as cluster:
            client = Client(cluster)
            for concurrency in concurrencies:
                ids = prompts(client) * (repeat if concurrency > len(QUESTIONS) else 1)
                random.Random(concurrency).shuffle(order := list(range(len(ids))))
                shuffled = [ids[i] for i in order]
                greedy = client.generate_all(shuffled, concurrency, temperature=0, max_tokens=48, ignore_eos=True, logprobs=0)
                sampled = client.generate_all(shuffled, concurrency, temperature=1.2, seed=11, max_tokens=48, ignore_eos=True, logprobs=0)
                by_question = {}
                for i, pair in zip(order, zip(greedy, sampled)):
                    by_question.setdefault(i % len(QUESTIONS), set()).add(tuple(map(tuple, pair)))
                results.append([by_question[i] for i in range(len(QUESTIONS))])
            self.prompts = prompts(client)
        return results

    def test_batch_shards_threads_and_chunks(self):
        reference = self.answers(concurrencies=(1, 7, 64), repeat=10)
        for question, outcomes in zip(QUESTIONS, reference[0]):
            self.assertEqual(len(outcomes), 1, question)
            greedy, sampled = next(iter(outcomes))
            self.assertEqual(len(greedy), 48)
            self.assertNotEqual(greedy, sampled)
        for prompt, outcomes in zip(self.prompts, reference[0]):
            answer = [token for token, _ in next(iter(outcomes))[0]]
            self.assertEqual(greedy_in_one_process(prompt + answer)[len(prompt) - 1:-1], answer)
        variants = {"batch 7": reference[1], "batch 64": reference[2]}
        for name, options in {
                "one shard, two threads": dict(shards=1, threads=2),
                "four shards, two copies": dict(shards=4, replicas=2),
                "chunks of 1": dict(worker_flags=["--prefill_chunk=1", "--local_prefill_tokens=0"]),
                "chunks of 16": dict(worker_flags=["--prefill_chunk=16", "--local_prefill_tokens=0"]),
                "chunks of 64": dict(worker_flags=["--prefill_chunk=64", "--local_prefill_tokens=0"]),
                "no prefill worker": dict(prefill=0),
                "drafts": dict(worker_flags=["--mtp", "--local_prefill_tokens=0"]),
                "cold prefixes": dict(worker_flags=["--prefix_cache=false", "--local_prefill_tokens=0"]),
        }.items():
            variants[name] = self.answers(concurrencies=(7,), **options)[0]
        for name, result in variants.items():
            with self.subTest(variant=name):
                self.assertEqual(result, reference[0])

    def test_a_gpu(self):
        name, problem = logits.gpu(LOGITS)
        if problem:
            self.skipTest(problem)
        device = dict(own_flags=lambda process: [f"--device={name}"] if process.startswith(("prefill", "decode", "expert")) else [])
        ranks = ["--tensor_parallel=2"] if name == "cuda-emulated" else []  # A machine may have one GPU.
        one, = self.answers(shards=1, worker_flags=ranks, **device)
        for prompt, outcomes in zip(self.prompts, one):
            answer = [token for token, _ in next(iter(outcomes))[0]]
            self.assertEqual(greedy_in_one_process(prompt + answer, name)[len(prompt) - 1:-1], answer)
        flags = ["--prefill_chunk=7", "--local_prefill_tokens=0", "--mtp"]
        many, = self.answers(concurrencies=(7,), shards=3, replicas=2, prefill=2, decode=2, worker_flags=flags, **device)
        self.assertEqual(one, many)


if __name__ == "__main__":
    unittest.main()
