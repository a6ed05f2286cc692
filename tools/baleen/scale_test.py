"""What `baleen scale` and `baleen drain` refuse, and what they wait for."""

import contextlib
import io
import types
import unittest
import unittest.mock

import drain
import metrics
import process
import scale
import waiting
from errors import UserError
from progress import Progress


def one(role, alive=True, flags=(), metrics=0, number=0):
    """A process of the record."""
    name = f"{role}-{number}"
    made = process.Process(role, name, 1, 2, 3, metrics, None, f"/logs/{name}.log", flags=list(flags))
    made.alive = lambda: alive
    return made


def counts(*words):
    return scale._wanted(types.SimpleNamespace(counts=list(words)))


class CountsTest(unittest.TestCase):
    def test_shards_without_a_role(self):
        self.assertEqual(counts("4", "decode=2"), {"expert": 4, "decode": 2})

    def test_what_is_wrong_is_named(self):
        for words, said in ((("2", "4"), "2 4: says twice how many expert shards"), (("expert=2", "4"), "twice"),
                            (("decode=1", "decode=1"), "twice how many decode workers"), (("=3",), "=3: expected gateway, "),
                            (("0",), "SHARDS=0: expected 1 to 64"), (("x=",), "x=: expected gateway")):
            with self.subTest(words=words), self.assertRaisesRegex(UserError, said):
                counts(*words)

    def run_on(self, processes, *words):
        arguments = types.SimpleNamespace(counts=list(words), follow=False)
        with unittest.mock.patch.object(scale.remote, "is_remote", lambda _: False), \
                unittest.mock.patch.object(scale.state, "running", lambda: processes), \
                unittest.mock.patch.object(scale.state, "changing", contextlib.nullcontext), \
                unittest.mock.patch.object(scale, "_scale") as scaled, contextlib.redirect_stdout(io.StringIO()) as said:
            scale.run(arguments)
        return scaled.call_args_list, said.getvalue()

    def test_as_many_shards_as_copies_at_least(self):
        processes = [one("expert"), one("placement", flags=["--expected_shards=2", "--replicas=2"])]
        with self.assertRaisesRegex(UserError, r"SHARDS=1: expected 2 \(the copies of each expert\) to 64"):
            self.run_on(processes, "decode=2", "1")
        self.assertEqual(self.run_on(processes, "2")[1], "2 expert shards\n")
        self.assertEqual(self.run_on([one("placement", flags=["--replicas=1"])], "1", "gateway=1")[1], "1 expert shard\n1 gateway\n")


class DrainTest(unittest.TestCase):
    def drain(self, processes, *ids):
        """The ids of those that are told to leave."""
        with unittest.mock.patch.object(drain.remote, "is_remote", lambda _: False), \
                unittest.mock.patch.object(drain.state, "running", lambda: processes), \
                unittest.mock.patch.object(drain.state, "changing", contextlib.nullcontext), \
                unittest.mock.patch.object(drain, "leave", return_value=[]) as leave:
            self.assertEqual(drain.run(types.SimpleNamespace(ids=list(ids))), 0)
        return [process.id for process in leave.call_args.args[1]]

    def test_as_many_shards_stay_as_copies(self):
        cluster = [one("expert", number=number) for number in range(3)] + [one("prefill"), one("placement", flags=["--replicas=2"])]
        self.assertEqual(self.drain(cluster, "expert-1", "prefill-0"), ["expert-1", "prefill-0"])
        refusal = r"expert-0, expert-2: would leave expert=1, expected 2 at least \(.*\); start others first: baleen scale expert=4"
        with self.assertRaisesRegex(UserError, refusal):
            self.drain(cluster, "expert-0", "prefill-0", "expert-2")

    def test_a_decode_worker_stays(self):
        cluster = [one("decode", number=number) for number in range(2)]
        self.assertEqual(self.drain(cluster, "decode-1"), ["decode-1"])
        with self.assertRaisesRegex(UserError, "decode-0, decode-1: would leave decode=0, .*first: baleen scale decode=3"):
            self.drain(cluster, "decode-0", "decode-1")

    def test_the_dead_may_always_go(self):
        cluster = [one("expert"), one("expert", alive=False, number=1), one("placement", flags=["--replicas=2"])]
        self.assertEqual(self.drain(cluster, "expert-1"), ["expert-1"])
        with self.assertRaisesRegex(UserError, "expert-0: would leave expert=0"):
            self.drain(cluster, "expert-0", "expert-1")


