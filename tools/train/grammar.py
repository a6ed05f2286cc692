"""Expands patterns into phrasings: thousands of wordings a task from a page of patterns.

A pattern holds choices `(a|b|)`, which nest, and names `<find>` of `patterns.NAMED`; `{a}` and the
like stay for the numbers and words. `pick` never gives a phrasing that contains a held-out one.
"""
import functools
import random
import re

import declines
import patterns
import phrasings as ph

LISTED, HELD_OUT, WIDE = "listed", "held out", "wide"  # where a phrasing comes from
LIST_SHARE = 0.35  # of the wide phrasings, those of the lists
EMPTY = {"please", "the", "a", "an", "word", "letter"}  # words that make no other phrasing of one


def expand(rng: random.Random, pattern: str) -> str:
    """One phrasing of a pattern; a linked name takes the same choice wherever it stands."""
    for names, choices in patterns.LINKED:
        if f"<{names[0]}>" in pattern or f"<{names[1]}>" in pattern:
            for name, word in zip(names, rng.choice(choices)):
                pattern = pattern.replace(f"<{name}>", word)
    while "<" in pattern:
        pattern = re.sub(r"<(\w+)>", lambda m: f"({patterns.NAMED[m[1]]})", pattern)
    while "(" in pattern:
        pattern = re.sub(r"\(([^()]*)\)", lambda m: rng.choice(m[1].split("|")), pattern)
    return re.sub(r"\s+([,.:;?!])", r"\1", re.sub(r"\s+", " ", pattern)).strip(" ,:;")


def essence(phrasing: str) -> str:
    """What is left of a phrasing without case, punctuation, contractions, articles and the like."""
    text = re.sub(r"\b(what|which|how|who)'?s\b", r"\1 is", phrasing.lower())
    text = re.sub(r"{c}'?s", "{c}", text)
    text = re.sub(r"[^\w{}' ]", " ", text)
    return " ".join(word for word in text.split() if word not in EMPTY)


@functools.cache
def listed(name: str, held_out: bool) -> list[str]:
    """The held-out or the training part of a named list."""
    if name == "decline":
        return declines.DECLINE_HELD_OUT if held_out else declines.DECLINE
    return ph.split(patterns.LISTS[name], held_out)


@functools.cache
def forbidden(name: str) -> tuple[str, ...]:
    """The essences of a list's held-out phrasings."""
    return tuple(f" {essence(p)} " for p in listed(name, True))


def is_allowed(name: str, phrasing: str) -> bool:
    """Whether a phrasing contains none of its list's held-out ones."""
    text = f" {essence(phrasing)} "
    return not any(essence in text for essence in forbidden(name))


def disturb(rng: random.Random, phrasing: str) -> str:
    """Puts in a filler word or leaves out a word that decides nothing, at times."""
    parts = phrasing.split(" ")
    if rng.random() < 0.15:
        parts.insert(rng.randint(0, len(parts)), rng.choice(patterns.FILLERS))
    if rng.random() < 0.12:
        spots = [i for i, part in enumerate(parts) if part.lower() in patterns.IDLE]
        if spots:
            del parts[rng.choice(spots)]
    return " ".join(parts)


def pick(rng: random.Random, name: str, wording: str) -> str:
    """A phrasing of the named list: listed, held out, or of the wide mix that training draws."""
    if wording != WIDE:
        return rng.choice(listed(name, wording == HELD_OUT))
    while True:
        if rng.random() < LIST_SHARE:
            phrasing = rng.choice(listed(name, False))
        else:
            phrasing = expand(rng, rng.choice(patterns.PATTERNS[name]))
        phrasing = disturb(rng, phrasing)
        if is_allowed(name, phrasing):
            return phrasing
