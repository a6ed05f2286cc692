"""Experts whose calls wait, steps that fail and moves that do not end: each made on a running cluster, seen by its alert."""

import concurrent.futures
import contextlib
import itertools
import json
import pathlib
import shutil
import signal
import tempfile
import threading
import time
import unittest

import grpc

from tests.metrics.fault_case import FaultCase
from tests.metrics.prometheus import Prometheus
from tests.testing.cluster import MODEL, Cluster
from tests.testing.inference import Client, common_pb2, expert_pb2, expert_pb2_grpc, placement_pb2, placement_pb2_grpc
from tests.testing.steady_load import metric, wait_for

HURRY_S = 0.3    # For a request whose answer takes longer on any machine.
STOPPED_S = 2.0  # Of the 3 s after which placement forgets a shard.
# A call takes the shard far longer than it takes to send: the queue stays long on any machine.
OUTSTANDING = 200
ROWS = 1024
# The alert on moves looks at whole minutes.
MINUTE_TIMEOUT_S = 100


class Flood:
    """A router that keeps so many calls at one shard that they wait there. Use as a context manager."""

    def __init__(self, cluster):
        placement, = cluster.named("placement")
        with grpc.insecure_channel(f"127.0.0.1:{placement.grpc_port}") as channel:
            watch = placement_pb2_grpc.PlacementStub(channel).WatchMap(placement_pb2.WatchMapRequest(worker_id="flood"), timeout=60)
            self._shard = next(worker for worker in next(watch).workers if worker.info.role == placement_pb2.ROLE_EXPERT)
        self._hidden = json.loads((MODEL / "config.json").read_text())["hidden_size"]
        self._free = threading.Semaphore(OUTSTANDING)
        self._stop = threading.Event()

    def _calls(self):
        held = self._shard.experts[0]
        payload = bytes(2 * self._hidden * ROWS)
        header = expert_pb2.ExpertCallHeader(
            numerics_id=self._shard.info.numerics_id, layer=held.layer, dtype=common_pb2.DTYPE_BF16, rows=ROWS, experts_per_row=[1] * ROWS,
            expert_ids=[held.experts[row % len(held.experts)] for row in range(ROWS)]).SerializeToString()
        for call in itertools.count(1):
            self._free.acquire()
            if self._stop.is_set():
                return
            # Messages end to end are one message of all their fields.
            yield common_pb2.Frame(header=expert_pb2.ExpertCallHeader(call_id=call).SerializeToString() + header, payload=payload)

    def _run(self):
        # A shard says UNAVAILABLE to who has no more calls.
        with grpc.insecure_channel(self._shard.info.address) as channel, contextlib.suppress(grpc.RpcError):
            for frame in expert_pb2_grpc.ExpertStub(channel).Exchange(self._calls()):
                self.codes.add(expert_pb2.ExpertReplyHeader.FromString(frame.header).code)
                self._free.release()

    def __enter__(self):
        self.codes = set()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._free.release()
        self._thread.join()


class BusyTest(FaultCase):
    FLAGS = dict(shards=1, prefill=0, decode=1)

    def test_calls_that_wait_at_a_shard(self):
        with Flood(self.cluster) as flood:
            self._fires("BaleenExpertsQueue")
            wait_for(lambda: flood.codes == {0}, "calls are not answered")
        self._ends("BaleenExpertsQueue")

    def test_steps_that_fail(self):
        shard, = self.cluster.named("expert")
        decode, = self.cluster.named("decode")
        client, over, codes = Client(self.cluster), threading.Event(), set()

        def ask_again_and_again():
            while not over.is_set():
                try:
                    client.generate([0, 7, 8], timeout_s=HURRY_S, max_tokens=1500, ignore_eos=True)
                except grpc.RpcError as error:
                    codes.add(error.code())
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            for _ in range(2):
                pool.submit(ask_again_and_again)
            # A step ends when the last of its requests must. Placement would take a longer silence for the shard's death.
            begin = time.monotonic()
            try:
                while not (fired := "BaleenStepsFail" in self.prometheus.firing()) and time.monotonic() < begin + MINUTE_TIMEOUT_S:
                    shard.process.send_signal(signal.SIGSTOP)
                    over.wait(STOPPED_S)
                    shard.process.send_signal(signal.SIGCONT)
                    over.wait(STOPPED_S / 2)
            finally:
                over.set()
        self.assertTrue(fired, f"BaleenStepsFail does not fire, but {self.prometheus.firing()}")
        self.assertEqual(codes, {grpc.StatusCode.DEADLINE_EXCEEDED})
        self.cluster.wait_ready([shard, decode])
        self.assertIn("step_failed", decode.log_path.read_text())
        self.assertEqual(len(client.generate([0, 7, 8], max_tokens=4, ignore_eos=True, logprobs=0)), 4)


class MovesTest(FaultCase):

    @classmethod
    def setUpClass(cls):
        cls.cluster = cls.enterClassContext(Cluster(shards=2, replicas=2, prefill=0, decode=1))
        directory = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        cls.incomplete = cls.start_shard_without_an_expert(directory / "abacus")
        placement, = cls.cluster.named("placement")
        wait_for(lambda: (metric(placement, "baleen_placement_pending_moves") or 0) > 0, "nothing is to be moved")
        # It looks back from here: the moves were stuck all the time.
        cls.prometheus = cls.enterClassContext(Prometheus(cls.cluster))

    @classmethod
    def start_shard_without_an_expert(cls, damaged):
        """A third shard, with a checkpoint in which a tensor has another name."""
        shutil.copytree(MODEL, damaged, copy_function=shutil.copyfile)
        weights = damaged / "model.safetensors"
        weights.chmod(0o644)
        content = weights.read_bytes()
        for layer in range(8):
            content = content.replace(b"model.layers.%d.mlp.experts.0.gate_proj.weight" % layer,
                                      b"model.layers.%d.mlp.experts.0.gate_proj.wEight" % layer, 1)
        weights.write_bytes(content)
        common = cls.cluster._common
        cls.cluster._common = [common[0], f"--model={damaged}"]
        try:
            return cls.cluster.start_expert(2)
        finally:
            cls.cluster._common = common

    def test_a_shard_that_cannot_load(self):
        came = self.prometheus.wait_for(lambda: "BaleenMovesStuck" in self.prometheus.firing(), MINUTE_TIMEOUT_S)
        self.assertTrue(came, self.prometheus.firing())
        # Where the runbook says to look.
        loaded = [metric(shard, "baleen_expert_loaded_experts") for shard in self.cluster.named("expert")]
        self.assertGreater(loaded[2], 0)  # What it can load it holds.
        self.assertIn("gate_proj.weight", self.incomplete.log_tail())
        # What it says to do.
        self.incomplete.stop(signal.SIGKILL)
        gone = self.prometheus.wait_for(lambda: "BaleenMovesStuck" not in self.prometheus.firing(), MINUTE_TIMEOUT_S)
        self.assertTrue(gone, self.prometheus.firing())


if __name__ == "__main__":
    unittest.main()
