"""Bits that flip on their way between processes: no token is another one, and no request fails."""

import unittest

from tests.testing.cluster import Cluster
from tests.testing.steady_load import SteadyLoad, metric, wait_for


class FlippedBitsTest(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        cls.load = SteadyLoad()

    def test_rows_and_replies_of_experts(self):
        # Frames over gRPC have a checksum; shared memory is not a way on which bits flip.
        with Cluster(replicas=2, transport="grpc", proxied=("expert-0",)) as cluster, self.load.on(cluster) as load:
            load.more()
            damaged = cluster.named("expert-0")[0]
            before = metric(cluster.named("decode")[0], "baleen_router_retries_total")
            damaged.proxy.flip_bits(True)
            wait_for(lambda: metric(cluster.named("decode")[0], "baleen_router_retries_total") > before, "no call was tried again")
            load.more(30)
            damaged.proxy.flip_bits(False)
            load.more()

    def test_kv_pages(self):
        flags = ["--local_prefill_tokens=0", "--prefix_cache=false"]
        with Cluster(prefill=2, transport="grpc", proxied=("decode-0",), worker_flags=flags) as cluster, self.load.on(cluster) as load:
            load.more()
            decode = cluster.named("decode")[0]
            decode.proxy.flip_bits(True)
            wait_for(lambda: "remote_prefill_failed" in decode.log_path.read_text(), "no page was refused")
            load.more(30)


if __name__ == "__main__":
    unittest.main()
