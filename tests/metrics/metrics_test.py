"""docs/metrics.md and what a running cluster serves are the same."""

import pathlib
import re
import time
import unittest

from tests.metrics import exposition, load
from tests.testing.cluster import ROOT, Cluster, free_port, http_get

UNITS = ("_seconds", "_bytes", "_perc")
CANARY = "zanzibar"


def documented():
    """Name -> (type, labels, processes), from the table."""
    table = {}
    for line in (pathlib.Path(ROOT) / "docs" / "metrics.md").read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 5 and cells[0].startswith("`"):
            processes = {"gateway", "prefill", "decode", "expert", "placement"} if cells[3] == "all" else set(cells[3].split(", "))
            table[cells[0].strip("`")] = (cells[1], set(re.findall(r"`(\w+)`", cells[2])), processes)
    return table


def scrape(cluster):
    """Role -> metric name -> Family, over the processes of a role."""
    pages = {}
    for process in cluster.processes:
        status, body = http_get(process.metrics_port, "/metrics")
        if status != 200:
            raise RuntimeError(f"{process.name}: /metrics answered {status}")
        role = pages.setdefault(process.name.rsplit("-", 1)[0], {})
        for name, family in exposition.parse(body).items():
            known = role.setdefault(name, family)
            known.labels |= family.labels
    return pages


class MetricsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cluster = cls.enterClassContext(Cluster(shards=2, prefill=1, decode=2, replicas=2,
                                                      gateway_flags=["--guardrail=builtin",
                                                                     f"--prices={ROOT}/deploy/prices/deepseek-r1.json"],
                                                      common_flags=[f"--otlp_endpoint=127.0.0.1:{free_port()}"]))
        load.some_of_each(cls.cluster, [f"{CANARY} {number} + 1397? {'and then ' * 6}" for number in range(8)])
        # A client's leaving is noticed when the next token has nowhere to go.
        deadline = time.monotonic() + 20
        while "baleen_request_disconnected_total 1" not in http_get(cls.cluster.gateway.metrics_port, "/metrics")[1]:
            if time.monotonic() > deadline:
                raise RuntimeError("the client that left was not counted")
        cls.pages = scrape(cls.cluster)
        cls.table = documented()

    def test_same_names(self):
        self.assertEqual({name for page in self.pages.values() for name in page}, set(self.table))

    def test_same_types_and_processes(self):
        for name, (kind, _, processes) in self.table.items():
            with self.subTest(name):
                self.assertEqual({role for role, page in self.pages.items() if name in page}, processes)
                self.assertEqual({page[name].kind for page in self.pages.values() if name in page}, {kind})

    def test_same_labels(self):
        for name, (_, labels, _) in self.table.items():
            seen = set().union(*(page[name].labels for page in self.pages.values() if name in page))
            with self.subTest(name):
                # No request failed here.
                self.assertEqual(seen, labels - {"error_type"})

    def test_one_naming_scheme(self):
        for name, (kind, _, _) in self.table.items():
            with self.subTest(name):
                self.assertRegex(name, r"^(baleen|gen_ai_server|process)_[a-z0-9_]+$")
                self.assertEqual(name.endswith("_total"), kind == "counter")
                if "latency" in name or "_time_" in name or "duration" in name:
                    self.assertTrue(name.endswith(UNITS))

    def test_each_says_what_it_is(self):
        for role, page in self.pages.items():
            for name, family in page.items():
                self.assertTrue(family.help.endswith("."), f"{role}: {name}: {family.help}")

    def test_requests_add_no_series_and_leave_no_text(self):
        def series():
            return {(role, name): family.series for role, page in scrape(self.cluster).items() for name, family in page.items()}
        before = series()
        load.some_of_each(self.cluster, [f"{CANARY} {number} - 31?" for number in range(20, 30)])
        self.assertEqual(series(), before)
        for process in self.cluster.processes:
            self.assertNotIn(CANARY, http_get(process.metrics_port, "/metrics")[1])
            self.assertNotIn(CANARY, process.log_path.read_text())


class ExpositionTest(unittest.TestCase):
    def test_finds_what_is_wrong(self):
        for text in ("no sample at all here", 'a{b="c"} 1', "# TYPE a gauge\na x"):
            with self.subTest(text), self.assertRaises(ValueError):
                exposition.parse(text)

    def test_reads_histograms(self):
        samples = 'a_seconds_bucket{b="c",le="1"} 1\na_seconds_sum{b="c"} 1\n'
        families = exposition.parse(f"# HELP a_seconds A time.\n# TYPE a_seconds histogram\n{samples}")
        self.assertEqual(set(families), {"a_seconds"})
        self.assertEqual(families["a_seconds"].labels, {"b"})


if __name__ == "__main__":
    unittest.main()
