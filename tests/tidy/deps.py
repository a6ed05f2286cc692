"""What targets of Bazel depend on: each names the library of every header that its files include, and relies on no other to bring it."""

import ast
import dataclasses
import pathlib
import re

_INCLUDE = re.compile(r'^#include "([^"]+)"', re.MULTILINE)
_COMPILED = ("cc_library", "cc_test", "cc_binary")
# Stands for one of several targets.
_ALIAS = "kernel_launcher"


@dataclasses.dataclass(frozen=True)
class _Target:
    build: str  # Path of its BUILD file.
    line: int
    rule: str
    attributes: dict

    @property
    def package(self):
        return pathlib.PurePosixPath(self.build).parent.as_posix()

    @property
    def label(self):
        return self.resolve(":" + self.attributes["name"])

    def resolve(self, label):
        """The label as written here, in full."""
        if label.startswith(":"):
            return f"//{self.package}{label}"
        return label if ":" in label else f"{label}:{label.rpartition('/')[2]}"

    def labels(self, *names):
        values = [value for name in names for value in self.attributes.get(name, ())]
        return [self.resolve(value) for value in values if value.startswith((":", "//"))]

    def files(self, *names):
        values = [value for name in names for value in self.attributes.get(name, ())]
        return [f"{self.package}/{value}" for value in values if not value.startswith((":", "//", "@"))]


def _literal(node):
    try:
        return ast.literal_eval(node)
    except ValueError:  # Made by an expression: nothing that is checked here.
        return ()


def _targets(source):
    for node in ast.walk(ast.parse(source.text)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            attributes = {keyword.arg: _literal(keyword.value) for keyword in node.keywords}
            if isinstance(attributes.get("name"), str):
                yield _Target(source.path, node.lineno, node.func.id, attributes)


def findings(sources):
    """`path:line: deps: what` for every header whose library the target that includes it does not name."""
    texts = {source.path: source.text for source in sources if source.is_cpp}
    targets = [target for source in sources if source.path.endswith("BUILD.bazel") for target in _targets(source)]
    libraries = {}
    for target in targets:
        for header in target.files("hdrs"):
            libraries.setdefault(header, set()).add(target.label)
    aliases = [target for target in targets if target.rule == _ALIAS]
    meant = {alias.label: {alias.resolve(alias.attributes[way]) for way in ("cuda", "host")} for alias in aliases}
    for target in targets:
        if target.rule not in _COMPILED:
            continue
        own = set(target.files("srcs", "hdrs"))
        named = {label for dep in target.labels("deps") for label in (dep, *meant.get(dep, ()))}
        included = {header for path in own for header in _INCLUDE.findall(texts.get(path, ""))}
        for header in sorted(included - own):
            if header in libraries and not libraries[header] & named:
                library = " or ".join(sorted(libraries[header]))
                yield f"{target.build}:{target.line}: deps: {target.attributes['name']} includes {header}, and does not name {library}"
