"""Load over gRPC from one thread: streams that ask again and again, or requests that come at a rate whether earlier ones ended or not."""

import asyncio
import dataclasses
import statistics
import time

import grpc

from tests.testing.inference import inference_pb2, inference_pb2_grpc

TOKENS = 96  # Of each answer.
_OVERLOAD = (grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.UNAVAILABLE)


@dataclasses.dataclass
class Sample:
    """One request: when it began (monotonic), seconds to its first token and to its end, tokens, and what was wrong (None = answered)."""

    begun: float
    first_s: float | None = None
    took_s: float = 0.0
    tokens: int = 0
    code: grpc.StatusCode | None = None

    @property
    def ended(self):
        return self.begun + self.took_s

    @property
    def refused(self):
        return self.code in _OVERLOAD


class Asker:
    """Asks one gateway on behalf of one tenant. For one event loop."""

    def __init__(self, cluster, tenant, patience_s):
        self._channel = grpc.aio.insecure_channel(f"{cluster.gateway.host}:{cluster.gateway.grpc_port}",
                                                  options=[("grpc.use_local_subchannel_pool", 1)])
        self._stub = inference_pb2_grpc.InferenceStub(self._channel)
        self._metadata = [("authorization", f"Bearer {tenant}")]
        self._patience_s = patience_s
        self._asked = 0

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        await self._channel.close()

    async def ask(self):
        """The Sample of one request, each with a prompt of its own."""
        self._asked += 1
        options = inference_pb2.GenerationOptions(temperature=0.0, max_tokens=TOKENS, ignore_eos=True)
        request = inference_pb2.GenerateRequest(model="abacus", options=options)
        request.text = f"What is {self._asked % 1000} + {self._asked // 1000}, and why?"
        sample = Sample(time.monotonic())
        try:
            async for response in self._stub.Generate(request, timeout=self._patience_s, metadata=self._metadata):
                if sample.first_s is None and response.token_ids:
                    sample.first_s = time.monotonic() - sample.begun
                sample.tokens += len(response.token_ids)
        except grpc.aio.AioRpcError as error:
            sample.code = error.code()
        sample.took_s = time.monotonic() - sample.begun
        return sample

    async def streams(self, count, seconds):
        """Samples of `count` streams, each of which asks again when its request ended, for so long."""
        end = time.monotonic() + seconds

        async def stream():
            samples = []
            while time.monotonic() < end:
                samples.append(await self.ask())
            return samples

        return [sample for samples in await asyncio.gather(*(stream() for _ in range(count))) for sample in samples]

    async def arrivals(self, rate, seconds, rng):
        """Samples of requests that come at random, `rate` a second, for so long; returns when all of them have ended."""
        begun, at, tasks = time.monotonic(), rng.expovariate(rate), []
        while at < seconds:
            await asyncio.sleep(max(0.0, begun + at - time.monotonic()))
            tasks.append(asyncio.ensure_future(self.ask()))
            at += rng.expovariate(rate)
        return list(await asyncio.gather(*tasks))


def goodput(samples, begin, end):
    """Tokens a second of answered requests that ended within [begin, end)."""
    return sum(sample.tokens for sample in samples if sample.code is None and begin <= sample.ended < end) / (end - begin)


def percentile(values, share):
    """The value that so many of them are not above; 0 of none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


def median(values):
    """0 of none."""
    values = list(values)
    return statistics.median(values) if values else 0.0
