"""A cluster is rolled from one version to another under load, every role of it, and back: no request fails, and each one's tokens are those
of one version from its first to its last.

The versions differ in their numerics, so that their tokens differ. With UPGRADE_FROM=DIR (--test_env) the old version's binaries are
another build's, below DIR as they are below bazel-bin.
"""

import os
import pathlib
import signal
import unittest

from tests.testing.cluster import ROOT, Cluster, http_get
from tests.testing.inference import Client
from tests.testing.steady_load import PATIENCE_S, SteadyLoad, metric, wait_for

COMPUTING = ("expert", "prefill", "decode")
DTYPES = {"old": "bf16", "new": "f32"}
BUILDS = {"old": pathlib.Path(os.environ.get("UPGRADE_FROM") or ROOT), "new": ROOT}


def flags_of(version):
    return lambda name: [f"--dtype={DTYPES[version]}"] if name.startswith(COMPUTING) else []


class UpgradeTest(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        cls.load = SteadyLoad({version: {"own_flags": flags_of(version), "build": BUILDS[version]} for version in DTYPES})

    def leave(self, process):
        """As an orchestrator has it: SIGTERM, and it ends by itself."""
        process.process.send_signal(signal.SIGTERM)
        self.assertEqual(process.process.wait(PATIENCE_S), 0, process.log_tail())
        self.cluster.processes.remove(process)

    def replace(self, old, start):
        """A new process for an old one, which leaves when the new one is ready."""
        self.number += 1
        new = start(self.number)
        self.cluster.wait_ready([new])
        self.leave(old)
        return new

    def roll(self, load, version):
        """In the order of docs/operating.md: placement, all shards of the version, those that use them, the old shards, gateways."""
        cluster = self.cluster
        cluster.own_flags, cluster.build = flags_of(version), BUILDS[version]
        placement, = cluster.named("placement")
        self.leave(placement)
        cluster.processes.append(self.restarted(placement))
        old_shards = cluster.named("expert")
        self.number += len(old_shards)
        new_shards = [cluster.start_expert(self.number - index) for index in range(len(old_shards))]
        cluster.wait_ready(new_shards)
        load.more()
        for role in ("prefill", "decode"):
            for old in cluster.named(role):
                self.replace(old, lambda number, role=role: cluster.start_attention(role, number))
                load.more()
        for old in old_shards:
            self.leave(old)
        load.more()
        old, (cluster.gateway, _) = cluster.gateway, cluster.start_gateway()
        cluster.wait_ready([cluster.gateway])
        # A load balancer's part.
        load.client = Client(cluster)
        self.leave(old)
        load.answered.clear()
        load.more()
        self.assertEqual(set(load.answered), {version})

    def restarted(self, placement):
        """Placement in the same place, of the version that the cluster is on now; the workers have found it when this returns."""
        placement.use(self.cluster.build, "services/placement/baleen-placement")
        placement.start()
        everybody = len(self.cluster.processes)
        wait_for(lambda: metric(placement, "baleen_placement_workers") == everybody, "workers do not register again")
        return placement

    def test_there_and_back(self):
        self.number = 10
        # Else a request that changed its version half-way would not be seen.
        for old, new in zip(*self.load.expected.values(), strict=True):
            self.assertNotEqual(old, new)
        with Cluster(replicas=2, decode=2, worker_flags=["--local_prefill_tokens=4"], own_flags=flags_of("old"),
                     build=BUILDS["old"]) as self.cluster, self.load.on(self.cluster) as load:
            load.more()
            self.assertEqual(set(load.answered), {"old"})
            self.roll(load, "new")
            self.roll(load, "old")
            self.assertEqual(http_get(self.cluster.gateway.metrics_port, "/readyz")[0], 200)


if __name__ == "__main__":
    unittest.main()
