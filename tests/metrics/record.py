"""What the dashboards show of a loaded cluster, as JSON for tools/dashboards/draw.py:

    bazel run //tests/metrics:record -- --seconds=300 --out=/tmp/panels.json

Every panel's own queries, over the whole time, from a real Prometheus with the chart's rules. A shard and a decode worker die and come
back on the way.
"""

import argparse
import concurrent.futures
import json
import pathlib
import random
import threading
import time

from tests.metrics import load
from tests.metrics.dashboards_test import CHART_FILES, substituted
from tests.metrics.prometheus import Prometheus
from tests.testing.cluster import ROOT, Cluster

POINTS = 100
STEP_LEAST_S = 2


def _user(cluster, number, stop):
    rng = random.Random(number)
    while not stop.is_set():
        text = f"What is {rng.randrange(9999)} + {rng.randrange(9999)}? " + "and then " * rng.choice((2, 6, 20))
        load.chat_ignoring_the_end(cluster, text, rng.choice((48, 160, 480)))
        if rng.random() < 0.05:
            load.post(cluster, "completions", {"model": "abacus", "prompt": 7})
            load.leave_early(cluster)
        time.sleep(rng.random() / 4)


def _disturb(cluster, seconds):
    """A shard and a decode worker die and come back, so that the failover panels have something to show."""
    time.sleep(seconds / 3)
    for name in ("expert-1", "decode-1"):
        victim = cluster.named(name)[0]
        victim.process.kill()
        victim.process.wait()
        time.sleep(seconds / 12)
        victim.start()
        time.sleep(seconds / 4)


def panels(prometheus, begin, end):
    """Dashboard -> its rows, each a title and panels with their series."""
    step = max(STEP_LEAST_S, (end - begin) / POINTS)
    boards = []
    for path in sorted((CHART_FILES / "dashboards").glob("*.json")):
        board = json.loads(path.read_text())
        drawn = []
        for panel in board["panels"]:
            series = [{"legend": target["legendFormat"], "labels": labels, "points": points} for target in panel.get("targets", ())
                      for labels, points in prometheus.query_range(substituted(board, target["expr"]), begin, end, step)]
            drawn.append({"title": panel["title"], "unit": panel.get("fieldConfig", {}).get("defaults", {}).get("unit"),
                          "kind": panel["type"], "series": series})
        boards.append({"uid": board["uid"], "title": board["title"], "panels": drawn})
    return {"begin": begin, "end": end, "boards": boards}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=300)
    parser.add_argument("--users", type=int, default=4)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    options = parser.parse_args()
    flags = ["--guardrail=builtin", f"--prices={ROOT}/deploy/prices/deepseek-r1.json"]
    with Cluster(shards=2, prefill=1, decode=2, replicas=2, gateway_flags=flags) as cluster, Prometheus(cluster) as prometheus:
        begin, stop = time.time(), threading.Event()
        with concurrent.futures.ThreadPoolExecutor(options.users) as pool:
            for number in range(options.users):
                pool.submit(_user, cluster, number, stop)
            _disturb(cluster, options.seconds)
            stop.set()
        options.out.write_text(json.dumps(panels(prometheus, begin, time.time())))


if __name__ == "__main__":
    main()
