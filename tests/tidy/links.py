"""Relative links of Markdown files: each names a file that is there and, after a '#', a heading of it."""

import pathlib
import re

_FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ +(.+?) *$", re.MULTILINE)


def _without_code(text):
    """Fenced blocks blanked out; lines keep their numbers."""
    return _FENCE.sub(lambda match: re.sub(r"[^\n]", " ", match.group()), text)


def anchors(text):
    """What a link to a heading of this file may name, as GitHub makes it of the words."""
    headings = (re.sub(r"\]\([^)]*\)", "", heading) for heading in _HEADING.findall(_without_code(text)))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def findings(root, sources):
    """`path:line: links: what` for every link that leads nowhere."""
    for source in sources:
        if not source.path.endswith(".md"):
            continue
        text = _without_code(source.text)
        for match in _LINK.finditer(text):
            path, _, anchor = match.group(1).partition("#")
            if re.match(r"\w+:", path):
                continue
            file = pathlib.Path(root) / source.path
            target = file.parent / path if path else file
            if not target.exists() or (anchor and anchor not in anchors(target.read_text(encoding="utf-8"))):
                yield f"{source.path}:{source.line_of(match.start())}: links: {match.group(1)} leads nowhere"
