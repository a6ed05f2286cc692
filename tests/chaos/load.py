"""Streams that never stop: every request is held to its fault-free answer, and every gap between tokens is timed."""

import contextlib
import random
import threading
import time

import grpc

from tests.chaos import streams
from tests.chaos.faults import LONG_PROMPT
from tests.chaos.pauses import Pauses
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
        self.pauses = Pauses()
        self.gateways_may_end = False  # Streams within their answers, that is: a gateway was struck.
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

    def ask(self, way, client, index, first):
        """The answer of one request, its pauses timed. Nothing of it is cached from before: the same prompts come again and again."""
        request = self._requests[index].salted()
        with self._timed(f"request {index} ({request.kind}, {way})", request) as on_token:
            if way == "grpc":
                return streams.run_grpc(client, request, on_token)
            return streams.ResumableStream(self._gateways, first, request, on_token, lambda: self.gateways_may_end).run()

    @contextlib.contextmanager
    def _timed(self, name, request):
        stream = self.pauses.begin(name, request.options.get("n", 1), request.max_tokens)
        try:
            self._reached(request, 0)
            yield lambda choice, count: self._on_token(stream, request, choice, count)
        finally:
            self.pauses.end(stream)

    def _one(self, way, client, index, rng):
        request = self._requests[index]
        name = f"request {index} ({request.kind}, {way})"
        with self._lock:
            self._open += 1
        begun = time.monotonic()
        try:
            answer = self.ask(way, client, index, rng.randrange(len(self._gateways)))
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

    def take_problems(self):
        """(failures, differences) since the last call."""
        with self._lock:
            failures, differences = self.failures, self.differences
            self.failures, self.differences = [], []
        return failures, differences

    def _on_token(self, stream, request, choice, count):
        waited = self.pauses.token(stream, choice, count)
        if choice != 0:
            return
        if count == 1 and len(request.prompt) > LONG_PROMPT:
            self.prefill_s = min(waited, 2.0)
        self._reached(request, count)

    def _reached(self, request, count):
        with self._lock:
            for wanted, event in self._waiters:
                if wanted(count, request):
                    event.set()

    def wait_for(self, wanted, timeout_s):
        """Waits until a stream reaches `wanted(tokens of its first choice so far, request)`; whether one did."""
        event = threading.Event()
        with self._lock:
            self._waiters.append((wanted, event))
        try:
            return event.wait(timeout_s)
        finally:
            with self._lock:
                self._waiters.remove((wanted, event))
