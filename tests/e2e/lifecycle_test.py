"""Processes tell the truth about themselves and leave when asked to."""

import unittest

from tests.testing.cluster import Cluster, http_get


class LifecycleTest(unittest.TestCase):

    def test_endpoints_and_graceful_end(self):
        with Cluster() as cluster:
            self.assertEqual(len(cluster.processes), 6)
            for process in cluster.processes:
                with self.subTest(process=process.name):
                    self.assertEqual(http_get(process.metrics_port, "/livez")[0], 200)
                    self.assertEqual(http_get(process.metrics_port, "/readyz")[0], 200)
                    status, metrics = http_get(process.metrics_port, "/metrics")
                    self.assertEqual(status, 200)
                    self.assertIn("baleen_", metrics)
            self.assertEqual(http_get(cluster.rest_port, "/readyz")[0], 200)
            for process in reversed(cluster.processes):
                with self.subTest(process=process.name):
                    self.assertEqual(process.stop(), 0, process.log_tail())

    def test_gateway_is_not_ready_without_decode(self):
        with Cluster() as cluster:
            self.assertEqual(cluster.named("decode")[0].stop(), 0)
            status, reason = http_get(cluster.rest_port, "/readyz")
            self.assertEqual(status, 503, reason)
            self.assertIn("decode", reason)


if __name__ == "__main__":
    unittest.main()
