"""Checks the checkout against STYLE.md: tidy.py ROOT. Prints every finding; exit code 1 when there is one."""

import pathlib
import sys

import deps
import links
import rules
from functions import bodies
from source import read_all


def main(root):
    sources = read_all(root)
    if not any(source.is_cpp for source in sources):
        print(f"tidy: no C++ files under {root}", file=sys.stderr)
        return 1
    found = [finding for source in sources for finding in rules.check(source)]
    found += [*links.findings(root, sources), *deps.findings(sources)]
    for finding in found:
        print(finding)
    functions = sum(len(bodies(source.code)) for source in sources if source.is_cpp)
    print(f"tidy: {len(sources)} files, {functions} C++ functions, {len(found)} findings")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1])))