class StandbyTest(unittest.TestCase):
    def said_by(self, *pages):
        """Placements with these metrics pages, whose ports are their places."""
        self.enterContext(unittest.mock.patch.object(metrics, "get", lambda port, _: (200, pages[port])))
        return [one("placement", metrics=port) for port in range(len(pages))]

    def test_a_placement_that_does_not_lead_says_nothing(self):
        wanted = lambda processes: metrics.said_by_leader(processes, "baleen_placement_wanted_shards")  # noqa: E731
        standby = "baleen_placement_epoch 0\nbaleen_placement_wanted_shards 2\nbaleen_placement_pending_moves 0\n"
        leader = "baleen_placement_epoch 7\nbaleen_placement_wanted_shards 3\nbaleen_placement_pending_moves 0\n"
        self.assertEqual(wanted(self.said_by(standby, leader)), 3)
        waiting.wait_settled(self.said_by(standby, leader), timeout_s=0)
        self.assertIsNone(wanted(self.said_by(standby, standby)))
        with self.assertRaisesRegex(UserError, "still moving"):
            waiting.wait_settled(self.said_by(standby), timeout_s=0)


class LeaderTest(unittest.TestCase):
    def setUp(self):
        self.epoch = 0
        says = lambda *_: (200, f"baleen_placement_epoch {self.epoch}\nbaleen_placement_pending_moves 3\n")  # noqa: E731
        for module, name, fake in ((metrics, "get", says), (waiting, "not_ready", lambda _: "no orders")):
            self.enterContext(unittest.mock.patch.object(module, name, fake))
        self.said = io.StringIO()
        self.enterContext(unittest.mock.patch.object(waiting, "Progress", lambda: Progress(self.said)))

    def test_nothing_changes_while_none_leads(self):
        processes = [one("expert"), one("placement"), one("etcd", alive=False)]
        with self.assertRaisesRegex(UserError, "no placement leads after 0 s; etcd-0, which elects it, is dead; see /logs/placement-0.log"):
            waiting.wait_led(processes, 0)
        with unittest.mock.patch.object(scale.state, "running", lambda: list(processes)), \
                unittest.mock.patch.object(scale, "LEADER_TIMEOUT_S", 0), unittest.mock.patch.object(scale.state, "save") as saved, \
                unittest.mock.patch.object(scale, "_grow") as grown, self.assertRaisesRegex(UserError, "no placement leads"):
            scale._scale("expert", 2)
        self.assertFalse(saved.called or grown.called)
        self.epoch = 5
        waiting.wait_led(processes, 0)

    def test_none_alive_is_said_at_once(self):
        for wait in (lambda dead: waiting.wait_led(dead, 60), lambda dead: waiting.wait_ready([one("expert")], 60, beside=dead)):
            with self.assertRaisesRegex(UserError, "no placement process is alive"):
                wait([one("placement", alive=False)])

    def test_who_waits_says_that_none_leads(self):
        with unittest.mock.patch.object(waiting.logs, "tail", lambda *_: []), self.assertRaisesRegex(UserError, "is not ready after 0 s"):
            waiting.wait_ready([one("expert")], 0, beside=[one("placement")])
        self.assertIn("ready: 0 of 1, waiting for expert-0; no placement leads\n", self.said.getvalue())


if __name__ == "__main__":
    unittest.main()
