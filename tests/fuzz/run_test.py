"""Tests of run.py: what it reads from libFuzzer's log, and its table."""

import pathlib
import tempfile
import unittest

import run

LOG = """INFO: seed corpus: files: 8 min: 10b max: 200b total: 900b rss: 33Mb
#8\tINITED cov: 100 ft: 150 corp: 6/900b exec/s: 0 rss: 38Mb
#4096\tpulse  cov: 120 ft: 300 corp: 77/19Kb lim: 2971 exec/s: 1365 rss: 142Mb
#5648\tDONE   cov: 121 ft: 301 corp: 78/19Kb lim: 2971 exec/s: 627 rss: 186Mb
stat::number_of_executed_units: 5648
stat::average_exec_per_sec:     627
"""


class RunTest(unittest.TestCase):
    def test_reads_a_whole_run(self):
        self.assertEqual(run.read_log(LOG), {"executions": 5648, "exec/s": 627, "coverage": 121, "corpus": 78})

    def test_reads_a_run_that_crashed(self):
        crashed = "".join(LOG.splitlines(keepends=True)[:3]) + "==1==ERROR: AddressSanitizer: heap-buffer-overflow\n"
        self.assertEqual(run.read_log(crashed), {"executions": 4096, "exec/s": 1365, "coverage": 120, "corpus": 77})

    def test_the_table_has_a_line_a_target(self):
        row = {"target": "safetensors", "seconds": 60, "executions": 1, "exec/s": 2, "coverage": 3, "corpus": 4, "bad inputs": 5}
        lines = run.table([row, {**row, "target": "kv"}]).splitlines()
        self.assertEqual(lines[0].split()[0], "target")
        self.assertEqual(lines[1].split(), ["safetensors", "60", "1", "2", "3", "4", "5"])
        self.assertEqual({len(line) for line in lines}, {len(lines[0])})

    def test_finds_bad_inputs_of_every_kind(self):
        with tempfile.TemporaryDirectory() as name:
            directory = pathlib.Path(name)
            for file in ("crash-1", "timeout-2", "oom-3", "leak-4", "log", "corpus"):
                (directory / file).touch()
            self.assertEqual([path.name for path in run.bad_inputs(directory)], ["crash-1", "leak-4", "oom-3", "timeout-2"])


if __name__ == "__main__":
    unittest.main()
