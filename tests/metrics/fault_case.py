"""A cluster under a real Prometheus, in which a test makes faults and sees their alerts come and go.

Alerts wait 2 s here instead of their minutes; their expressions are the chart's.
"""

import concurrent.futures
import contextlib
import threading
import unittest

from tests.metrics import load
from tests.metrics.prometheus import Prometheus
from tests.testing.cluster import Cluster

FIRE_TIMEOUT_S = 40
LONG = "and then " * 20


class FaultCase(unittest.TestCase):
    """A cluster under Prometheus, in which nothing fires at first."""

    FLAGS = {}

    @classmethod
    def setUpClass(cls):
        cls.cluster = cls.enterClassContext(Cluster(**cls.FLAGS))
        cls.prometheus = cls.enterClassContext(Prometheus(cls.cluster))
        if not cls.prometheus.wait_for(lambda: cls.prometheus.query("min(count_over_time(baleen_ready[1m])) >= 2"), FIRE_TIMEOUT_S):
            raise RuntimeError("Prometheus does not scrape every process")

    def _fires(self, name):
        came = self.prometheus.wait_for(lambda: name in self.prometheus.firing(), FIRE_TIMEOUT_S)
        self.assertTrue(came, f"{name} does not fire, but {self.prometheus.firing()}")

    def _ends(self, name):
        gone = self.prometheus.wait_for(lambda: name not in self.prometheus.firing(), FIRE_TIMEOUT_S)
        self.assertTrue(gone, f"{name} still fires")

    @contextlib.contextmanager
    def _under_load(self, users, max_tokens, text=LONG):
        """Chats one after another; requests may fail."""
        stop = threading.Event()

        def ask():
            while not stop.is_set():
                load.chat_ignoring_the_end(self.cluster, text, max_tokens)
        with concurrent.futures.ThreadPoolExecutor(users) as pool:
            for _ in range(users):
                pool.submit(ask)
            try:
                yield
            finally:
                stop.set()
