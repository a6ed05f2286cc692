"""What clients wait for: the first token of each choice, each token after it, and the end of the answer."""

import collections
import dataclasses
import threading
import time

FIRST, NEXT = "first token", "next token or end"


@dataclasses.dataclass
class _Stream:
    name: str
    max_tokens: int
    counts: list[int]   # Tokens of each choice.
    since: list[float]  # When each choice's newest token came, or the stream began.

    def waiting(self):
        """(what for, since when) of each choice that has tokens to come, or of the end that is to come after the last of them."""
        open_choices = [(NEXT if count else FIRST, since) for count, since in zip(self.counts, self.since) if count < self.max_tokens]
        return open_choices or [(NEXT, max(self.since))]


class Pauses:
    """Streams say what comes; the longest pause of some time is told. Thread-safe."""

    def __init__(self):
        self._lock = threading.Lock()
        self._moved = threading.Condition(self._lock)
        self._streams = {}
        self._over = collections.deque(maxlen=200_000)  # (what for, when it began, when it ended, stream)

    def begin(self, name, choices, max_tokens):
        """A stream that waits for its first tokens; what it is called in the calls below."""
        stream = _Stream(name, max_tokens, [0] * choices, [time.monotonic()] * choices)
        with self._lock:
            self._streams[id(stream)] = stream
        return stream

    def token(self, stream, choice, count):
        """There are `count` tokens of the choice now. Returns the seconds since those before."""
        now = time.monotonic()
        with self._lock:
            begun = stream.since[choice]
            self._over.append((NEXT if stream.counts[choice] else FIRST, begun, now, stream.name))
            stream.counts[choice], stream.since[choice] = count, now
            self._moved.notify_all()
        return now - begun

    def end(self, stream):
        """Its answer is complete, or will never be."""
        with self._lock:
            del self._streams[id(stream)]
            self._over.append((NEXT, max(stream.since), time.monotonic(), stream.name))
            self._moved.notify_all()

    def longest(self, what, begin, end):
        """(seconds, when it ended, stream) of the longest pause that ended within (begin, end], or has not ended by then."""
        with self._lock:
            over = [(until - since, until, name) for kind, since, until, name in self._over if kind == what and begin < until <= end]
            still = [(end - since, end, stream.name) for stream in self._streams.values() for kind, since in stream.waiting()
                     if kind == what and since < end]
        return max(over + still, default=(0.0, end, "none"))

    def all_moved(self, since, timeout_s):
        """Waits until no stream waits for something from before `since` any more; whether that came."""
        def moved():
            return all(begun >= since for stream in self._streams.values() for _, begun in stream.waiting())
        with self._lock:
            return self._moved.wait_for(moved, timeout_s)
