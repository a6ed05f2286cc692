"""What the load asks for: every kind of sampling and stopping that a failover has to carry over."""

import dataclasses
import json
import random
import uuid

SCHEMA = json.dumps({
    "type": "object",
    "properties": {"sum": {"type": "integer"}, "even": {"type": "boolean"}},
    "required": ["sum", "even"],
})

# Options beside max_tokens, by kind.
_KINDS = {
    "greedy": dict(temperature=0.0),
    "sampled": dict(temperature=1.0, top_p=0.9),
    "unseeded": dict(temperature=1.0),
    "penalties": dict(temperature=0.7, presence_penalty=0.5, frequency_penalty=0.3, repetition_penalty=1.1),
    "stop": dict(temperature=1.0, stop=["zzq", "\u2603"]),
    "logprobs": dict(temperature=1.0, logprobs=3),
    "choices": dict(temperature=1.0, n=2),
    "json": dict(temperature=1.0),
}
KINDS = tuple(_KINDS)


@dataclasses.dataclass(frozen=True)
class Request:
    kind: str
    prompt: tuple[int, ...]
    max_tokens: int
    options: dict

    def salted(self):
        """The same request, whose KV is shared with no other's."""
        return dataclasses.replace(self, options={**self.options, "cache_salt": uuid.uuid4().hex})

    @property
    def comparable(self):
        """Whether two runs must give the same tokens. Without a seed of the client's each run draws its own."""
        return self.kind != "unseeded"

    @property
    def constrained(self):
        return self.kind == "json"


def make_requests(tokenize, count, max_tokens, seed):
    """`count` requests, every kind in turn, with prompts of 20 to 300 tokens."""
    rng = random.Random(f"load {seed}")
    requests = []
    for index in range(count):
        kind = KINDS[index % len(KINDS)]
        # Every other round is long enough for a prefill worker.
        repeat = rng.choice((4, 6)) if index // len(KINDS) % 2 == 0 else 1
        text = f"Sort {rng.randrange(999)}, {rng.randrange(999)} and count the letter e in elephant. " * repeat
        options = dict(_KINDS[kind], max_tokens=max_tokens, ignore_eos=kind != "json")
        if kind != "unseeded":
            options["seed"] = rng.randrange(1 << 32)
        requests.append(Request(kind, (0, *tokenize(text)), max_tokens, options))
    return requests
