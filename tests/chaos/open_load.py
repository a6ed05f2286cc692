"""Load over REST from one thread: streams that ask again and again, or requests that come at a rate whether earlier ones ended or not.

Answers are streamed and hardly looked at: what the clients cost is not what is measured.
"""

import asyncio
import contextlib
import dataclasses
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


class _Connection(asyncio.BufferedProtocol):
    """A connection to a gateway, for one request at a time. Looks at no more of an answer than its Sample asks for."""

    _buffer = bytearray(64 << 10)  # Of all: what is read is looked at before anything else is.

    def connection_made(self, transport):
        self._transport = transport
        self._sample, self._over, self._got, self._body_at = None, None, b"", 0
        self.reusable = False

    def ask(self, request, sample):
        """A future that is done when the answer, or the connection, has ended; `reusable` says which."""
        self._sample, self._got, self._body_at, self.reusable = sample, b"", 0, False
        self._over = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return self._over

    def close(self):
        self._transport.abort()

    def get_buffer(self, _):
        return self._buffer

    def buffer_updated(self, count):
        if self._sample is None:
            return
        data = bytes(self._buffer[:count])
        self._got += data
        if not self._body_at and not self._read_head():
            return
        if self._length is not None:
            if len(self._got) - self._body_at >= self._length:
                self._end()
        else:
            self._read_stream(data)

    def _read_head(self):
        end = self._got.find(b"\r\n\r\n")
        if end < 0:
            return False
        self._body_at = end + 4
        headers = dict(line.split(b": ", 1) for line in self._got[:end].lower().split(b"\r\n")[1:])
        self._sample.status = int(self._got[9:12])
        self._sample.retry_after = int(headers[b"retry-after"]) if b"retry-after" in headers else None
        self._length = int(headers[b"content-length"]) if b"content-length" in headers else None
        self._closes = headers.get(b"connection") == b"close"
        return True

    def _read_stream(self, data):
        """Reads a chunked answer to its end, and whether it came to the end of its events."""
        if self._sample.first_s is None and b"data: " in data:
            self._sample.first_s = time.monotonic() - self._sample.begun
        self._got = self._got[-64:]
        if self._got.endswith(_LAST_CHUNK):
            self._sample.answered = _LAST_EVENT in self._got and self._sample.status == 200
            self._end()

    def _end(self):
        self.reusable = not self._closes
        self._sample = None
        self._over.set_result(None)

    def connection_lost(self, _):
        self.reusable = False
        if self._over is not None and not self._over.done():
            self._over.set_result(None)


class Asker:
    """Asks one gateway on behalf of one tenant; gives a request up that takes longer than `patience_s`. For one event loop."""

    def __init__(self, cluster, tenant, patience_s):
        self._address = (cluster.gateway.host, cluster.rest_port)
        self._patience_s = patience_s
        self._head = (f"POST /v1/completions HTTP/1.1\r\nHost: gateway\r\nContent-Type: application/json\r\n"
                      f"Authorization: Bearer {tenant}\r\nContent-Length: ")
        self._asked = 0
        self._idle = []  # Connections that wait for a request: kept, as clients do.

    def _request(self):
        self._asked += 1
        prompt = f"What is {self._asked % 1000} + {self._asked // 1000}, and why?"
        body = f'{{"model":"abacus","prompt":"{prompt}","max_tokens":{TOKENS},"temperature":0,"ignore_eos":true,"stream":true}}'
        return f"{self._head}{len(body)}\r\n\r\n{body}".encode()

    async def ask(self):
        """The Sample of one request, each with a prompt of its own."""
        sample = Sample(time.monotonic())
        with contextlib.suppress(OSError):
            await self._exchange(sample)
        sample.took_s = time.monotonic() - sample.begun
        return sample

    async def _exchange(self, sample):
        loop = asyncio.get_running_loop()
        while self._idle and not self._idle[-1].reusable:
            self._idle.pop()
        connection = self._idle.pop() if self._idle else (await loop.create_connection(_Connection, *self._address))[1]
        patience = loop.call_later(self._patience_s, connection.close)
        try:
            await connection.ask(self._request(), sample)
        finally:
            patience.cancel()
            self._idle.append(connection) if connection.reusable else connection.close()

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
