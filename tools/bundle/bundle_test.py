"""A packed cluster, unpacked where nothing else of the project is in reach, keeps its promises."""

import json
import math
import pathlib
import subprocess
import sys
import tarfile
import tempfile
import unittest

import agreement
import check
import pack
from agreement import logits

BINARIES = pathlib.Path.cwd()
LOGITS = "tools/logits/logits"


class BundleTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        directory = tempfile.TemporaryDirectory()
        cls.addClassCleanup(directory.cleanup)
        archive = pathlib.Path(directory.name) / "bundle.tar.xz"
        pack.pack(archive, BINARIES, extra=[LOGITS], preset=0)
        with tarfile.open(archive) as packed:
            packed.extractall(directory.name)
        cls.bundle = pathlib.Path(directory.name) / pack.NAME

    def run_script(self, name, *flags):
        """The JSON that a script of the bundle prints when all is well."""
        script = self.bundle / "tools" / "bundle" / name
        # Nothing of the build's is in reach.
        environment = {"PATH": "/usr/bin:/bin"}
        done = subprocess.run([sys.executable, script, *flags], env=environment, capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        result = json.loads(done.stdout)
        self.assertEqual(result["failures"], [])
        return result

    def device(self):
        device, problem = logits.gpu(BINARIES / LOGITS)
        if problem:
            self.skipTest(problem)
        return device

    def test_it_serves_on_the_cpu(self):
        self.assertIn("6218", self.run_script("check.py", "--device=cpu")["sum"])

    def test_it_serves_on_a_gpu_or_its_emulation(self):
        self.assertIn("6218", self.run_script("check.py", f"--device={self.device()}")["sum"])

    def test_its_logits_are_the_cpus_but_for_rounding(self):
        device = self.device()
        errors = self.run_script("agreement.py", f"--device={device}", f"--model={self.bundle / 'checkpoints' / 'abacus'}")["errors"]
        self.assertGreater(errors[f"{device} fp8"], errors[f"{device} bf16"])

    def test_logits_that_are_off_are_seen(self):
        rows, expected = [[1.0, 1.1], [2.0, 2.0], [0.0, 1.0]], [[1.0, 1.0], [2.0, 2.0], [1.0, 1.0]]
        self.assertAlmostEqual(agreement.error(rows, expected), 0.0707, places=4)
        with self.assertRaisesRegex(ValueError, "finite"):
            agreement.error([[math.nan]], [[1.0]])
        with self.assertRaisesRegex(ValueError, "shapes"):
            agreement.error([[1.0]], [[1.0, 2.0]])
        _, failures = agreement.failures_of("cuda", {"cpu bf16": 0.01, "cuda bf16": 0.021, "cuda fp8": 0.3})
        self.assertEqual(failures, ["cuda bf16 is off by 0.0210, more than 0.0200"])

    def test_a_token_that_differs_is_named(self):
        same = [(("a", -0.5),)] * len(check.PROMPTS)
        self.assertEqual(check.differences("alone", same, same), [])
        other = [*same[:2], (("a", -0.25),), *same[3:]]
        found, = check.differences("alone", same, other)
        self.assertIn(check.PROMPTS[2], found)

    def test_what_is_not_built_is_named(self):
        with tempfile.TemporaryDirectory() as directory, self.assertRaisesRegex(SystemExit, "baleen-attention is not built"):
            pack.pack(pathlib.Path(directory) / "bundle.tar.xz", pathlib.Path(directory))


if __name__ == "__main__":
    unittest.main()
