#!/usr/bin/env python3
"""Writes the chart's rules and dashboards from rules.py and boards.py.

    .baleen/venv/bin/python tools/dashboards/make.py
"""

import json
import pathlib

import boards
import grafana
import rules
import yaml

FILES = pathlib.Path(__file__).resolve().parents[2] / "deploy" / "helm" / "baleen" / "files"


class _Dumper(yaml.SafeDumper):
    """Without anchors: the same text twice is written twice."""

    def ignore_aliases(self, data):
        return True


def files():
    """Path under the chart's files/ -> text."""
    header = "# Made by tools/dashboards/make.py.\n"
    made = {"rules.yaml": header + yaml.dump(rules.groups(), Dumper=_Dumper, sort_keys=False, width=140)}
    for board in boards.ALL:
        made[f"dashboards/{board.uid}.json"] = json.dumps(grafana.to_json(board), indent=1) + "\n"
    return made


def main():
    for path, text in files().items():
        (FILES / path).parent.mkdir(parents=True, exist_ok=True)
        (FILES / path).write_text(text)
        print(path)


if __name__ == "__main__":
    main()
