"""Wall clocks jump by an hour, forward and back, while a cluster serves: nobody notices."""

import datetime
import json
import pathlib
import signal
import tempfile
import unittest
import urllib.error
import urllib.request

from tests.testing.cluster import Cluster
from tests.testing.etcd import Etcd
from tests.testing.steady_load import SteadyLoad, metric, wait_for
from tests.testing.tenants import new_key
from tests.testing.wall_clock import WallClock

HOUR_S = 3600


def logged_offset(process):
    """By how much the last line of a process' log is ahead of the true time."""
    last = json.loads(process.log_path.read_text().splitlines()[-1])
    return datetime.datetime.fromisoformat(last["time"]) - datetime.datetime.now(datetime.timezone.utc)


class ClockJumpTest(unittest.TestCase):

    def test_requests_leases_and_newcomers(self):
        load = SteadyLoad()
        with WallClock() as clock, Etcd() as etcd:
            with Cluster(replicas=2, decode=2, placements=2, etcd=etcd.address, fabric=clock) as cluster, load.on(cluster) as running:
                leads = [metric(one, "baleen_placement_workers") for one in cluster.named("placement")]
                running.more()
                for number, hours in enumerate((1, -1, 0)):
                    clock.set(hours * HOUR_S)
                    running.more()
                    self.assertEqual([metric(one, "baleen_placement_workers") for one in cluster.named("placement")], leads,
                                     "a lease or a worker was lost")
                    # What was started before the jump works together with what is started after it.
                    newcomers = [cluster.start_attention("decode", 2 + number), cluster.start_attention("prefill", 1 + number)]
                    cluster.wait_ready(newcomers)
                    for newcomer in newcomers:
                        self.assertLess(abs(logged_offset(newcomer) - datetime.timedelta(hours=hours)), datetime.timedelta(minutes=30))
                    running.more()
                    cluster.named("decode")[number].stop(signal.SIGKILL)
                    running.more()
                    cluster.named("decode")[number].process.wait()
                    leads = [value and value + 2 for value in leads]
                    wait_for(lambda: sum(metric(one, "baleen_placement_workers") or 0 for one in cluster.named("placement")) < sum(leads),
                             "a dead worker was not noticed")
                    leads = [value and value - 1 for value in leads]


class LimitsTest(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        cls.key, entry = new_key()
        cls.other, other_entry = new_key()
        directory = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        tenants = [{"name": "small", "requests_per_min": 2, "keys": [entry]}, {"name": "large", "keys": [other_entry]}]
        (directory / "tenants.json").write_text(json.dumps({"tenants": tenants}))
        cls.clock = cls.enterClassContext(WallClock())
        cls.cluster = cls.enterClassContext(
            Cluster(shards=1, prefill=0, fabric=cls.clock, gateway_flags=[f"--tenants={directory}/tenants.json"]))

    def ask(self, key, prompt="1 + 1 =", **headers):
        """(status, answer) of a completion."""
        body = json.dumps({"model": "abacus", "prompt": prompt, "max_tokens": 2}).encode()
        headers = {"content-type": "application/json", "authorization": f"Bearer {key}", **headers}
        request = urllib.request.Request(f"{self.cluster.base_url}/completions", body, headers)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)

    def test_an_hour_ahead_gives_no_new_requests(self):
        self.addCleanup(self.clock.set, 0)
        statuses = []
        while 429 not in statuses:
            statuses.append(self.ask(self.key)[0])
            self.assertLess(len(statuses), 20)
        self.clock.set(HOUR_S)
        # A minute has two, and no minute has passed.
        self.assertIn(429, [self.ask(self.key)[0] for _ in range(3)])

    def test_a_key_is_remembered_beyond_a_jump(self):
        self.addCleanup(self.clock.set, 0)
        _, first = self.ask(self.other, **{"idempotency-key": "one"})
        for hours in (1, -1):
            self.clock.set(hours * HOUR_S)
            self.assertEqual(self.ask(self.other, **{"idempotency-key": "one"})[1], first)
            self.assertGreaterEqual(self.ask(self.other, prompt="2 + 2 =", **{"idempotency-key": "one"})[0], 400)


if __name__ == "__main__":
    unittest.main()
