"""Log lines of a running cluster: JSON objects with the fields that are promised, findable by request, at levels that change meanwhile."""

import json
import pathlib
import tempfile
import time
import unittest
import urllib.request

from tests.testing.cluster import Cluster

TIMEOUT_S = 20
CANARY = "zanzibar"
ALWAYS = {"time", "level", "role", "event"}


def lines_of(process):
    """Its log, as objects; the last line may still be being written."""
    text = process.log_path.read_text()
    return [json.loads(line) for line in text[:text.rfind("\n") + 1].splitlines()]


class LogsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.levels = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        cls.cluster = cls.enterClassContext(Cluster(shards=1, prefill=1, decode=1,
                                                    own_flags=lambda name: [f"--log_level_file={cls.levels / name}"]))

    def _ask(self):
        """Header x-request-id."""
        body = {"model": "abacus", "prompt": f"{CANARY} " + "and then " * 20, "max_tokens": 4}
        request = urllib.request.Request(f"{self.cluster.base_url}/completions", json.dumps(body).encode(),
                                         {"content-type": "application/json"})
        with urllib.request.urlopen(request, timeout=60) as answer:
            self.assertNotIn("error", json.load(answer))
            return answer.headers["x-request-id"]

    def _wait(self, condition, what):
        deadline = time.monotonic() + TIMEOUT_S
        while not condition():
            self.assertLess(time.monotonic(), deadline, what)
            time.sleep(0.05)

    def _set_level(self, level):
        for process in self.cluster.processes:
            (self.levels / process.name).write_text(level)
        for process in self.cluster.processes:
            self._wait(lambda: any(line.get("to") == level for line in lines_of(process)), f"{process.name} is not at {level}")

    def _events_of(self, request_id, process):
        return [line["event"] for line in lines_of(process) if line.get("request") == request_id]

    def test_levels_change_and_lines_name_their_request(self):
        gateway, decode = self.cluster.gateway, self.cluster.named("decode")[0]
        quiet = self._ask()
        self._set_level("debug")
        told = self._ask()
        self._wait(lambda: "request_ended" in self._events_of(told, gateway), "the gateway does not log the request")
        self._wait(lambda: "sequence_ended" in self._events_of(told, decode), "the decode worker does not log the sequence")
        self.assertEqual(self._events_of(told, decode), ["sequence_accepted", "sequence_ended"])
        self._set_level("error")
        self._ask()
        self.assertEqual(self._events_of(quiet, gateway) + self._events_of(quiet, decode), [])
        self.assertEqual(lines_of(gateway)[-1], lines_of(gateway)[-1] | {"event": "log_level_changed", "to": "error", "level": "error"})

        for process in self.cluster.processes:
            lines = lines_of(process)
            self.assertTrue(lines)
            for line in lines:
                self.assertLessEqual(ALWAYS, set(line), line)
                self.assertIn(line["level"], ("debug", "info", "warning", "error"))
                self.assertRegex(line["time"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
                self.assertRegex(line.get("request", "0" * 32), r"^[0-9a-f]{32}$")
            self.assertNotIn(CANARY, process.log_path.read_text())


if __name__ == "__main__":
    unittest.main()
