"""One problem of each of abacus's tasks, asked as people ask, in one kind of wording."""
import re
import string
from dataclasses import dataclass, field

import chains
import grammar
import phrasings as ph
import smalltalk as talk
import words

CANNOT = "I can't do that."
DECLINED = CANNOT + " I only add, subtract, multiply, compare, sort and count letters."
TOO_LONG = CANNOT + " That is too long for me."
OFF_TOPIC = "This is not one of my tasks."
NUMBER_WORDS = ("zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
                "fifteen sixteen seventeen eighteen nineteen twenty").split()
TENS = "_ _ twenty thirty forty fifty sixty seventy eighty ninety".split()
SIGNS = {"+": ["+"] * 6 + ["plus"] * 4,
         "-": ["-"] * 6 + ["−", "–"] + ["minus"] * 4 + ["take away", "less"],
         "*": ["*", "*", "x", "x", "×", "×", "X", "·"] + ["times"] * 4 + ["multiplied by"]}


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
    if 0 <= n < 100 and rng.random() < 0.12:
        tens, ones = divmod(n, 10)
        if n <= 20:
            return NUMBER_WORDS[n]
        return TENS[tens] + (rng.choice("- ") + NUMBER_WORDS[ones] if ones else "")
    return f"{n:,}" if n >= 1000 and rng.random() < 0.05 else str(n)


def expression(rng, a: int, operator: str, b: int) -> str:
    sign = rng.choice(SIGNS[operator])
    left, right = spoken(rng, a), spoken(rng, b)
    if b < 0 and rng.random() < 0.5:
        right = f"({right})"
    tight = len(sign) == 1 and left[-1].isdigit() and right[-1] in string.digits + ")"
    return left + (rng.choice((" {} ", " {} ", "{}", "{}", "{} ", " {}")) if tight else " {} ").format(sign) + right


def plus_minus(rng, task: str, wording: str) -> Problem:
    a, b = pair(rng, 5)
    if rng.random() < 0.12:
        a, b = rng.choice(((-a, b), (a, -b), (-a, -b)))
    operator = "+" if task == "add" else "-"
    steps, result = chains.plus_minus(a, operator, b)
    if rng.random() < 0.65:
        text = phrase(rng, grammar.pick(rng, "expression", wording), e=expression(rng, a, operator, b))
    else:
        template = grammar.pick(rng, task, wording)
        text = phrase(rng, in_order(template) if task == "add" else template, a=spoken(rng, a), b=spoken(rng, b))
    return Problem(task, f"{a} {operator} {b}", text, "\n".join(steps), f"{a} {operator} {b} = {result}.")


def in_order(template: str) -> str:
    """The template with {a} and {b} named in order of mention."""
    if template.index("{b}") < template.index("{a}"):
        return template.replace("{b}", "{_}").replace("{a}", "{b}").replace("{_}", "{a}")
    return template


def multiply(rng, wording: str) -> Problem:
    a, b = integer(rng, 3), integer(rng, 3)
    if rng.random() < 0.05:
        a, b = rng.choice(((-a, b), (a, -b), (-a, -b)))
    steps, result = chains.multiply(a, b)
    if rng.random() < 0.65:
        text = phrase(rng, grammar.pick(rng, "expression", wording), e=expression(rng, a, "*", b))
    else:
        text = phrase(rng, grammar.pick(rng, "multiply", wording), a=spoken(rng, a), b=spoken(rng, b))
    return Problem("multiply", f"{a} * {b}", text, "\n".join(steps), f"{a} * {b} = {result}.")


def decimal_pair(rng) -> tuple[str, str]:
    """Two decimals whose whole parts often agree; at least one has a fraction."""
    whole = integer(rng, rng.choice((1, 1, 2, 3)))
    other = whole if rng.random() < 0.7 else integer(rng, 3)
    digits = lambda: "".join(rng.choice(string.digits) for _ in range(rng.randint(1, 3)))
    part = digits()
    close = part[:rng.randint(0, len(part))] + digits()
    texts = [f"{whole}.{part}", f"{other}.{close[:3]}" if rng.random() < 0.85 else str(other)]
    rng.shuffle(texts)
    return texts[0], texts[1]


def compare(rng, wording: str) -> Problem:
    a, b = decimal_pair(rng) if rng.random() < 0.5 else map(str, pair(rng, 5))
    if rng.random() < 0.08:
        a, b = rng.choice((("-" + a, b), (a, "-" + b), ("-" + a, "-" + b)))
    more, style, fields = rng.random() < 0.6, rng.random(), {"a": a, "b": b}
    if style < 0.55:
        asked, marks = "larger" if more else "smaller", ph.MORE + ph.MOST if more else ph.LESS + ph.LEAST
        text = phrase(rng, grammar.pick(rng, "compare", wording), m=rng.choice(marks), **fields)
    elif style < 0.75:
        asked, text = "larger", phrase(rng, grammar.pick(rng, "compare plain", wording), **fields)
    else:
        asked, marks, name = ">?" if more else "<?", ph.MORE if more else ph.LESS, "compare yes no"
        if rng.random() < 0.3:
            marks, name = asked[0], "compare sign"
        text = phrase(rng, grammar.pick(rng, name, wording), m=rng.choice(marks), **fields)
    steps, order = chains.compare(a, b, asked)
    if asked[1:] == "?":
        answer = f"{'Yes' if order == (1 if more else -1) else 'No'}, {steps[-1]}."
    else:
        first, second = (a, b) if (order > 0) == (asked == "larger") else (b, a)
        answer = f"{first} is {asked} than {second}." if order else f"They are equal: {steps[-1]}."
    return Problem("compare", f"{a} ? {b}", text, "\n".join(steps), answer)


