"""A packed cluster, unpacked where nothing else of the project is in reach, keeps its promises."""

import json
import pathlib
import subprocess
import sys
import tarfile
import tempfile
import unittest

import pack

DEVICES = ("cpu", "cuda-emulated")


class BundleTest(unittest.TestCase):
    def test_it_serves_from_where_it_was_unpacked(self):
        with tempfile.TemporaryDirectory() as directory:
            archive = pathlib.Path(directory) / "bundle.tar.xz"
            pack.pack(archive, pathlib.Path.cwd(), preset=0)
            with tarfile.open(archive) as packed:
                packed.extractall(directory)
            check = pathlib.Path(directory) / pack.NAME / "tools" / "bundle" / "check.py"
            for device in DEVICES:
                with self.subTest(device=device):
                    done = subprocess.run(
                        [sys.executable, str(check), f"--device={device}"], env={"PATH": "/usr/bin:/bin"}, capture_output=True, text=True
                    )
                    self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
                    result = json.loads(done.stdout)
                    self.assertEqual(result["failures"], [])
                    self.assertIn("6218", result["sum"])

    def test_what_is_not_built_is_named(self):
        with tempfile.TemporaryDirectory() as directory, self.assertRaisesRegex(SystemExit, "baleen-attention is not built"):
            pack.pack(pathlib.Path(directory) / "bundle.tar.xz", pathlib.Path(directory))


if __name__ == "__main__":
    unittest.main()
