"""Experts come and go under load: no request fails, and every token is the one of the fault-free run."""

import re
import signal
import unittest

from tests.testing.cluster import Cluster, http_get
from tests.testing.steady_load import PATIENCE_S, SteadyLoad, metric, wait_for


class ElasticTest(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        cls.load = SteadyLoad()

    def wait_settled(self, cluster, shards):
        placement = cluster.named("placement")[0]
        settled = lambda: (  # noqa: E731
            all(shard.ready() for shard in shards) and metric(placement, "baleen_placement_pending_moves") == 0)
        wait_for(settled, "experts are still moving")

    def test_two_to_four_to_two_shards(self):
        with Cluster() as cluster, self.load.on(cluster) as load:
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
        with Cluster() as cluster:
            dead, living = cluster.named("expert")
            held = metric(living, "baleen_expert_loaded_experts")
            with self.load.on(cluster) as load:
                load.more()
                load.last()
                before = load.done
                dead.stop(signal.SIGKILL)
            # Those under way were parked until the living shard had loaded what was lost.
            self.assertGreater(load.done, before)
            self.assertEqual(metric(living, "baleen_expert_loaded_experts"), 2 * held)
            wait_for(lambda: http_get(cluster.rest_port, "/readyz")[0] == 200, "the gateway is not ready again")
            with self.load.on(cluster) as load:
                load.more()

    def test_placement_dies_and_comes_back(self):
        with Cluster() as cluster, self.load.on(cluster) as load:
            load.more()
            placement, shards = cluster.named("placement")[0], cluster.named("expert")
            epoch = metric(placement, "baleen_placement_epoch")
            placement.stop(signal.SIGKILL)
            load.more()
            placement.start()
            wait_for(lambda: (metric(placement, "baleen_placement_epoch") or 0) > epoch, "the epoch does not go on")
            self.wait_settled(cluster, shards)
            added = cluster.start_expert(2)
            self.wait_settled(cluster, [*shards, added])
            load.more()
            self.assertGreater(metric(added, "baleen_expert_rows_total"), 0)

    def test_uneven_load_moves_experts(self):
        flags = {"placement": ["--extra_slots=1", "--rebalance_period_s=0.2"]}
        with Cluster(shards=6, own_flags=lambda name: flags.get(name, [])) as cluster, self.load.on(cluster) as load:
            placement, shards = cluster.named("placement")[0], cluster.named("expert")
            moves = lambda: re.findall(  # noqa: E731
                r'"rebalance".*"imbalance_before": ?"?([\d.]+).*"imbalance_after": ?"?([\d.]+)', placement.log_path.read_text())
            wait_for(moves, "no experts are moved")
            self.wait_settled(cluster, shards)
            load.more()
            before, after = map(float, moves()[0])
            self.assertGreater(before, 1.1 * after)
            self.assertLess(metric(placement, "baleen_placement_imbalance"), before)


if __name__ == "__main__":
    unittest.main()
