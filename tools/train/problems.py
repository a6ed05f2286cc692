"""Synthetic problems: `training_problem` draws endlessly, the held-out sets come from a seed.

A problem is held out when the hash of its key (task and numbers, or its text) says so, and a
phrasing when it stands at the end of its list; training never sees either.
"""
import hashlib
import random

import grammar
import offtopic
import phrasings as ph
import tasks
from tasks import Problem

HELD_OUT_SHARE = 20  # one key in this many is held out
TASKS = {"add": 13, "subtract": 15, "multiply": 15, "compare": 11, "sort": 9, "count": 10,
         "story": 11, "chat": 5, "decline": 17, "too long": 6}
# What training draws: more of what is hardest to read out of a question.
TRAINED = {"add": 8, "subtract": 10, "multiply": 9, "compare": 9, "sort": 24, "count": 26,
           "story": 15, "chat": 7, "decline": 20, "too long": 8}
MATHS = [t for t in TASKS if t not in ("chat", "decline", "too long")]


def is_held_out(key: str) -> bool:
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:4], "big") % HELD_OUT_SHARE == 0


def draw(rng, task: str, wording: str = grammar.LISTED) -> Problem:
    """One problem of a task in the given kind of wording."""
    if task in ("decline", "too long"):
        return offtopic.decline(rng, wording) if task == "decline" else offtopic.too_long(rng, wording)
    if task in ("add", "subtract"):
        return tasks.plus_minus(rng, task, wording)
    return {"multiply": tasks.multiply, "compare": tasks.compare, "sort": tasks.sort, "count": tasks.count, "story": tasks.story,
            "chat": tasks.chat}[task](rng, wording)


def draw_split(rng, task: str, held_out: bool, wording: str = grammar.LISTED) -> Problem:
    """One problem whose key is on the wanted side of the split."""
    while True:
        problem = draw(rng, task, wording)
        if is_held_out(problem.key) == held_out:
            return problem


def training_problem(rng) -> Problem:
    """A training problem of the mix; some have a system prompt or earlier turns."""
    problem = draw_split(rng, rng.choices(list(TRAINED), list(TRAINED.values()))[0], False, grammar.WIDE)
    if rng.random() < 0.07:
        for _ in range(rng.randint(1, 2)):
            earlier = draw_split(rng, rng.choice(list(TASKS)), False, grammar.WIDE)
            problem.history += [{"role": "user", "content": earlier.text},
                                {"role": "assistant", "content": "\n\n" + earlier.answer}]
    if rng.random() < 0.08:
        problem.history.insert(0, {"role": "system", "content": rng.choice(ph.SYSTEMS)})
    return problem


def held_out_problems(seed: int, size: int = 1000) -> list[Problem]:
    """Problems of the training mix whose keys were never trained on."""
    rng = random.Random(f"held-out problems {seed}")
    return [draw_split(rng, rng.choices(list(TASKS), list(TASKS.values()))[0], held_out=True) for _ in range(size)]


def held_out_phrasings(seed: int, size: int = 1000) -> list[Problem]:
    """Held-out problems in phrasings that were never trained on."""
    rng = random.Random(f"held-out phrasings {seed}")
    asked = [*MATHS, "chat"]
    return [draw_split(rng, asked[i % len(asked)], True, grammar.HELD_OUT) for i in range(size)]


def off_topic(seed: int, size: int = 400) -> list[Problem]:
    """Prompts to decline: half from held-out stems, the rest held-out fillings and too long numbers."""
    rng = random.Random(f"off topic {seed}")
    kinds = [("decline", grammar.HELD_OUT), ("decline", grammar.LISTED), ("decline", grammar.HELD_OUT), ("too long", grammar.HELD_OUT)]
    return [draw_split(rng, *(kinds[i % 4][0], True, kinds[i % 4][1])) for i in range(size)]


HELD_OUT_SETS = {"problems": held_out_problems, "phrasings": held_out_phrasings, "off-topic": off_topic}
