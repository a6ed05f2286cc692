"""Where C++ functions begin and end, by matching braces in code without comments and literals."""

import re

# What stands before a block that is a scope, a type, or a value rather than a function's body.
_SCOPE = re.compile(r"^\s*(?:inline\s+)?(?:namespace\b|extern\s*$)|(?:^|[\s>;])(?:class|struct|union)\s+[\w:<>, ]*(?:final\s*)?(?::[^()]*)?$")
_FUNCTION = re.compile(r"\)\s*(?:(?:const|override|final|noexcept|mutable|volatile|&{1,2})\s*|->\s*[\w:<>,*&\s]+|:\s*[^;]*)*$", re.DOTALL)
_CONTROL = re.compile(r"^\s*(?:if|for|while|switch|do|else|try|catch)\b")


def _matching(code, start):
    depth = 0
    for offset in range(start, len(code)):
        if code[offset] == "{":
            depth += 1
        elif code[offset] == "}":
            depth -= 1
            if depth == 0:
                return offset
    return len(code) - 1


def _is_body(before):
    """Whether a block after this text is a function's body. Constructors with brace-initialised members end in `}`."""
    head = re.sub(r"^\s*(?:#[^\n]*\n|template\s*<[^{]*>\s*|public:|private:|protected:|\s)*", "", before)
    if _CONTROL.match(head) or "(" not in head or "=" in head.split("(")[0].replace("operator=", ""):
        return False
    return bool(_FUNCTION.search(head))


def bodies(code):
    """(offset of the opening brace, offset of the closing brace) of every function that is not inside another."""
    found = []
    offset = statement = 0
    while offset < len(code):
        character = code[offset]
        if character in ";}":
            statement = offset + 1
        elif character == "{":
            before = code[statement:offset]
            if _is_body(before) and not re.search(r"[,:]\s*[\w:<>]+\s*$", before):
                end = _matching(code, offset)
                found.append((offset, end))
                offset = statement = end
            elif re.search(r"[,:]\s*[\w:<>]+\s*$", before) and "(" in before:
                offset = _matching(code, offset)  # A member initialiser: the body is still to come.
            elif _SCOPE.search(before):
                statement = offset + 1
            else:
                offset = statement = _matching(code, offset)
        offset += 1
    return found
