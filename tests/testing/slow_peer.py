"""A TCP proxy of our own in front of a process: passes bytes on at once, or late while it is told to be slow, or with bits flipped.

As a program: slow_peer.py LISTEN_ADDRESS PORT TARGET_ADDRESS; reads "slow", "flip" and "fast" lines from its input and ends with it.
"""

import asyncio
import subprocess
import sys

_LATE_S = 0.15  # Each piece that is passed on.
_PIECE = 1 << 16
_LARGE = 1024  # Pieces in which bits are flipped: rows of experts and of KV, no small messages between them.
_SOUND = 20  # As many large pieces of a direction pass between two flips, so that something gets through.
ALIAS = 100


def alias_of(address):
    """A second address of the same place: of loopback, or of a Fabric's namespace."""
    network, last = address.rsplit(".", 1)
    return f"{network}.{int(last) + ALIAS}"


class Proxy:
    """The proxy as a process; `prefix` are the words before its command. Passes LISTEN:PORT on to TARGET:PORT."""

    def __init__(self, prefix, listen, port, target):
        self._process = subprocess.Popen([*prefix, sys.executable, __file__, listen, str(port), target], stdin=subprocess.PIPE, text=True)

    def slow(self, slow):
        self._say("slow" if slow else "fast")

    def flip_bits(self, flip):
        self._say("flip" if flip else "fast")

    def _say(self, word):
        print(word, file=self._process.stdin, flush=True)

    def close(self):
        self._process.stdin.close()
        self._process.wait()


async def _serve(listen, port, target):
    late = 0.0
    flips = False

    async def pass_on(reader, writer):
        sound = 0
        try:
            while piece := await reader.read(_PIECE):
                if late:
                    await asyncio.sleep(late)
                if flips and len(piece) >= _LARGE:
                    sound += 1
                    if sound % _SOUND == 0:
                        piece = bytearray(piece)
                        piece[len(piece) // 2] ^= 1 << sound // _SOUND % 8
                writer.write(piece)
                await writer.drain()
        except OSError:
            pass
        writer.close()

    async def accept(reader, writer):
        try:
            inner_reader, inner_writer = await asyncio.open_connection(target, port)
        except OSError:
            writer.transport.abort()
            return
        await asyncio.gather(pass_on(reader, inner_writer), pass_on(inner_reader, writer))

    server = await asyncio.start_server(accept, listen, port)
    lines = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    while word := await lines.readline():
        late = _LATE_S if word.strip() == b"slow" else 0.0
        flips = word.strip() == b"flip"
    server.close()


if __name__ == "__main__":
    asyncio.run(_serve(sys.argv[1], int(sys.argv[2]), sys.argv[3]))
