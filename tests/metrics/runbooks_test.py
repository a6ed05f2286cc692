"""Faults of a running cluster fire their alerts in a real Prometheus, and end with what the runbook says to do."""

import concurrent.futures
import pathlib
import resource
import shutil
import signal
import tempfile
import unittest

from tests.metrics import load
from tests.metrics.fault_case import FIRE_TIMEOUT_S, FaultCase
from tests.testing.cluster import MODEL, free_port


class WorkersTest(FaultCase):
    FLAGS = dict(shards=2, replicas=2, prefill=0, decode=2, worker_flags=["--role=both"], proxied=("expert-1",), transport="grpc",
                 gateway_flags=[f"--guardrail=127.0.0.1:{free_port()}", "--guardrail_failure=open"])

    def test_a_worker_of_other_numerics(self):
        self.cluster.worker_flags.append("--dtype=f32")
        self.addCleanup(self.cluster.worker_flags.pop)
        other = self.cluster.start_attention("decode", 7)
        self._fires("BaleenWorkersDisagree")
        other.stop()
        self._ends("BaleenWorkersDisagree")

    def test_a_damaged_checkpoint(self):
        with tempfile.TemporaryDirectory() as directory:
            damaged = pathlib.Path(directory) / "abacus"
            shutil.copytree(MODEL, damaged, copy_function=shutil.copyfile)
            weights = damaged / "model.safetensors"
            weights.chmod(0o644)
            header = int.from_bytes(weights.read_bytes()[:8], "little")
            with open(weights, "r+b") as file:
                # One bit in each 256 bytes of tensors: whichever of them a worker reads is another one's.
                tensors = bytearray(file.read())
                for at in range(8 + header, len(tensors), 256):
                    tensors[at] ^= 1
                file.seek(0)
                file.write(tensors)
            common = self.cluster._common
            self.cluster._common = [common[0], f"--model={damaged}"]
            try:
                other = self.cluster.start_attention("decode", 8)
            finally:
                self.cluster._common = common
            self._fires("BaleenWeightsDisagree")
            other.stop()
            self._ends("BaleenWeightsDisagree")

    def test_a_guard_that_is_away(self):
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            answers = pool.map(lambda number: load.chat(self.cluster, f"{number} + 1", max_tokens=2), range(40))
        self.assertEqual(set(answers), {200})
        self._fires("BaleenGuardrailFails")

    def test_a_process_that_restarts_again_and_again(self):
        placement = self.cluster.named("placement")[0]
        for number in range(3):
            placement.stop(signal.SIGKILL)
            placement.start()
            self.cluster.wait_ready([placement])
            # Each start has to be scraped.
            started = f'changes(process_start_time_seconds{{role="placement"}}[30m]) >= {number + 1}'
            self.assertTrue(self.prometheus.wait_for(lambda: self.prometheus.query(started), FIRE_TIMEOUT_S))
        self._fires("BaleenProcessRestarts")
        self.cluster.wait_ready(self.cluster.processes[:6])

    def test_files_run_out(self):
        pid = self.cluster.gateway.process.pid
        before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (len(list(pathlib.Path(f"/proc/{pid}/fd").iterdir())) + 2, before[1]))
        self._fires("BaleenFilesNearLimit")
        resource.prlimit(pid, resource.RLIMIT_NOFILE, before)
        self._ends("BaleenFilesNearLimit")

    def test_a_shard_that_does_not_answer_in_time(self):
        slow = self.cluster.named("expert-1")[0]
        with self._under_load(3, 200):
            slow.proxy.slow(True)
            self._fires("BaleenShardsEjected")
            slow.proxy.slow(False)
            # The runbook's "delete the pod": its replica serves meanwhile.
            slow.stop(signal.SIGKILL)
            slow.start()
            self.cluster.wait_ready([slow])
            self._ends("BaleenShardsEjected")

    def test_workers_that_die_under_load(self):
        with self._under_load(4, 400):
            for number in range(2):
                victim = self.cluster.named("decode")[number]
                running = 'min(baleen_num_requests_running{role="decode"}) > 0'
                self.assertTrue(self.prometheus.wait_for(lambda: self.prometheus.query(running), FIRE_TIMEOUT_S))
                victim.stop(signal.SIGKILL)
                victim.start()
                self.cluster.wait_ready([victim])
            self._fires("BaleenFailovers")


if __name__ == "__main__":
    unittest.main()
