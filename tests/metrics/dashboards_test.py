"""Every query of every dashboard returns data from a real Prometheus that scrapes a loaded cluster; and no alert fires there."""

import json
import math
import pathlib
import re
import sys
import unittest

from tests.metrics import load
from tests.metrics.prometheus import Prometheus
from tests.testing.cluster import ROOT, Cluster

sys.path.insert(0, str(pathlib.Path(ROOT) / "tools" / "dashboards"))
import boards  # noqa: E402
import make  # noqa: E402
import rules  # noqa: E402

CHART_FILES = pathlib.Path(ROOT) / "deploy" / "helm" / "baleen" / "files"
SCRAPES = 8


def substituted(board, expression):
    """A panel's expression as Grafana would send it, with the constants' defaults."""
    query = expression.replace("$__rate_interval", "30s")
    for item in board["templating"]["list"]:
        if item["type"] == "textbox":
            query = query.replace(f"${item['name']}", item["query"])
    return query


def queries():
    """(dashboard, panel, PromQL) of every query."""
    for path in sorted((CHART_FILES / "dashboards").glob("*.json")):
        board = json.loads(path.read_text())
        for panel in board["panels"]:
            for target in panel.get("targets", ()):
                yield board["title"], panel["title"], substituted(board, target["expr"])


class DashboardsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        flags = ["--guardrail=builtin", f"--prices={ROOT}/deploy/prices/deepseek-r1.json"]
        cls.cluster = cls.enterClassContext(Cluster(shards=2, prefill=1, decode=2, replicas=2, gateway_flags=flags))
        # Longer than a busy machine keeps a shard from answering in time.
        cls.prometheus = cls.enterClassContext(Prometheus(cls.cluster, hold="6s"))
        scraped = f"min(count_over_time(baleen_ready[1m])) >= {SCRAPES}"
        # The families whose series begin with their first event have to be there for two scrapes.
        round_number = 0
        while not cls.prometheus.query(scraped):
            round_number += 1
            load.some_of_each(cls.cluster, [f"What is {round_number} + {number}? {'and then ' * 6}" for number in range(8)])

    def test_every_query_returns_data(self):
        asked = list(queries())
        self.assertGreater(len(asked), 50)
        for board, panel, query in asked:
            with self.subTest(board=board, panel=panel, query=query):
                values = [value for _, value in self.prometheus.query(query)]
                self.assertTrue(values)
                self.assertFalse(all(math.isnan(value) for value in values))

    def test_every_recording_returns_data(self):
        for text in re.findall(r"record: (\S+)", (CHART_FILES / "rules.yaml").read_text()):
            self.assertTrue(self.prometheus.query(text), text)

    def test_a_query_for_nothing_is_found(self):
        self.assertEqual(self.prometheus.query("baleen_no_such_metric"), [])
        with self.assertRaises(ValueError):
            self.prometheus.query("sum(")

    def test_no_alert_fires_in_a_healthy_cluster(self):
        # A machine that is too busy for the service levels rightly fires those.
        self.assertEqual(self.prometheus.firing() - {rule["alert"] for rule in rules.level_alerts()}, set())


class FilesTest(unittest.TestCase):
    def test_are_what_the_tool_makes(self):
        for path, text in make.files().items():
            self.assertEqual((CHART_FILES / path).read_text(), text, f"{path}: run tools/dashboards/make.py")

    def test_dashboards_and_panels_have_names(self):
        self.assertEqual([board.uid.removeprefix("baleen-") for board in boards.ALL],
                         ["overview", "serving", "experts", "kv", "cost", "failover"])
        for board in boards.ALL:
            panels = [panel for row in board.rows for panel in row.panels]
            self.assertEqual(len({panel.title for panel in panels}), len(panels), board.title)
            self.assertTrue(all(panel.description and panel.queries for panel in panels), board.title)


if __name__ == "__main__":
    unittest.main()
