"""Two placements on one etcd: leaders die, freeze and lose etcd under load, and nobody notices."""

import signal
import unittest

from tests.testing.cluster import Cluster
from tests.testing.etcd import Etcd
from tests.testing.steady_load import SteadyLoad, metric, wait_for


def workers(placement):
    """How many workers this placement knows; only the leader knows any."""
    return metric(placement, "baleen_placement_workers") or 0


def epoch(placement):
    return metric(placement, "baleen_placement_epoch") or 0


class PlacementsTest(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        cls.load = SteadyLoad()

    def leader_and_follower(self, cluster):
        """Waits until one of the two leads everybody."""
        everybody = len(cluster.processes) - 2
        both = cluster.named("placement")
        wait_for(lambda: sorted(workers(one) for one in both) == [0, everybody], "no placement leads everybody")
        return sorted(both, key=workers, reverse=True)

    def wait_takeover(self, follower, everybody, after):
        wait_for(lambda: workers(follower) == everybody and epoch(follower) > after, "the follower has not taken over")

    def test_leaders_come_and_go(self):
        with Etcd() as etcd, Cluster(placements=2, etcd=etcd.address) as cluster, self.load.on(cluster) as load:
            load.more()
            leader, follower = self.leader_and_follower(cluster)
            everybody, before = workers(leader), epoch(leader)
            leader.stop(signal.SIGKILL)
            self.wait_takeover(follower, everybody, before)
            load.more()

            # The new leader moves experts, the old one comes back and follows.
            leader.start()
            added = cluster.start_expert(2)
            wait_for(lambda: added.ready() and metric(follower, "baleen_placement_pending_moves") == 0, "the new shard got no experts")
            load.more()
            self.assertEqual(workers(leader), 0)

            # A leader that freezes is replaced, and finds itself deposed when it wakes up.
            before = epoch(follower)
            follower.process.send_signal(signal.SIGSTOP)
            self.wait_takeover(leader, everybody + 1, before)
            follower.process.send_signal(signal.SIGCONT)
            wait_for(lambda: workers(follower) == 0, "the deposed leader does not know it")
            load.more()

            # Without etcd nobody leads, and everybody keeps the last map.
            etcd.process.kill()
            wait_for(lambda: workers(leader) == 0, "a leader whose lease has ended goes on")
            load.more()


if __name__ == "__main__":
    unittest.main()
