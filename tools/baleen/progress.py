"""A line that changes in place on a terminal, and one line per change elsewhere."""

import sys


class Progress:
    """Use as a context manager; the line ends when it exits."""

    def __init__(self, out=sys.stderr):
        self._out = out
        self._tty = out.isatty()
        self._last = ""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self._tty and self._last:
            print(file=self._out)

    def show(self, text, clock=""):
        """`clock` moves without counting as a change."""
        if self._tty:
            print(f"\r\033[K{text}{clock}", end="", file=self._out, flush=True)
        elif text != self._last:
            print(text, file=self._out, flush=True)
        self._last = text
