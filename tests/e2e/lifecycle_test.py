"""Processes tell the truth about themselves and leave when asked to."""

import concurrent.futures
import contextlib
import json
import signal
import unittest
import urllib.error
import urllib.request

import grpc

from tests.testing.cluster import Cluster, http_get
from tests.testing.steady_load import wait_for

DROPPED = "placement has dropped this worker from the map; it is registering again"
SERVING, NOT_SERVING = b"\x08\x01", b"\x08\x02"  # HealthCheckResponse{status}


def refuse(code):
    def answer(_, context):
        context.abort(code, "by the test")
    return grpc.unary_unary_rpc_method_handler(answer)


@contextlib.contextmanager
def forgetful_placement(port):
    """Knows no worker, and registers none."""
    server = grpc.server(concurrent.futures.ThreadPoolExecutor(4), options=[("grpc.so_reuseport", 0)])
    methods = {"Heartbeat": refuse(grpc.StatusCode.NOT_FOUND), "Register": refuse(grpc.StatusCode.UNAVAILABLE)}
    server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler("baleen.v1.Placement", methods)])
    server.add_insecure_port(f"127.0.0.1:{port}")
    server.start()
    try:
        yield
    finally:
        server.stop(None).wait()


def health(process):
    """What gRPC's health service says of a process."""
    with grpc.insecure_channel(f"{process.host}:{process.grpc_port}") as channel:
        return channel.unary_unary("/grpc.health.v1.Health/Check")(b"", timeout=20)


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

    def test_a_worker_that_placement_dropped_is_not_ready(self):
        with Cluster() as cluster:
            placement = cluster.named("placement")[0]
            workers = [process for role in ("expert", "prefill", "decode") for process in cluster.named(role)]
            placement.stop()
            for worker in workers:
                self.assertEqual(http_get(worker.metrics_port, "/readyz")[0], 200, f"{worker.name} goes on without placement")
            with forgetful_placement(placement.grpc_port):
                for worker in workers:
                    wait_for(lambda: not worker.ready(), f"{worker.name} is still ready")
                    self.assertEqual(http_get(worker.metrics_port, "/readyz"), (503, f"{DROPPED}\n"))
                    wait_for(lambda: health(worker) == NOT_SERVING, f"{worker.name} is still serving")
            placement.start()
            cluster.wait_ready(workers)
            for worker in workers:
                wait_for(lambda: health(worker) == SERVING, f"{worker.name} is not serving again")

    def test_gateway_is_not_ready_without_decode(self):
        with Cluster() as cluster:
            self.assertEqual(cluster.named("decode")[0].stop(), 0)
            status, reason = http_get(cluster.rest_port, "/readyz")
            self.assertEqual(status, 503, reason)
            self.assertIn("decode", reason)


class NoDecodeWorkerTest(unittest.TestCase):

    def test_a_request_that_lost_its_experts_is_refused_in_time(self):
        with Cluster(prefill=0) as cluster, concurrent.futures.ThreadPoolExecutor(2) as pool:
            for shard in cluster.named("expert"):
                shard.stop(signal.SIGKILL)
            # The first one comes before the decode worker has said that it is not ready.
            taken = pool.submit(self.ask, cluster)
            wait_for(lambda: http_get(cluster.rest_port, "/readyz")[0] == 503, "the gateway is still ready")
            late = pool.submit(self.ask, cluster)
            for name, request in {"taken": taken, "late": late}.items():
                code, retry_after, answer = request.result()
                with self.subTest(name):
                    self.assertEqual((code, retry_after), (503, "1"), answer)
                    self.assertIn("No decode worker is ready", answer)

    @staticmethod
    def ask(cluster):
        """(status, Retry-After, body) of the answer to a short request."""
        body = json.dumps({"model": "abacus", "prompt": "1 + 1 =", "max_tokens": 4}).encode()
        request = urllib.request.Request(f"{cluster.base_url}/completions", data=body, headers={"content-type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, None, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.headers.get("retry-after"), error.read().decode()


if __name__ == "__main__":
    unittest.main()
