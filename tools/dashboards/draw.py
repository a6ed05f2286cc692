#!/usr/bin/env python3
"""Draws dashboards from what tests/metrics/record.py wrote, one small picture each:

    .baleen/venv-bench/bin/python tools/dashboards/draw.py /tmp/panels.json docs/images
"""

import argparse
import json
import math
import pathlib

import matplotlib

matplotlib.use("agg")
import matplotlib.pyplot as plt  # noqa: E402

COLUMNS = 4
DPI = 75
COLOURS = 32  # Of the pictures: few, so that they are small.
MOST_LEGENDS = 6
UNITS = {"s": "s", "bytes": "bytes", "Bps": "bytes/s", "reqps": "a second", "percentunit": "share", "currencyUSD": "money", "short": ""}


def legend(series):
    """The legend's template with the series' labels."""
    text = series["legend"]
    for name, value in series["labels"].items():
        text = text.replace("{{" + name + "}}", value)
    return text


def _draw(axes, panel, begin):
    axes.set_title(panel["title"], fontsize=9)
    axes.set_ylabel(UNITS.get(panel["unit"], panel["unit"]), fontsize=7)
    axes.tick_params(labelsize=6)
    axes.grid(alpha=0.3)
    for number, series in enumerate(panel["series"]):
        points = [(at - begin, value) for at, value in series["points"] if not math.isnan(value)]
        label = legend(series) if number < MOST_LEGENDS else None
        axes.plot([at / 60 for at, _ in points], [value for _, value in points], linewidth=1, label=label)
    axes.set_ylim(bottom=0)
    if panel["series"]:
        axes.legend(fontsize=5, loc="upper left")


def draw(board, begin, path):
    panels = [panel for panel in board["panels"] if panel["kind"] != "row"]
    rows = math.ceil(len(panels) / COLUMNS)
    figure, axes = plt.subplots(rows, COLUMNS, figsize=(4 * COLUMNS, 2.4 * rows), squeeze=False)
    for place, panel in enumerate(panels):
        _draw(axes[place // COLUMNS][place % COLUMNS], panel, begin)
    for place in range(len(panels), rows * COLUMNS):
        axes[place // COLUMNS][place % COLUMNS].axis("off")
    figure.suptitle(f"{board['title']} (minutes)", fontsize=11)
    figure.tight_layout()
    figure.savefig(path, dpi=DPI)
    plt.close(figure)
    _quantise(path)


def _quantise(path):
    from PIL import Image  # Comes with matplotlib.

    with Image.open(path) as picture:
        small = picture.convert("RGB").quantize(COLOURS)
    small.save(path, optimize=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recorded", type=pathlib.Path)
    parser.add_argument("out", type=pathlib.Path)
    arguments = parser.parse_args()
    recorded = json.loads(arguments.recorded.read_text())
    for board in recorded["boards"]:
        path = arguments.out / f"{board['uid'].replace('baleen-', 'dashboard-')}.png"
        draw(board, recorded["begin"], path)
        print(f"{path}  {path.stat().st_size >> 10} KiB")


if __name__ == "__main__":
    main()
