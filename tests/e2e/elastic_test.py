"""Experts come and go under load: no request fails, and every token is the one of the fault-free run."""

import concurrent.futures
import contextlib
import re
import signal
import threading
import time
import unittest

from tests.testing.cluster import Cluster, http_get
from tests.testing.inference import Client

STREAMS = 6
OPTIONS = dict(temperature=1.0, seed=5, max_tokens=40, ignore_eos=True, logprobs=0)
PATIENCE_S = 30


def metric(process, name):
    """Sum of a metric over its labels; None when the process does not say."""
    _, text = http_get(process.metrics_port, "/metrics")
    values = re.findall(rf"^{name}(?:{{.*}})? (\S+)$", text, re.MULTILINE)
    return sum(map(float, values)) if values else None


class Load:
    """Asks the same prompts over and over, one stream each, until told to stop. Answers are compared as they come."""

    def __init__(self, client, prompts, expected):
        self._client, self._prompts, self._expected = client, prompts, expected
        self._stop = threading.Event()
        self._changed = threading.Condition()
        self.done = 0

    def _ask(self, index):
        while not self._stop.is_set():
            answer = self._client.generate(self._prompts[index], timeout_s=60, **OPTIONS)
            if answer != self._expected[index]:
                raise AssertionError(f"prompt {index}: {answer} instead of {self._expected[index]}")
            with self._changed:
                self.done += 1
                self._changed.notify_all()

    def more(self, requests=STREAMS):
        """Waits until so many more requests were answered."""
        with self._changed:
            aim = self.done + requests
            if not self._changed.wait_for(lambda: self.done >= aim, PATIENCE_S):
                raise AssertionError(f"{requests - aim + self.done} of {requests} requests in {PATIENCE_S} s")

    @contextlib.contextmanager
    def running(self):
        """Runs while the context does; what went wrong in a stream is raised at its end."""
        with concurrent.futures.ThreadPoolExecutor(STREAMS) as pool:
            streams = [pool.submit(self._ask, index) for index in range(STREAMS)]
            try:
                yield self
            finally:
                self._stop.set()
            for stream in streams:
                stream.result()


class ElasticTest(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        with Cluster() as cluster:
            client = Client(cluster)
            cls.prompts = [[0, *client.tokenize(f"What is {n} * 12, and why?")] for n in range(STREAMS)]
            cls.expected = client.generate_all(cls.prompts, STREAMS, **OPTIONS)

    def load(self, cluster):
        return Load(Client(cluster), self.prompts, self.expected).running()

    def wait_for(self, condition, what):
        deadline = time.monotonic() + PATIENCE_S
        while not condition():
            self.assertLess(time.monotonic(), deadline, what)
            time.sleep(0.05)

    def wait_settled(self, cluster, shards):
        placement = cluster.named("placement")[0]
        settled = lambda: (  # noqa: E731
            all(shard.ready() for shard in shards) and metric(placement, "baleen_placement_pending_moves") == 0)
        self.wait_for(settled, "experts are still moving")

    def test_two_to_four_to_two_shards(self):
        with Cluster() as cluster, self.load(cluster) as load:
            load.more()
            old = cluster.named("expert")
            new = [cluster.start_expert(index) for index in (2, 3)]
            self.wait_settled(cluster, old + new)
            held = [metric(shard, "baleen_expert_loaded_experts") for shard in old + new]
            self.assertEqual(len(set(held)), 1, held)
            load.more()
            for shard in new:
                self.assertGreater(metric(shard, "baleen_expert_rows_total"), 0)
            # Those leave that held everything at the start.
            for shard in old:
                shard.process.send_signal(signal.SIGTERM)
            for shard in old:
                self.assertEqual(shard.process.wait(PATIENCE_S), 0, shard.log_tail())
            self.wait_settled(cluster, new)
            load.more()
            self.assertEqual([metric(shard, "baleen_expert_loaded_experts") for shard in new], [2 * held[0]] * 2)

    def test_death_of_the_only_copy(self):
        with Cluster() as cluster, self.load(cluster) as load:
            load.more()
            dead, living = cluster.named("expert")
            before = metric(living, "baleen_expert_loaded_experts")
            dead.stop(signal.SIGKILL)
            load.more(2 * STREAMS)
            self.assertEqual(metric(living, "baleen_expert_loaded_experts"), 2 * before)

    def test_placement_dies_and_comes_back(self):
        with Cluster() as cluster, self.load(cluster) as load:
            load.more()
            placement, shards = cluster.named("placement")[0], cluster.named("expert")
            epoch = metric(placement, "baleen_placement_epoch")
            placement.stop(signal.SIGKILL)
            load.more()
            placement.start()
            self.wait_for(lambda: (metric(placement, "baleen_placement_epoch") or 0) > epoch, "the epoch does not go on")
            self.wait_settled(cluster, shards)
            added = cluster.start_expert(2)
            self.wait_settled(cluster, [*shards, added])
            load.more()
            self.assertGreater(metric(added, "baleen_expert_rows_total"), 0)


if __name__ == "__main__":
    unittest.main()
