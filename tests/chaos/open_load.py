"""Load over REST: streams that ask again and again, or requests that come at a rate whether earlier ones ended or not.

A small program makes the requests (tests/chaos/crowd) and hardly looks at answers: what the clients cost is not what is measured.
"""

import dataclasses
import itertools
import json
import statistics
import subprocess

from tests.testing.cluster import ROOT

TOKENS = 96  # Of each answer.
_CROWD = ROOT / "tests/chaos/crowd/crowd"
_PROMPTS = 1_000_000  # That a run may need: what each request asks is its own.


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


class Run:
    """Requests that another process makes. A context manager, at whose end that process has ended, whatever it was doing."""

    def __init__(self, command):
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.kill()
        self._process.communicate()

    def stop(self):
        """No request begins any more; to be called when the first one has begun."""
        self._process.terminate()

    def samples(self):
        """A Sample of each request, when all have ended. `cpu_s` is from then on what making them took, in seconds of CPU."""
        with self:
            output, errors = self._process.communicate()
        if self._process.returncode != 0:
            raise RuntimeError(f"the clients ended with {self._process.returncode}: {errors.decode().strip()}")
        result = json.loads(output)
        self.cpu_s = result["cpu_s"]
        return [Sample(*fields) for fields in result["samples"]]


class Asker:
    """Asks one gateway on behalf of one tenant, with a new prompt each time; gives a request up that takes longer than `patience_s`."""

    def __init__(self, cluster, tenant, patience_s):
        self._command = [_CROWD, f"--host={cluster.gateway.host}", f"--port={cluster.rest_port}", f"--key={tenant}",
                         f"--patience={patience_s}s", f"--max_tokens={TOKENS}"]
        self._first_prompts = itertools.count(0, _PROMPTS)

    def _run(self, *load):
        return Run([*self._command, f"--first_prompt={next(self._first_prompts)}", *load])

    def ask(self):
        """The Sample of one request."""
        return self.streams(1, 0).samples()[0]

    def streams(self, count, seconds):
        """A Run of `count` streams, each of which asks once, and again when its request ended, for so long."""
        return self._run(f"--streams={count}", f"--duration={seconds}s")

    def arrivals(self, rate, seconds, seed):
        """A Run of requests that come at random by the seed, `rate` a second, for so long, whether earlier ones ended or not."""
        return self._run(f"--rate={rate}", f"--seed={seed}", f"--duration={seconds}s")


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
