"""Which port each process listens on."""

import contextlib
import errno
import random
import socket

from errors import UserError

HOST = "127.0.0.1"
REST, GRPC, ADMIN, METRICS = 8080, 8081, 8082, 9400
GATEWAY_STEP = 10  # The second gateway's REST, gRPC and admin.
# The kernel gives connections ports from 32768 up (its default): one of those could be gone before its process listens.
UNUSED = range(10240, 32768)
METRICS_OFFSET = 100  # From PORT_BASE.
FIXED = 700  # From PORT_BASE: as many as the fixed ones of the largest cluster need.
LAST = 65535


class Ports:
    """Hands out ports: the fixed ones, the same pattern from PORT_BASE=<number>, or free ones for PORT_BASE=free."""

    def __init__(self, port_base=""):
        self._free = port_base == "free"
        if port_base and not self._free:
            if not port_base.isdecimal() or not 1 <= int(port_base) <= 65000:
                raise UserError(f"PORT_BASE={port_base}: expected a port number or 'free'")
        base = int(port_base) if port_base and not self._free else None
        self._rest = base or REST
        self._grpc = base + 1 if base else GRPC
        self._admin = base + 2 if base else ADMIN
        self._metrics = base + METRICS_OFFSET if base else METRICS
        self._next_metrics = self._metrics
        self._fixed = range(base, base + FIXED) if base else ()
        # Free ports stay bound, so that no two are the same.
        self._held = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.release()

    def rest(self, gateway):
        return self.free() if self._free else self._rest + GATEWAY_STEP * gateway

    def gateway_grpc(self, gateway):
        return self.free() if self._free else self._grpc + GATEWAY_STEP * gateway

    def admin(self, gateway):
        return self.free() if self._free else self._admin + GATEWAY_STEP * gateway

    def metrics(self):
        """The next in the table's order."""
        if self._free:
            return self.free()
        self._next_metrics += 1
        return self._next_metrics - 1

    def free(self):
        """Any port that nobody listens on, none of the fixed ones."""
        holder = socket.socket()
        self._held.append(holder)
        while True:
            port = random.choice(UNUSED)
            with contextlib.suppress(OSError):
                if port not in self._fixed:
                    holder.bind((HOST, port))
                    return port

    def lend(self):
        """Lets the processes listen on them. A command that looks for free ones before they do finds others, until `release`."""
        for holder in self._held:
            holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)

    def release(self):
        while self._held:
            self._held.pop().close()


def edge(gateway):
    """Where clients find it, in words."""
    return f"REST on http://{HOST}:{gateway.rest}, gRPC on {HOST}:{gateway.port}"


def check_all(wanted):
    """Of [(port, what)]; UserError when one is no port, two are the same, or somebody listens on one already."""
    seen = {}
    for port, what in wanted:
        if port in seen:
            raise UserError(f"port {port} would be {seen[port]} and {what}; set PORT_BASE=free, or start fewer gateways")
        seen[port] = what
    for port, what in wanted:
        check_free(port, what)


def check_free(port, what):
    """UserError when it is no port, or somebody listens on it already."""
    if port > LAST:
        raise UserError(f"port {port} ({what}) is above {LAST}, the last there is; set PORT_BASE to a lower number")
    with contextlib.closing(socket.socket()) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            if error.errno not in (errno.EADDRINUSE, errno.EACCES):
                raise
            reason = "is taken by another program" if error.errno == errno.EADDRINUSE else "may not be used"
            raise UserError(f"port {port} ({what}) {reason}; set PORT_BASE to a number to use other ports") from None
