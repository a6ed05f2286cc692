"""The same prompts over and over, answers compared with those of a fault-free run as they come."""

import collections
import concurrent.futures
import contextlib
import re
import threading
import time

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


def wait_for(condition, what):
    """Returns when the condition is true; AssertionError after PATIENCE_S."""
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}, after {PATIENCE_S} s")
        time.sleep(0.05)


class Load:
    """Asks the same prompts over and over, one stream each, until told to stop. Answers are compared as they come.

    `expected` has the answers of each version that may answer; `answered` counts them by version. `client` may be changed: the next
    requests go to it.
    """

    def __init__(self, client, prompts, expected):
        self.client, self._prompts, self._expected = client, prompts, expected
        self._stop = threading.Event()
        self._changed = threading.Condition()
        self.done = 0
        self.answered = collections.Counter()

    def _ask(self, index):
        while not self._stop.is_set():
            answer = self.client.generate(self._prompts[index], timeout_s=60, **OPTIONS)
            version = next((name for name, answers in self._expected.items() if answer == answers[index]), None)
            if version is None:
                raise AssertionError(f"prompt {index}: {answer} instead of {[answers[index] for answers in self._expected.values()]}")
            with self._changed:
                self.done += 1
                self.answered[version] += 1
                self._changed.notify_all()

    def more(self, requests=STREAMS):
        """Waits until so many more requests were answered."""
        with self._changed:
            aim = self.done + requests
            if not self._changed.wait_for(lambda: self.done >= aim, PATIENCE_S):
                raise AssertionError(f"{requests - aim + self.done} of {requests} requests in {PATIENCE_S} s")

    def last(self):
        """Streams end with the request that they are at."""
        self._stop.set()

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


class SteadyLoad:
    """Prompts and the answers of a cluster without faults: of one for each version, which is a name and what its Cluster is given.

    `expected` has each version's answers, beside the prompts.
    """

    def __init__(self, versions=None):
        self.expected = {}
        for name, options in (versions or {"": {}}).items():
            with Cluster(**options) as cluster:
                client = Client(cluster)
                self._prompts = [[0, *client.tokenize(f"What is {n} * 12, and why?")] for n in range(STREAMS)]
                self.expected[name] = client.generate_all(self._prompts, STREAMS, **OPTIONS)

    def on(self, cluster):
        """A context manager that asks the cluster meanwhile."""
        return Load(Client(cluster), self._prompts, self.expected).running()
