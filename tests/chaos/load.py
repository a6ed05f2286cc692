"""Streams that never stop: every request is checked against its fault-free answer, and every gap between tokens is timed."""

import collections
import dataclasses
import random
import threading
import time

import grpc

from tests.testing.inference import Client, inference_pb2


@dataclasses.dataclass(frozen=True)
class Request:
    """One request of the load. Sampling without a seed of the client's cannot be compared, so every sampled one has a seed."""

    prompt: tuple[int, ...]
    temperature: float
    top_p: float
    seed: int
    max_tokens: int

    def message(self):
        options = inference_pb2.GenerationOptions(
            temperature=self.temperature, top_p=self.top_p, seed=self.seed, max_tokens=self.max_tokens, ignore_eos=True, logprobs=0)
        request = inference_pb2.GenerateRequest(model="abacus", options=options)
        request.token_ids.ids.extend(self.prompt)
        return request


@dataclasses.dataclass(frozen=True)
class Answer:
    """What may not change under faults."""

    tokens: tuple[tuple[int, float], ...]  # (token id, log-probability)
    finish: int
    usage: tuple[int, int]  # prompt and completion tokens


def make_requests(client, count, max_tokens, seed):
    """Prompts of 20 to 300 tokens, greedy and sampled."""
    rng = random.Random(f"load {seed}")
    requests = []
    for index in range(count):
        question = f"Sort {rng.randrange(999)}, {rng.randrange(999)} and count the letter e in elephant. " * rng.choice((1, 1, 2, 5))
        requests.append(Request(
            prompt=(0, *client.tokenize(question)), temperature=(0.0, 1.0, 0.7)[index % 3], top_p=(1.0, 0.9)[index % 2],
            seed=rng.randrange(1 << 32), max_tokens=max_tokens))
    return requests


class Stream:
    """One request under way. `on_token` hears, on the calling thread, how many tokens there are and the seconds since the last one."""

    def __init__(self, client, request, on_token=lambda count, gap: None):
        self.client, self.request, self.on_token = client, request, on_token

    def run(self, timeout_s):
        """The answer; grpc.RpcError when the request failed."""
        tokens, finish, usage = [], 0, (0, 0)
        last = time.monotonic()
        for response in self.client.stub.Generate(self.request.message(), timeout=timeout_s):
            now = time.monotonic()
            for choice in response.logprobs:
                tokens.append((choice.token, choice.logprob))
                self.on_token(len(tokens), now - last)
                last = now
            if response.finish_reason:
                finish = response.finish_reason
                usage = (response.usage.prompt_tokens, response.usage.completion_tokens)
        return Answer(tuple(tokens), finish, usage)


class Load:
    """`streams` threads that send random requests of `requests` one after another until stopped. Thread-safe."""

    def __init__(self, cluster, requests, expected, streams, seed):
        self._cluster, self._requests, self._expected = cluster, requests, expected
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._waiters = []  # (phase, max_tokens-aware predicate, event)
        self.done, self.failures, self.differences = 0, [], []
        self._gaps = collections.deque(maxlen=200_000)  # (when it ended, seconds) of every pause between two tokens of a stream
        self._threads = [threading.Thread(target=self._run, args=(f"{seed} {index}",), daemon=True) for index in range(streams)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _run(self, seed):
        rng = random.Random(seed)
        client = Client(self._cluster)
        while not self._stop.is_set():
            index = rng.randrange(len(self._requests))
            self._one(client, index)

    def _one(self, client, index):
        request = self._requests[index]
        self._tell(request, 0, 0.0)
        stream = Stream(client, request, lambda count, gap: self._tell(request, count, gap))
        try:
            answer = stream.run(timeout_s=120)
        except grpc.RpcError as error:
            with self._lock:
                self.failures.append(f"request {index}: {error.code().name}: {error.details()}")
            return
        with self._lock:
            self.done += 1
            if answer != self._expected[index]:
                self.differences.append(difference(index, answer, self._expected[index]))

    def _tell(self, request, count, gap):
        with self._lock:
            if count > 1:
                self._gaps.append((time.monotonic(), gap))
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
        """The longest pause between two tokens of a stream that overlaps [begin, end], in seconds; 0 without one."""
        with self._lock:
            return max((gap for at, gap in self._gaps if at > begin and at - gap < end), default=0.0)


def difference(index, answer, expected):
    """One line that says where two answers part."""
    for place, (got, wanted) in enumerate(zip(answer.tokens, expected.tokens)):
        if got != wanted:
            return f"request {index}: token {place} is {got}, without faults {wanted}"
    return (f"request {index}: {len(answer.tokens)} tokens, finish {answer.finish}, usage {answer.usage}; "
            f"without faults {len(expected.tokens)}, {expected.finish}, {expected.usage}")
