"""A real Prometheus that scrapes a test's cluster, with the chart's rules."""

import json
import pathlib
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request

import yaml

from tests.testing.cluster import ROOT, free_port, http_get

sys.path.insert(0, str(pathlib.Path(ROOT) / "tools" / "dashboards"))
import rules  # noqa: E402

READY_TIMEOUT_S = 30


def _rule_groups(hold):
    """The rules at the test's pace: no interval of their own, and at most `hold` before an alert fires. As they are when it is None."""
    if hold is None:
        return rules.groups()
    groups = []
    for group in rules.groups()["groups"]:
        shortened = [{**rule, "for": hold} if "for" in rule else rule for rule in group["rules"]]
        groups.append({"name": group["name"], "rules": shortened})
    return {"groups": groups}


def _scrape_config(cluster):
    # As the chart's PodMonitors label them.
    targets = [{"targets": [f"{process.host}:{process.metrics_port}"], "labels": {"role": process.name.rsplit("-", 1)[0]}}
               for process in cluster.processes]
    return {"global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"}, "rule_files": ["rules.yaml"],
            "scrape_configs": [{"job_name": "baleen", "static_configs": targets}]}


class Prometheus:
    """Use as a context manager; ready on entry."""

    def __init__(self, cluster, hold="2s"):
        self._cluster, self._hold, self.port = cluster, hold, free_port()

    def __enter__(self):
        self._directory = tempfile.TemporaryDirectory()
        path = pathlib.Path(self._directory.name)
        (path / "rules.yaml").write_text(yaml.safe_dump(_rule_groups(self._hold)))
        (path / "prometheus.yaml").write_text(yaml.safe_dump(_scrape_config(self._cluster)))
        with open(path / "log", "w") as log:
            self._process = subprocess.Popen(
                ["prometheus", f"--config.file={path}/prometheus.yaml", f"--storage.tsdb.path={path}/data",
                 f"--web.listen-address=127.0.0.1:{self.port}", "--log.level=warn"], stdout=log, stderr=subprocess.STDOUT)
        if not self.wait_for(lambda: http_get(self.port, "/-/ready")[0] == 200, READY_TIMEOUT_S):
            words = (path / "log").read_text()
            self.__exit__()
            raise RuntimeError(f"Prometheus is not ready:\n{words}")
        return self

    def __exit__(self, *_):
        self._process.kill()
        self._process.wait()
        self._directory.cleanup()

    @staticmethod
    def wait_for(condition, timeout_s):
        """Whether the condition came true in time."""
        deadline = time.monotonic() + timeout_s
        while not condition():
            if time.monotonic() > deadline:
                return False
            time.sleep(0.1)
        return True

    def _ask(self, path, **words):
        address = f"http://127.0.0.1:{self.port}/api/v1/{path}?" + urllib.parse.urlencode(words)
        try:
            with urllib.request.urlopen(address, timeout=30) as answer:
                return json.load(answer)["data"]["result"]
        except urllib.error.HTTPError as error:
            raise ValueError(f"{words['query']}: {error.read().decode()}") from None

    def query(self, expression):
        """The samples of an instant query: (labels, value). ValueError for one that Prometheus refuses."""
        return [(sample["metric"], float(sample["value"][1])) for sample in self._ask("query", query=expression)]

    def query_range(self, expression, begin, end, step_s):
        """The series of a query over a time: (labels, [(when, value)]). Times in seconds since the Unix epoch."""
        found = self._ask("query_range", query=expression, start=begin, end=end, step=step_s)
        return [(series["metric"], [(float(at), float(value)) for at, value in series["values"]]) for series in found]

    def firing(self):
        """Names of the alerts that fire."""
        return {labels["alertname"] for labels, _ in self.query('ALERTS{alertstate="firing"}')}