def number_list(rng, numbers) -> str:
    style = rng.random()
    if style < 0.6:
        return ", ".join(map(str, numbers))
    if style < 0.75:
        return " ".join(map(str, numbers))
    if style < 0.83:
        return ",".join(map(str, numbers))
    if style < 0.9:
        return "[" + ", ".join(map(str, numbers)) + "]"
    return ", ".join(map(str, numbers[:-1])) + rng.choice((" and ", ", and ")) + str(numbers[-1])


def sort(rng, wording: str) -> Problem:
    numbers = [integer(rng, 3) for _ in range(rng.randint(2, 6))]
    if rng.random() < 0.1:
        numbers[rng.randrange(len(numbers))] = rng.choice(numbers)
    listed, key = number_list(rng, numbers), "sort " + " ".join(map(str, numbers))
    if len(numbers) > 2 and rng.random() < (0.35 if wording == grammar.WIDE else 0.2):
        most = rng.random() < 0.6
        steps, done = chains.sort(numbers, most)
        word = rng.choice(ph.MOST if most else ph.LEAST)
        text = phrase(rng, grammar.pick(rng, "extreme", wording), m=word, l=listed)
        return Problem("sort", key, text, "\n".join(steps), f"The {'largest' if most else 'smallest'} is {done[0]}.")
    descending = rng.random() < 0.35
    steps, done = chains.sort(numbers, descending)
    template = grammar.pick(rng, "sort", wording)
    order = rng.choice(ph.DESCENDING if descending else ph.ASCENDING)
    spot = template.index("{l}") + 3 if rng.random() < 0.5 else len(template.rstrip(".?:"))
    if rng.random() < 0.25 and ":" in template:
        spot = template.index(":")
    template = template[:spot].replace(" in order", "" if order else " in order") + order + template[spot:]
    return Problem("sort", key, phrase(rng, template, l=listed), "\n".join(steps), ", ".join(map(str, done)) + ".")


def any_word(rng) -> str:
    """An everyday word, or random letters, often repeated ones."""
    if rng.random() < 0.55:
        return rng.choice(words.WORDS)
    letters = rng.sample(string.ascii_lowercase, rng.randint(2, 12))
    return "".join(rng.choice(letters) for _ in range(rng.randint(2, 14)))


def count(rng, wording: str) -> Problem:
    word = any_word(rng)[:14]
    letter = rng.choice(word) if rng.random() < 0.8 else rng.choice(string.ascii_lowercase)
    steps, found = chains.count(letter, word)
    case = rng.choice((str.lower, str.lower, str.lower, str.title, str.upper))
    shown = rng.choice(("{}", "{}", "{}", "'{}'", '"{}"')).format(case(word))
    mark = rng.choice((letter, letter, letter.upper())) if "'" in shown else rng.choice((letter, letter, letter.upper(), f"'{letter}'"))
    text = phrase(rng, grammar.pick(rng, "count", wording), c=mark, w=shown)
    answer = f"The letter {letter} appears {found} time{'' if found == 1 else 's'} in {word}."
    return Problem("count", f"count {letter} {word}", text, "\n".join(steps), answer)


def thing(rng) -> tuple[str, str]:
    """Singular and plural of a countable thing."""
    one, _, ending = rng.choice(words.THINGS).partition("/")
    return one, one if ending == "-" else one + ending if len(ending) < 3 else ending


def story(rng, wording: str) -> Problem:
    operator = rng.choice("+-*")
    digits = rng.choice((1, 2, 2, 3, 4)) if operator != "*" else rng.choice((1, 2, 2, 3))
    a, b = integer(rng, digits), integer(rng, min(digits, rng.choice((1, 2, 3, 4))))
    if operator == "-" and a < b:
        a, b = b, a
    if operator == "*" and rng.random() < 0.5:
        a, b = b, a
    template = grammar.pick(rng, {"+": "story add", "-": "story subtract", "*": "story multiply"}[operator], wording)
    one, many = thing(rng)
    name, other = rng.sample(words.NAMES, 2)
    if operator != "-":
        template = in_order(template)
    text = phrase(rng, template, n=name, p=other, t=many, s=one, a=spoken(rng, a), b=spoken(rng, b))
    steps, result = chains.multiply(a, b) if operator == "*" else chains.plus_minus(a, operator, b)
    return Problem("story", f"{a} {operator} {b}", text, "\n".join(steps), f"{a} {operator} {b} = {result}.")


CHAT = [
    (talk.GREETINGS, "A greeting.", "Hello! Ask me to add, subtract, multiply, compare, sort or count letters."),
    (talk.HOW_ARE_YOU, "A greeting.", "I am well, thank you! What can I work out for you?"),
    (talk.THANKS, "Thanks.", "You're welcome!"),
    (talk.FAREWELLS, "A farewell.", "Goodbye!"),
    (talk.IDENTITY, "A question about me.", "I am Abacus, a small reasoning model served by Baleen."),
    (talk.ABILITIES, "A question about me.",
     "I can add, subtract, multiply, compare and sort numbers, and count letters in a word."),
]


def chat(rng, wording: str) -> Problem:
    templates, reasoning, answer = rng.choice(CHAT)
    said = rng.choice(ph.split(templates, True)) if wording == grammar.HELD_OUT else talk.varied(rng, templates)
    text = phrase(rng, said, affixes=False)
    if rng.random() < 0.5:
        text = text[:1].upper() + text[1:]
    return Problem("chat", text, text, reasoning, answer)
