"""Network namespaces: one a process, joined by a bridge, so that a process can be cut off by its packets and not by its sockets.

Needs root and nftables. All of it lies in a network namespace that the calling process moves into, so nothing of the machine's own
network changes. Namespaces of processes have names; they are deleted at the end.
"""

import ctypes
import os
import shutil
import subprocess

from tests.testing.slow_peer import alias_of

_CLONE_NEWNET = 0x40000000
_NETWORK = "10.77.0"
HARNESS = f"{_NETWORK}.1"  # Where the calling process is.

_moved = False


def _run(*command):
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise OSError(f"{' '.join(command)}: {done.stderr.strip()}")


def _move():
    """Moves this process, which has no other thread yet, into a network of its own."""
    global _moved
    if _moved:
        return
    for program in ("ip", "nft"):
        if shutil.which(program) is None:
            raise OSError(f"{program} is not installed")
    if ctypes.CDLL(None, use_errno=True).unshare(_CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "no network namespace of our own")
    _run("ip", "link", "set", "lo", "up")
    _moved = True


class Fabric:
    """Use as a context manager, before threads are started; OSError where namespaces or nftables are not to be had."""

    def __enter__(self):
        _move()
        self._places = {}
        try:
            _run("ip", "link", "add", "chaos", "type", "bridge")
            _run("ip", "address", "add", f"{HARNESS}/24", "dev", "chaos")
            _run("ip", "link", "set", "chaos", "up")
            self.place("probe")
        except OSError:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for namespace, _ in self._places.values():
            subprocess.run(["ip", "netns", "delete", namespace], capture_output=True)
        subprocess.run(["ip", "link", "delete", "chaos"], capture_output=True)
        self._places = {}

    def place(self, name):
        """(address, words to put before a command) of a process' own namespace, made when first asked for."""
        if name not in self._places:
            self._places[name] = self._make(len(self._places) + 2)
        namespace, address = self._places[name]
        return address, ["ip", "netns", "exec", namespace]

    def _make(self, number):
        namespace, inner, outer, address = f"chaos{os.getpid()}-{number}", "eth0", f"port{number}", f"{_NETWORK}.{number}"
        _run("ip", "netns", "add", namespace)
        inside = ("ip", "-n", namespace)
        _run("ip", "link", "add", outer, "type", "veth", "peer", "name", inner, "netns", namespace)
        _run("ip", "link", "set", outer, "master", "chaos", "up")
        _run(*inside, "link", "set", "lo", "up")
        for one in (address, alias_of(address)):
            _run(*inside, "address", "add", f"{one}/24", "dev", inner)
        _run(*inside, "link", "set", inner, "up")
        for rule in ("add table inet chaos", "add chain inet chaos in { type filter hook input priority 0; }",
                     "add chain inet chaos out { type filter hook output priority 0; }"):
            _run("ip", "netns", "exec", namespace, "nft", rule)
        return namespace, address

    def _rule(self, name, rule):
        _run("ip", "netns", "exec", self._places[name][0], "nft", rule)

    def cut(self, name, inwards, outwards):
        """Packets from or to every other process are dropped; the harness still reaches it, as a client outside would."""
        if inwards:
            self._rule(name, f"add rule inet chaos in iifname eth0 ip saddr != {HARNESS} drop")
        if outwards:
            self._rule(name, f"add rule inet chaos out oifname eth0 ip daddr != {HARNESS} drop")

    def reset(self, name):
        """Whoever sends it a segment gets an RST, until mended."""
        self._rule(name, f"add rule inet chaos in iifname eth0 ip saddr != {HARNESS} meta l4proto tcp reject with tcp reset")

    def mend(self, name):
        self._rule(name, "flush chain inet chaos in")
        self._rule(name, "flush chain inet chaos out")
