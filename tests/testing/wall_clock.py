"""Wall clocks that jump: of a cluster's processes, while they run, and nobody else's."""

import pathlib
import struct
import tempfile

from tests.testing.cluster import ROOT

LIBRARY = ROOT / "tests/testing/libwall_clock.so"


class WallClock:
    """A place for a cluster's processes (Cluster's `fabric`). Use as a context manager, outside of the cluster's."""

    def __enter__(self):
        self._directory = tempfile.TemporaryDirectory()
        self._file = pathlib.Path(self._directory.name) / "offset"
        self._file.write_bytes(struct.pack("=q", 0))
        return self

    def __exit__(self, *_):
        self._directory.cleanup()

    def place(self, _):
        return "127.0.0.1", ["env", f"LD_PRELOAD={LIBRARY.resolve()}", f"WALL_CLOCK_OFFSET={self._file}"]

    def set(self, seconds):
        """Every process is at once so far ahead of the true time."""
        with open(self._file, "r+b") as file:
            file.write(struct.pack("=q", seconds))
