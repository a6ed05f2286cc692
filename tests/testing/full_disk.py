"""Processes whose files lie on a disk without room."""

import tempfile


class FullDisk:
    """A place for a cluster's processes (Cluster's `fabric`): each has a disk of its own at `path`, with its log, and the disk is full.

    Use as a context manager, outside of the cluster's. Needs no root: mount and user namespaces.
    """

    _SHELL = """
mount -t tmpfs -o size=64k none "$1" || exit 70
head -c 1M /dev/zero > "$1/filler" 2>/dev/null
path=$1; shift
exec "$@" >> "$path/log" 2>&1
"""

    def __enter__(self):
        self._directory = tempfile.TemporaryDirectory()
        self.path = self._directory.name
        return self

    def __exit__(self, *_):
        self._directory.cleanup()

    def place(self, _):
        return "127.0.0.1", ["unshare", "--map-root-user", "--mount", "sh", "-c", self._SHELL, "sh", self.path]
