"""No room on the disk for logs, traces and shared weights: everything is served as ever."""

import pathlib
import unittest

from tests.testing.cluster import Cluster
from tests.testing.full_disk import FullDisk
from tests.testing.steady_load import SteadyLoad


class FullDiskTest(unittest.TestCase):

    def test_logs_traces_and_weights(self):
        load = SteadyLoad()
        with FullDisk() as disk:
            def own_flags(name):
                shares = name.startswith(("expert", "prefill", "decode"))
                return [f"--otlp_endpoint=file:{disk.path}/{name}.spans"] + ([f"--shared_weights={disk.path}/weights"] if shares else [])
            with Cluster(fabric=disk, own_flags=own_flags, gateway_flags=["--trace_sample=1"]) as cluster:
                with load.on(cluster) as running:
                    running.more(20)
                for process in cluster.processes:
                    with self.subTest(process.name):
                        self.assert_full(process, pathlib.Path(disk.path))
                        self.assertEqual(process.stop(), 0)

    def assert_full(self, process, path):
        """The process' own disk, as it sees it: full, nothing of weights and spans there, the log no longer than there was room."""
        seen = pathlib.Path(f"/proc/{process.process.pid}/root{path}")
        self.assertGreater((seen / "filler").stat().st_size, 60 << 10)
        self.assertEqual(sum(file.stat().st_size for file in seen.rglob("*") if file.is_file() and file.name != "filler"), 0)


if __name__ == "__main__":
    unittest.main()
