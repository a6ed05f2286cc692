"""A packed cluster, unpacked where nothing else of the project is in reach, keeps its promises."""

import json
import pathlib
import subprocess
import sys
import tarfile
import tempfile
import unittest

import check
import pack  # First: it says where the command's modules lie.
import gpu  # noqa: I001

BINARIES = pathlib.Path.cwd()


def build_has_cuda():
    """Whether the services compute on a GPU; else they have its emulation."""
    expert = BINARIES / "services" / "expert" / "baleen-expert"
    done = subprocess.run([expert, "--device=cuda-emulated"], capture_output=True, text=True, timeout=60)
    return "this build has CUDA" in done.stdout + done.stderr


class BundleTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        directory = tempfile.TemporaryDirectory()
        cls.addClassCleanup(directory.cleanup)
        archive = pathlib.Path(directory.name) / "bundle.tar.xz"
        pack.pack(archive, BINARIES, preset=0)
        with tarfile.open(archive) as packed:
            packed.extractall(directory.name)
        cls.bundle = pathlib.Path(directory.name) / pack.NAME

    def serve(self, device):
        script = self.bundle / "tools" / "bundle" / "check.py"
        # Nothing of the build's is in reach.
        environment = {"PATH": "/usr/bin:/bin"}
        done = subprocess.run([sys.executable, script, f"--device={device}"], env=environment, capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        result = json.loads(done.stdout)
        self.assertEqual(result["failures"], [])
        self.assertIn("6218", result["sum"])

    def test_it_serves_on_the_cpu(self):
        self.serve("cpu")

    def test_it_serves_on_a_gpu_or_its_emulation(self):
        if not build_has_cuda():
            return self.serve("cuda-emulated")
        if problem := gpu.problem():
            self.skipTest(problem)
        self.serve("cuda")

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
