"""Prometheus' text format, read strictly enough to find what is wrong with a page."""

import dataclasses
import re

_SAMPLE = re.compile(r'^(?P<name>[a-zA-Z_:][\w:]*)(?:\{(?P<labels>.*)\})? (?P<value>\S+)$')
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"(?:,|$)')
_HISTOGRAM_SUFFIXES = ("_bucket", "_sum", "_count")


@dataclasses.dataclass
class Family:
    kind: str = ""
    help: str = ""
    labels: set = dataclasses.field(default_factory=set)
    series: int = 0


def parse(text):
    """Metric name -> Family. ValueError for a line that is none or a sample without a type."""
    families = {}
    for line in text.splitlines():
        if line.startswith("# HELP "):
            _, _, name, words = line.split(" ", 3)
            families.setdefault(name, Family()).help = words
        elif line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            families.setdefault(name, Family()).kind = kind
        elif line:
            _add_sample(families, line)
    return families


def _add_sample(families, line):
    match = _SAMPLE.match(line)
    if not match:
        raise ValueError(f"not a sample: {line}")
    float(match["value"])
    name = match["name"]
    suffix = next((end for end in _HISTOGRAM_SUFFIXES
                   if name.endswith(end) and families.get(name.removesuffix(end), Family()).kind == "histogram"), "")
    family = families.get(name.removesuffix(suffix))
    if family is None or not family.kind:
        raise ValueError(f"a sample without a type: {line}")
    family.labels |= {label for label, _ in _LABEL.findall(match["labels"] or "")} - ({"le"} if suffix == "_bucket" else set())
    family.series += 1
