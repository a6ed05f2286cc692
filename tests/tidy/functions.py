"""Where C++ functions begin and end, by matching braces in code without comments and literals."""

import re

# What may stand before a declaration and says nothing about its block.
_PREFIX = re.compile(r"^\s*(?:(?:public|private|protected)\s*:\s*|template\s*<[^{]*?>\s*(?=[\w\[:]))*")
_DIRECTIVE = re.compile(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", re.MULTILINE)
_SCOPE = re.compile(r"^(?:inline\s+)?namespace\b|^extern\s*$|^(?:typedef\s+)?(?:class|struct|union)\b[^()=]*$")
_SUFFIX = re.compile(r"\)\s*(?:const\b|override\b|final\b|noexcept\b|mutable\b|&{1,2}|->[^{;]*|:[^;]*|\s)*$")
_CONTROL = re.compile(r"^(?:if|for|while|switch|do|else|try|catch)\b")
_MEMBER_INITIALISER = re.compile(r"\)[^;{}]*[,:]\s*[\w:<>]+\s*$")


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


def _kind(before):
    """'scope', 'body', 'initialiser' (of a member: the body is still to come) or 'value' for a block after this text."""
    head = _PREFIX.sub("", before)
    if _SCOPE.search(head):
        return "scope"
    name = head.split("(")[0].replace("operator=", "").replace("operator==", "")
    if "(" not in head or "=" in name or _CONTROL.match(head):
        return "value"
    if _MEMBER_INITIALISER.search(head) and ":" in head[head.index(")"):]:
        return "initialiser"
    return "body" if _SUFFIX.search(head) else "value"


def bodies(code):
    """(offset of the opening brace, offset of the closing brace) of every function that is not inside another."""
    code = _DIRECTIVE.sub(lambda match: re.sub(r"[^\n]", " ", match.group()), code)
    found = []
    offset = statement = 0
    while offset < len(code):
        if code[offset] in ";}":
            statement = offset + 1
        elif code[offset] == "{":
            kind = _kind(code[statement:offset])
            if kind == "scope":
                statement = offset + 1
            else:
                end = _matching(code, offset)
                if kind == "body":
                    found.append((offset, end))
                if kind != "initialiser":
                    statement = end + 1
                offset = end
        offset += 1
    return found
