"""What a cluster that is too small, starved or half upgraded is alerted of.

No history lies behind these alerts: the windows of a burn rate are as long as Prometheus has run.
"""

import contextlib
import signal
import threading
import unittest

from tests.metrics import load
from tests.metrics.fault_case import FIRE_TIMEOUT_S, FaultCase
from tests.testing.steady_load import metric


class FullTest(FaultCase):
    # 20 blocks of KV: room for one of the requests that come, or for two as long as they are short. The others wait rather than be refused.
    FLAGS = dict(shards=1, prefill=0, decode=1, worker_flags=["--role=both", "--kv_mib=1"], gateway_flags=["--max_expected_wait=30s"])

    def _hangs_full(self, shard):
        """Stops the shard when the decode worker's KV is full, so that it stays so."""
        decode, = self.cluster.named("decode")
        shard.process.send_signal(signal.SIGSTOP)
        if metric(decode, "baleen_kv_cache_usage_perc") > 0.9:
            return True
        shard.process.send_signal(signal.SIGCONT)
        return False

    def test_kv_is_full(self):
        shard, = self.cluster.named("expert")
        with self._under_load(4, 1180, "1 + 1"):
            self.assertTrue(self.prometheus.wait_for(lambda: self._hangs_full(shard), FIRE_TIMEOUT_S))
            self._fires("BaleenKvFull")
            shard.process.send_signal(signal.SIGCONT)
        self._ends("BaleenKvFull")

    def test_more_than_fits(self):
        with self._under_load(16, 1180, "1 + 1"):
            self._fires("BaleenRequestsWait")
            self._fires("BaleenTimeToFirstTokenBurnsFast")
            # With no history both windows of a slow burn are as short.
            self._fires("BaleenTimeToFirstTokenBurnsSlowly")
        self._ends("BaleenRequestsWait")

    def test_requests_that_do_not_fit(self):
        with self._under_load(2, 1500, "1 + 1"):
            self._fires("BaleenAvailabilityBurnsFast")
            self._fires("BaleenAvailabilityBurnsSlowly")
        self.assertEqual(load.chat(self.cluster, "1 + 1", max_tokens=2), 200)


class StarvedTest(FaultCase):
    # Two of the shards are another version's, which nobody uses: an upgrade that was left half-way.
    FLAGS = dict(shards=3, prefill=1, decode=1, worker_flags=["--local_prefill_tokens=0"],
                 own_flags=lambda name: ["--dtype=f32"] if name in ("expert-1", "expert-2") else [])

    @contextlib.contextmanager
    def _starved(self, process):
        """It runs for a hundredth of the time."""
        stop = threading.Event()

        def starve():
            while not stop.wait(0.003):
                process.process.send_signal(signal.SIGSTOP)
                stop.wait(0.3)
                process.process.send_signal(signal.SIGCONT)
        thread = threading.Thread(target=starve)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()

    def test_a_shard_without_cpu(self):
        with self._starved(self.cluster.named("expert-0")[0]), self._under_load(2, 60, "1 + 1"):
            self._fires("BaleenInterTokenLatencyBurnsFast")
            self._fires("BaleenInterTokenLatencyBurnsSlowly")

    def test_shards_that_nobody_uses(self):
        with self._under_load(2, 60):
            self._fires("BaleenExpertsUneven")

    def test_a_prefill_worker_that_hangs(self):
        prefill, = self.cluster.named("prefill")
        prefill.process.send_signal(signal.SIGSTOP)
        with self._under_load(4, 4):
            self._fires("BaleenPrefillFails")
        prefill.process.send_signal(signal.SIGCONT)
        self.cluster.wait_ready([prefill])


if __name__ == "__main__":
    unittest.main()
