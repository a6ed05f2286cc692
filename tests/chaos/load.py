"""Streams that never stop: every request is held to its fault-free answer, and every gap between tokens is timed."""

import collections
import random
import threading
import time

import grpc

from tests.chaos import streams
from tests.chaos.faults import LONG_PROMPT
from tests.testing.inference import Client


class Load:
    """Threads that send random requests one after another until stopped: half over gRPC through the cluster's first gateway, half over
    REST as resumable requests through `gateways`, any of which may die. Thread-safe.

    `expected[(way, index)]` is the fault-free answer of request `index` by "grpc" or "rest".
    """

    def __init__(self, cluster, gateways, requests, expected, streams_count, seed):
        self.cluster, self._gateways, self._requests, self._expected = cluster, gateways, requests, expected
        self._lock = threading.Lock()
        self._idle = threading.Condition(self._lock)
        self._stop = threading.Event()
        self._pause = False
        self._waiters = []  # (predicate of tokens so far and request, event)
        self._open = 0
        self.done, self.compared, self.failures, self.differences = 0, 0, [], []
        self.prefill_s = 0.0      # From a long prompt to its first token, as last seen without faults.
        self.false_ready_s = 0.0  # How long requests waited in vain at gateways that said they were ready.
        self._gaps = collections.deque(maxlen=200_000)  # (when it ended, seconds, request) of every pause in a stream
        self._threads = [threading.Thread(target=self._run, args=("grpc" if index % 2 else "rest", f"{seed} {index}"), daemon=True)
                         for index in range(streams_count)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _run(self, way, seed):
        rng = random.Random(seed)
        client = Client(self.cluster)
        while not self._stop.is_set():
            if self._pause:
                time.sleep(0.05)
                continue
            self._one(way, client, rng.randrange(len(self._requests)), rng)

    def ask(self, way, client, index, first, on_token=lambda count, gap: None):
        """The answer of one request."""
        request = self._requests[index]
        if way == "grpc":
            return streams.run_grpc(client, request, on_token)
        return streams.ResumableStream(self._gateways, first, request, on_token).run()

    def _one(self, way, client, index, rng):
        request = self._requests[index]
        name = f"request {index} ({request.kind}, {way})"
        with self._lock:
            self._open += 1
        begun = time.monotonic()
        tell = lambda count, gap: self._tell(name, request, count, gap)  # noqa: E731
        tell(0, 0.0)
        try:
            answer = self.ask(way, client, index, rng.randrange(len(self._gateways)), tell)
            problem, failed = streams.difference(request, answer, self._expected[way, index]), None
        except grpc.RpcError as error:
            problem, failed = None, f"{error.code().name}: {error.details()}"
        except streams.Failed as error:
            problem, failed = None, str(error)
        with self._lock:
            if failed:
                self.failures.append(f"{name}: {failed}")
                self.false_ready_s += time.monotonic() - begun
            else:
                self.done += 1
                self.compared += request.comparable
            if problem:
                self.differences.append(f"{name}: {problem}")
            self._open -= 1
            self._idle.notify_all()

    def pause(self, timeout_s=120):
        """Sends nothing more and waits for what is under way; whether it all ended."""
        self._pause = True
        with self._lock:
            return self._idle.wait_for(lambda: self._open == 0, timeout_s)

    def _tell(self, name, request, count, gap):
        with self._lock:
            if count == 1 and len(request.prompt) > LONG_PROMPT:
                self.prefill_s = min(gap, 2.0)
            if count > 1:
                self._gaps.append((time.monotonic(), gap, name))
            for wanted, event in self._waiters:
                if wanted(count, request):
                    event.set()

    def wait_for(self, wanted, timeout_s):
        """Waits until a stream reaches `wanted(tokens so far, request)`; whether one did."""
        event = threading.Event()
        with self._lock:
            self._waiters.append((wanted, event))
        try:
            return event.wait(timeout_s)
        finally:
            with self._lock:
                self._waiters.remove((wanted, event))

    def longest_gap(self, begin, end):
        """(seconds, when it ended, request) of the longest pause between two tokens of a stream that ended within (begin, end]."""
        with self._lock:
            return max(((gap, at, name) for at, gap, name in self._gaps if begin < at <= end), default=(0.0, end, "none"))
