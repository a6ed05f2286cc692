"""Draws the sweeps of bench.json: one picture a quantity that is varied."""

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt  # noqa: E402

PICTURES = (
    ("batch", "sequences in a batch", "tokens/s"),
    ("context", "tokens of context", "tokens/s"),
    ("shards", "expert shards", "tokens/s"),
    ("users", "users at once", "tokens/s"),
)


def lines(results, quantity):
    """{(series, unit): [(x, value, min, max), ..]} of the series that begin with `quantity`, by x."""
    found = {}
    for entry in results:
        series = entry.get("series")
        if series and series.split()[0] == quantity:
            found.setdefault((series, entry["unit"]), []).append((entry["x"], entry["value"], entry["min"], entry["max"]))
    return {key: sorted(points) for key, points in found.items()}


def draw(results, directory, caption):
    """Writes batch.svg, context.svg, .. into `directory`, a panel a unit; what nobody measured gives none. Returns the paths."""
    directory.mkdir(parents=True, exist_ok=True)
    written = []
    for quantity, label, unit in PICTURES:
        series = lines(results, quantity)
        if not series:
            continue
        others = sorted({found for _, found in series} - {unit})
        figure, axes = plt.subplots(1, 1 + len(others), figsize=(4.5 * (1 + len(others)), 3.5), squeeze=False)
        for axis, wanted in zip(axes[0], [unit, *others]):
            own = {name: points for (name, found), points in series.items() if found == wanted}
            for name, points in own.items():
                xs, values, low, high = zip(*points)
                axis.plot(xs, values, marker="o", label=name)
                axis.fill_between(xs, low, high, alpha=0.2)
            axis.set_xscale("log", base=2)
            places = sorted({x for points in own.values() for x, *_ in points})
            axis.set_xticks(places, labels=[str(x) for x in places])
            axis.set_ylim(bottom=0)
            axis.set_xlabel(label)
            axis.set_ylabel(wanted)
            axis.grid(alpha=0.3)
            axis.legend()
        figure.suptitle(caption, fontsize="medium")
        figure.tight_layout()
        path = directory / f"{quantity}.svg"
        figure.savefig(path)
        plt.close(figure)
        written.append(path)
    return written
