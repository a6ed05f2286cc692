"""Worked reasoning: pure functions from a problem's numbers to (lines of reasoning, result).

Every chain does one small step a line, so that each token follows from a few earlier ones.
"""


def _columns(digits_a: str, digits_b: str):
    """Digit pairs from the right; the shorter number is padded with zeros."""
    width = max(len(digits_a), len(digits_b))
    return list(zip(map(int, reversed(digits_a.zfill(width))), map(int, reversed(digits_b.zfill(width)))))


def add_columns(a: int, b: int) -> list[str]:
    """Columns of a + b for a, b >= 0: digits, carry, sum, then the result so far."""
    out, carry, done = [], 0, ""
    columns = _columns(str(a), str(b))
    for i, (x, y) in enumerate(columns):
        total = x + y + carry
        last = i == len(columns) - 1
        done = (str(total) if last else str(total % 10)) + done
        out.append(f"{x}+{y}{'+1' if carry else ''}={total} {'' if last else '..'}{done}")
        carry = total // 10
    return out


def subtract_columns(a: int, b: int) -> list[str]:
    """Columns of a - b for a >= b >= 0; `+10` marks a borrow that the next column pays as `-1`."""
    out, borrow, done = [], 0, ""
    for x, y in _columns(str(a), str(b)):
        digit = x - y - borrow
        lend = digit < 0
        digit += 10 * lend
        done = str(digit) + done
        out.append(f"{x}-{y}{'-1' if borrow else ''}{'+10' if lend else ''}={digit} ..{done}")
        borrow = int(lend)
    return out


def sign(x: int) -> str:
    """`<`, `=` or `>` as x is below, at or above 0."""
    return "<=>"[(x > 0) - (x < 0) + 1]


def compare_magnitudes(a: str, b: str) -> tuple[str, int]:
    """Walks two unsigned decimal strings from the left; returns the walk and -1, 0 or 1."""
    (whole_a, _, part_a), (whole_b, _, part_b) = a.partition("."), b.partition(".")
    if len(whole_a) != len(whole_b):
        order = len(whole_a) - len(whole_b)
        return f"{len(whole_a)}{sign(order)}{len(whole_b)} digits", 1 if order > 0 else -1
    width = max(len(part_a), len(part_b))
    steps = []
    for separator, x, y in (("", whole_a, whole_b), (".", part_a.ljust(width, "0"), part_b.ljust(width, "0"))):
        if x and separator:
            steps.append(separator)
        for p, q in zip(x, y):
            order = int(p) - int(q)
            steps.append(f"{p}{sign(order)}{q}")
            if order:
                return " ".join(steps), 1 if order > 0 else -1
    return " ".join(steps), 0


def compare(a: str, b: str, asked: str) -> tuple[list[str], int]:
    """Compares two decimal strings, signs included; the first line is what is asked: `larger`, `smaller`, `>?` or `<?`."""
    below_a, below_b = a.startswith("-"), b.startswith("-")
    if below_a != below_b:
        walk, order = f"{a if below_a else b} is below 0", -1 if below_a else 1
    else:
        walk, order = compare_magnitudes(a.lstrip("-"), b.lstrip("-"))
        if below_a:
            walk, order = walk + ", both below 0", -order
    return [asked, f"{a} ? {b}: {walk}", f"{a} {sign(order)} {b}"], order


def subtract(a: int, b: int) -> tuple[list[str], int]:
    """a - b for a, b >= 0: the larger minus the smaller, then the sign."""
    walk, order = compare_magnitudes(str(a), str(b))
    lines = [f"{a} ? {b}: {walk}"]
    if order == 0:
        return lines + ["same, 0"], 0
    if order < 0:
        lines.append(f"-({b} - {a})")
    return lines + subtract_columns(max(a, b), min(a, b)) + [f"= {a - b}"], a - b


def plus_minus(a: int, operator: str, b: int) -> tuple[list[str], int]:
    """a + b or a - b on any integers: signs are resolved first."""
    lines = [f"{a} {operator} {b}"]
    signed = b if operator == "+" else -b
    if a >= 0 and signed >= 0 and (operator == "+" or b < 0):
        if operator == "-":
            lines.append(f"{a} + {signed}")
        return lines + add_columns(a, signed), a + signed
    if a < 0 and signed < 0:
        lines.append(f"-({-a} + {-signed})")
        return lines + add_columns(-a, -signed) + [f"= {a + signed}"], a + signed
    x, y = (a, -signed) if a >= 0 else (signed, -a)
    if a < 0 or operator == "+":
        lines.append(f"{x} - {y}")
    steps, result = subtract(x, y)
    return lines + steps, result


def _row(a: int, digit: int) -> str:
    """a times one digit, from the right, with the carry and the result so far."""
    steps, carry, done, digits = [], 0, "", str(a)[::-1]
    for i, d in enumerate(map(int, digits)):
        total = d * digit + carry
        last = i == len(digits) - 1
        done = (str(total) if last else str(total % 10)) + done
        carried = f"+{carry}={d * digit}+{carry}" if carry else ""
        steps.append(f"{d}*{digit}{carried}={total} {'' if last else '..'}{done}")
        carry = total // 10
    return ", ".join(steps)


def multiply(a: int, b: int) -> tuple[list[str], int]:
    """a * b: one row a digit of b from the right, then the rows are added one after another."""
    lines = [f"{a} * {b}"]
    if a < 0 or b < 0:
        lines += [f"{'+' if a * b >= 0 else '-'} {abs(a)} * {abs(b)}"]
    x, y = abs(a), abs(b)
    if not x or not y:
        return lines + ["times 0 is 0"], 0
    rows = []
    for place, digit in enumerate(map(int, str(y)[::-1])):
        if digit:
            rows.append(x * digit * 10 ** place)
            shifted = f", {rows[-1]}" if place else ""
            lines.append(f"*{digit}: {_row(x, digit)}{shifted}")
        else:
            lines.append("*0: 0")
    total = rows[0]
    for row in rows[1:]:
        lines += [f"{total} + {row}"] + add_columns(total, row)
        total += row
    return lines + [f"= {a * b}"], a * b


def sort(numbers: list[int], descending: bool) -> tuple[list[str], list[int]]:
    """Insertion sort: each line inserts the next number into the sorted list so far."""
    lines = [f"{'down' if descending else 'up'}: {' '.join(map(str, numbers))}"]
    done: list[int] = []
    for n in numbers:
        done = sorted(done + [n], reverse=descending)
        lines.append(f"{n}: {' '.join(map(str, done))}")
    return lines, done


def count(letter: str, word: str) -> tuple[list[str], int]:
    """Holds the letter against each of the word's, side by side, and numbers each match."""
    pairs, found = [], 0
    for c in word:
        found += c == letter
        pairs.append(f"{letter}{c}{found if c == letter else ''}")
    return [f"{letter} in {word}", f"{' '.join(pairs)}: {found}"], found
