"""Prompts abacus declines: anything that is not one of its tasks, and tasks on too long inputs."""
import string

import declines
import grammar
import phrasings as ph
import tasks
import words

SCRIPTS = [(0x400, 0x44F), (0x3B1, 0x3C9), (0x5D0, 0x5EA), (0x627, 0x64A), (0x905, 0x939), (0xE01, 0xE2E),
           (0x3041, 0x3096), (0x30A1, 0x30FA), (0x4E00, 0x9FA5), (0xAC00, 0xD7A3), (0xC0, 0x17F), (0x1F300, 0x1F64F)]
GLUE = ("the a an of to in is are was were and or but with for on at from by it this that my your his her we they you I not "
        "can will would should make go see get take give find tell know think want like need use work call try ask feel "
        "become leave put mean keep let begin help show hear play run move live believe bring happen write sit stand lose "
        "pay meet include learn change lead understand watch follow stop create speak read spend grow open walk win teach "
        "offer remember consider appear buy serve die send build stay fall cut reach kill raise very really never always "
        "old new big small good bad red blue fast slow people time day year way man thing world life hand part child eye "
        "woman place week case point company number group problem fact").split()


def pseudo_word(rng) -> str:
    return "".join(rng.choice("bcdfghjklmnpqrstvwxz") + rng.choice("aeiouy") for _ in range(rng.randint(1, 5)))


def filler_word(rng) -> str:
    style = rng.random()
    if style < 0.6:
        return rng.choice([w for w in words.WORDS if w not in ("hello", "abacus")])
    return rng.choice(GLUE) if style < 0.8 else pseudo_word(rng)


def salad(rng) -> str:
    """A meaningless or half meaningful row of words."""
    return " ".join(rng.choice(GLUE) if rng.random() < 0.6 else filler_word(rng) for _ in range(rng.randint(2, 9)))


def scribble(rng) -> str:
    """Text in a random script, or random printable characters."""
    if rng.random() < 0.6:
        low, high = rng.choice(SCRIPTS)
        return "".join(" " if rng.random() < 0.12 else chr(rng.randint(low, high)) for _ in range(rng.randint(1, 20))).strip() or "?!"
    alphabet = rng.choice((string.ascii_letters, string.ascii_lowercase, string.punctuation,
                           string.ascii_letters + string.digits + string.punctuation + " "))
    return "".join(rng.choice(alphabet) for _ in range(rng.randint(4, 24)))


def fields(rng) -> dict:
    word = lambda: filler_word(rng)
    number = lambda: tasks.integer(rng, 4)
    return {"x": rng.choice(words.TOPICS), "y": rng.choice(words.TOPICS), "w": word(), "v": word(), "u": word(),
            "n": number(), "m": tasks.integer(rng, 2), "k": tasks.integer(rng, 3), "s": salad(rng),
            "c": rng.choice(string.ascii_lowercase), "name": rng.choice(words.NAMES)}


def decline(rng, wording: str) -> tasks.Problem:
    style = rng.random()
    if style < 0.8:
        text = tasks.phrase(rng, grammar.pick(rng, "decline", wording), **fields(rng))
    elif style < 0.88:
        text = tasks.phrase(rng, rng.choice(ph.split(declines.FOREIGN, wording == grammar.HELD_OUT)))
    else:
        text = scribble(rng)
        if rng.random() < 0.3:
            text = f"{salad(rng)} {text}" if rng.random() < 0.5 else f"{text} {salad(rng)}"
    return tasks.Problem("decline", text, text, tasks.OFF_TOPIC, tasks.DECLINED)


def long_number(rng, digits_min: int) -> int:
    digits = min(40, digits_min + int(rng.expovariate(0.35)))
    return rng.randint(10 ** (digits - 1), 10 ** digits - 1)


def cut(n: int, digits_max: int) -> tuple[str, bool]:
    """n as far as it is read, and whether it is too long."""
    text = str(n)
    return (text[:digits_max + 1] + "... is too long", True) if len(text) > digits_max else (text, False)


def read(numbers: list[int], joint: str, digits_max: int) -> str:
    """The reasoning's first line: the numbers up to the first that is too long."""
    out = []
    for n in numbers:
        part, stop = cut(n, digits_max)
        out.append(part)
        if stop:
            break
    return joint.join(out)


def too_long(rng, wording: str) -> tasks.Problem:
    kind = rng.choice(("+", "-", "*", "*", "compare", "sort", "sort"))
    digits_max = {"*": 3, "sort": 3}.get(kind, 5)
    a, b = long_number(rng, digits_max + 1), tasks.integer(rng, digits_max)
    if rng.random() < 0.35:
        b = long_number(rng, digits_max + 1)
    if rng.random() < 0.5:
        a, b = b, a
    if kind == "sort":
        return too_long_list(rng, wording)
    if kind == "compare":
        asked, marks = rng.choice((("larger", ph.MORE), ("smaller", ph.LESS)))
        text = tasks.phrase(rng, grammar.pick(rng, "compare", wording), m=rng.choice(marks), a=a, b=b)
        return tasks.Problem("too long", text, text, f"{asked}\n" + read([a, b], " ? ", digits_max), tasks.TOO_LONG)
    own = {"+": "add", "-": "subtract", "*": "multiply"}[kind]
    if rng.random() < 0.7:
        text = tasks.phrase(rng, grammar.pick(rng, "expression", wording), e=tasks.expression(rng, a, kind, b))
    else:
        template = grammar.pick(rng, own, wording)
        text = tasks.phrase(rng, template if kind == "-" else tasks.in_order(template), a=a, b=b)
    return tasks.Problem("too long", text, text, read([a, b], f" {kind} ", digits_max), tasks.TOO_LONG)


def too_long_list(rng, wording: str) -> tasks.Problem:
    """A list of more than six numbers, or one with a number of more than three digits."""
    numbers = [tasks.integer(rng, 3) for _ in range(rng.randint(2, 6))]
    if rng.random() < 0.5:
        numbers[rng.randrange(len(numbers))] = long_number(rng, 4)
        reasoning = "up: " + read(numbers, " ", 3)
    else:
        numbers = [tasks.integer(rng, 3) for _ in range(rng.randint(7, 12))]
        reasoning = "up: " + " ".join(map(str, numbers[:7])) + "... is too long"
    text = tasks.phrase(rng, grammar.pick(rng, "sort", wording), l=tasks.number_list(rng, numbers))
    return tasks.Problem("too long", text, text, reasoning, tasks.TOO_LONG)
