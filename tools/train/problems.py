"""Synthetic problems: `training_problem` draws endlessly, the held-out sets come from a seed.

A problem is held out when the hash of its key (task and numbers, or its text) says so, and a
phrasing when it stands at the end of its list; training never sees either.
"""
import hashlib
import random
import re
import string
from dataclasses import dataclass, field

import chains
import phrasings as ph
import smalltalk as talk

HELD_OUT_SHARE = 20  # one key in this many is held out
CANNOT = "I can't do that."
DECLINED = CANNOT + " I only add, subtract, multiply, compare, sort and count letters."
TOO_LONG = CANNOT + " That is too long for me."
OFF_TOPIC = "This is not one of my tasks."
NUMBER_WORDS = ("zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
                "fifteen sixteen seventeen eighteen nineteen twenty").split()
SIGNS = {"+": ["+"] * 6 + ["plus"] * 3 + ["and then add", "added to"],
         "-": ["-"] * 6 + ["−", "–"] + ["minus"] * 4 + ["take away", "less"],
         "*": ["*", "*", "x", "x", "×", "×", "X", "·"] + ["times"] * 4 + ["multiplied by"]}
TASKS = {"add": 13, "subtract": 15, "multiply": 15, "compare": 11, "sort": 9, "count": 10,
         "story": 11, "chat": 5, "decline": 17, "too long": 6}
MATHS = [t for t in TASKS if t not in ("chat", "decline", "too long")]


@dataclass
class Problem:
    """A conversation ending in a user turn, with the completion wanted."""
    task: str
    key: str
    text: str
    reasoning: str
    answer: str
    history: list[dict] = field(default_factory=list)

    @property
    def messages(self) -> list[dict]:
        return self.history + [{"role": "user", "content": self.text}]


def is_held_out(key: str) -> bool:
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:4], "big") % HELD_OUT_SHARE == 0


def misspell(rng, text: str) -> str:
    """Swaps, drops or doubles one letter inside a word of a template, never inside a placeholder."""
    spots = [m.start() + 1 for m in re.finditer(r"(?<![{\w])[A-Za-z]{4,}", text)]
    if not spots:
        return text
    i = rng.choice(spots)
    return text[:i] + rng.choice((text[i + 1] + text[i], text[i + 1], text[i] * 2 + text[i + 1])) + text[i + 2:]


def phrase(rng, template: str, affixes: bool = True, **fields) -> str:
    """Fills a template and varies it the way people type."""
    if rng.random() < 0.05:
        template = misspell(rng, template)
    text = re.sub(r"{(\w+)}", lambda m: str(fields[m[1]]), template)
    if rng.random() < 0.3:
        text = text.rstrip(".?!") + rng.choice(("", "", "", "?", "?", ".", "!", "??", " ?"))
    style = rng.random()
    if style < 0.2:
        text = text.lower()
    elif style < 0.23:
        text = text.upper()
    elif style < 0.45:
        text = text[:1].upper() + text[1:]
    if affixes and rng.random() < 0.12:
        start = rng.choice(ph.PREFIXES)
        text = start + (text[:1].lower() + text[1:] if rng.random() < 0.5 else text)
    if affixes and rng.random() < 0.12:
        text += rng.choice(ph.SUFFIXES)
    return text.replace(" ", "  ", 1) if rng.random() < 0.02 else text


def integer(rng, digits_max: int) -> int:
    digits = rng.randint(1, digits_max)
    return rng.randint(10 ** (digits - 1) if digits > 1 else 0, 10 ** digits - 1)


def pair(rng, digits_max: int) -> tuple[int, int]:
    """Two numbers, often of equal length, sometimes close together."""
    a, b = integer(rng, digits_max), integer(rng, digits_max)
    style = rng.random()
    if style < 0.4:
        low = 10 ** (len(str(a)) - 1)
        b = rng.randint(low if low > 1 else 0, low * 10 - 1)
    elif style < 0.47:
        b = min(10 ** digits_max - 1, max(0, a + rng.randint(-30, 30)))
    return a, b


def spoken(rng, n: int) -> str:
    """How a person writes n."""
    if 0 <= n <= 20 and rng.random() < 0.12:
        return NUMBER_WORDS[n]
    return f"{n:,}" if n >= 1000 and rng.random() < 0.05 else str(n)


def expression(rng, a: int, operator: str, b: int) -> str:
    sign = rng.choice(SIGNS[operator])
    if sign == "added to":
        sign = "plus"
    left, right = spoken(rng, a), spoken(rng, b)
    if b < 0 and rng.random() < 0.5:
        right = f"({right})"
    tight = len(sign) == 1 and left[-1].isdigit() and right[-1] in string.digits + ")"
    return left + (rng.choice((" {} ", " {} ", "{}", "{}", "{} ", " {}")) if tight else " {} ").format(sign) + right


def plus_minus(rng, task: str, held_out: bool) -> Problem:
    a, b = pair(rng, 5)
    if rng.random() < 0.12:
        a, b = rng.choice(((-a, b), (a, -b), (-a, -b)))
    operator = "+" if task == "add" else "-"
    steps, result = chains.plus_minus(a, operator, b)
    if rng.random() < 0.65:
        text = phrase(rng, rng.choice(ph.split(ph.EXPRESSION, held_out)), e=expression(rng, a, operator, b))
    else:
        own = ph.ADD if task == "add" else ph.SUBTRACT
        text = phrase(rng, rng.choice(ph.split(own, held_out)), a=spoken(rng, a), b=spoken(rng, b))
        if task == "add" and re.search(r"(added to|more than|to) ?", text) and "Add {a} to {b}":
            pass
    return Problem(task, f"{a} {operator} {b}", text, "\n".join(steps), f"{a} {operator} {b} = {result}.")
