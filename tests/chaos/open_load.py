"""Load over REST from one thread: streams that ask again and again, or requests that come at a rate whether earlier ones ended or not.

Answers are streamed and hardly looked at: what the clients cost is not what is measured.
"""

import asyncio
import dataclasses
import json
import statistics
import time

TOKENS = 96  # Of each answer.
_LAST_EVENT = b"data: [DONE]"
_LAST_CHUNK = b"\r\n0\r\n\r\n"


@dataclasses.dataclass
class Sample:
    """One request: when it began (monotonic), seconds to its first token and to its end, and what became of it.

    `status` is HTTP's; 0 when the client gave up or the connection broke. `retry_after` is what a refusal says.
    """

    begun: float
    first_s: float | None = None
    took_s: float = 0.0
    status: int = 0
    answered: bool = False
    retry_after: int | None = None

    @property
    def ended(self):
        return self.begun + self.took_s

    @property
    def refused(self):
        return self.status in (429, 503)

    @property
    def tokens(self):
        return TOKENS if self.answered else 0


class Asker:
    """Asks one gateway on behalf of one tenant; gives a request up that takes longer than `patience_s`. For one event loop."""

    def __init__(self, cluster, tenant, patience_s):
        self._address = (cluster.gateway.host, cluster.rest_port)
        self._tenant, self._patience_s = tenant, patience_s
        self._asked = 0
        self._idle = []  # (reader, writer) of connections that wait for a request.

    async def ask(self):
        """The Sample of one request, each with a prompt of its own."""
        self._asked += 1
        sample = Sample(time.monotonic())
        try:
            async with asyncio.timeout(self._patience_s):
                await self._exchange(sample)
        except (OSError, asyncio.TimeoutError, asyncio.IncompleteReadError):
            pass
        sample.took_s = time.monotonic() - sample.begun
        return sample

    async def _exchange(self, sample):
        body = json.dumps({"model": "abacus", "prompt": f"What is {self._asked % 1000} + {self._asked // 1000}, and why?",
                           "max_tokens": TOKENS, "temperature": 0, "ignore_eos": True, "stream": True}).encode()
        # The client's own connections are kept, as clients do; one whose answer was not read to its end is not.
        reader, writer = self._idle.pop() if self._idle else await asyncio.open_connection(*self._address)
        whole = False
        try:
            writer.write(b"POST /v1/completions HTTP/1.1\r\nHost: gateway\r\nContent-Type: application/json\r\n"
                         b"Authorization: Bearer %s\r\nContent-Length: %d\r\n\r\n" % (self._tenant.encode(), len(body)) + body)
            status, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().lower().strip().split("\r\n")
            headers = dict(line.split(": ", 1) for line in lines)
            sample.status = int(status.split()[1])
            sample.retry_after = int(headers["retry-after"]) if "retry-after" in headers else None
            if "content-length" in headers:
                await reader.readexactly(int(headers["content-length"]))
            else:
                sample.answered = await self._read_stream(reader, sample) and sample.status == 200
            whole = headers.get("connection") != "close"
        finally:
            if whole:
                self._idle.append((reader, writer))
            else:
                writer.close()

    @staticmethod
    async def _read_stream(reader, sample):
        """Reads a chunked answer to its end; whether it came to the end of its events."""
        tail = b""
        while not tail.endswith(_LAST_CHUNK):
            piece = await reader.read(1 << 16)
            if not piece:
                return False
            if sample.first_s is None and b"data: " in piece:
                sample.first_s = time.monotonic() - sample.begun
            tail = (tail + piece)[-64:]
        return _LAST_EVENT in tail

    async def streams(self, count, seconds):
        """Samples of `count` streams, each of which asks again when its request ended, for so long."""
        end = time.monotonic() + seconds

        async def stream():
            samples = []
            while time.monotonic() < end:
                samples.append(await self.ask())
                if not samples[-1].answered:
                    await asyncio.sleep(0.1)
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
    return sum(sample.tokens for sample in samples if begin <= sample.ended < end) / (end - begin)


def percentile(values, share):
    """The value that so many of them are not above; 0 of none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


def median(values):
    """0 of none."""
    values = list(values)
    return statistics.median(values) if values else 0.0
