"""A source file as the rules see it: raw lines, and C++ text with comments and literals blanked out."""

import dataclasses
import functools
import os
import pathlib
import re

SKIPPED_DIRECTORIES = {".git", ".baleen", "__pycache__", "checkpoints", "node_modules"}
TEXT_SUFFIXES = {".cc", ".h", ".cu", ".cuh", ".py", ".sh", ".proto", ".bzl", ".bazel", ".md", ".yaml", ".yml", ".txt"}
TEXT_NAMES = {"Makefile", "WORKSPACE", ".bazelrc", "run", "baleen"}
CPP_SUFFIXES = {".cc", ".h", ".cu", ".cuh"}

_NOISE = re.compile(
    r"""//[^\n]*|/\*.*?\*/|R"([^(\s]{0,16})\(.*?\)\1"|"(?:\\.|[^"\\\n])*"|(?<![0-9A-Fa-f])'(?:\\.|[^'\\\n])+'""", re.DOTALL
)


def _blank(match):
    return re.sub(r"[^\n]", " ", match.group())


@dataclasses.dataclass(frozen=True)
class Source:
    """`path` is relative to the checkout, with forward slashes."""

    path: str
    text: str

    @functools.cached_property
    def lines(self):
        return self.text.splitlines()

    @functools.cached_property
    def code(self):
        """The text without comments and literals, same length and line numbers."""
        return _NOISE.sub(_blank, self.text)

    @property
    def is_cpp(self):
        return pathlib.PurePosixPath(self.path).suffix in CPP_SUFFIXES

    @property
    def is_header(self):
        return self.path.endswith((".h", ".cuh"))

    @property
    def is_test(self):
        return bool(re.search(r"_test\.\w+$", self.path)) or self.path.startswith("tests/")

    def line_of(self, offset):
        return self.text.count("\n", 0, offset) + 1


def read_all(root):
    """Every text file of the checkout, in a fixed order."""
    sources = []
    for directory, names, files in os.walk(root):
        names[:] = sorted(name for name in names if name not in SKIPPED_DIRECTORIES and not name.startswith("bazel-"))
        for name in sorted(files):
            path = pathlib.Path(directory) / name
            if path.is_symlink() or not (path.suffix in TEXT_SUFFIXES or name in TEXT_NAMES):
                continue
            relative = path.relative_to(root).as_posix()
            sources.append(Source(relative, path.read_text(encoding="utf-8", errors="replace")))
    return sources
