"""Real faults fire their alerts in a real Prometheus: a shard, a decode worker, placement and the gateway are killed, one after another.

Alerts wait 2 s here instead of their minutes; their expressions are the chart's.
"""

import threading
import unittest

from tests.metrics import load
from tests.metrics.prometheus import Prometheus
from tests.testing.cluster import Cluster

TIMEOUT_S = 25


class FaultsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        # One shard: nobody else can load its experts, so its death is their total loss.
        cls.cluster = cls.enterClassContext(Cluster(shards=1, prefill=1, decode=1, replicas=1))
        cls.prometheus = cls.enterClassContext(Prometheus(cls.cluster))

    def _fires(self, *names):
        wanted = set(names)
        came = self.prometheus.wait_for(lambda: wanted <= self.prometheus.firing(), TIMEOUT_S)
        self.assertTrue(came, f"fires: {self.prometheus.firing()}; wanted: {wanted}")

    def _kill(self, process):
        process.process.kill()
        process.process.wait()

    def test_faults_fire_their_alerts(self):
        load.chat(self.cluster, "1 + 1", max_tokens=4)
        self.assertTrue(self.prometheus.wait_for(lambda: self.prometheus.query("min(count_over_time(baleen_ready[1m])) >= 2"), TIMEOUT_S))
        self.assertEqual(self.prometheus.firing(), set())

        # Under way when the shard dies, so its rows wait.
        request = threading.Thread(target=load.chat_ignoring_the_end, args=(self.cluster, "2 + 2", 1500), daemon=True)
        request.start()
        running = 'baleen_num_requests_running{role="decode"} == 1'
        self.assertTrue(self.prometheus.wait_for(lambda: self.prometheus.query(running), TIMEOUT_S))
        self._kill(self.cluster.named("expert")[0])
        self._fires("BaleenExpertLost", "BaleenProcessDown", "BaleenWorkersExpire", "BaleenNoDecodeReady", "BaleenProcessNotReady")

        self._kill(self.cluster.named("decode")[0])
        self._kill(self.cluster.named("placement")[0])
        self._fires("BaleenPlacementDown", "BaleenNoDecodeReady")

        self._kill(self.cluster.gateway)
        self._fires("BaleenNoGatewayReady")
        request.join(TIMEOUT_S)


if __name__ == "__main__":
    unittest.main()
