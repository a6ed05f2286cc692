"""Rounds are interleaved, each with its own reading of the machine, and summed up by their median."""

import http.server
import itertools
import json
import os
import pathlib
import threading
import unittest
import unittest.mock
import urllib.error

import run
import running
import sweeps


def report(milliseconds, **fields):
    entry = {"run_name": "Step/16", "run_type": "iteration", "real_time": milliseconds, "time_unit": "ms", **fields}
    return {"benchmarks": [entry]}


class RoundsTest(unittest.TestCase):
    def test_targets_take_turns_with_a_reading_before_each(self):
        calls = []

        def read_machine():
            calls.append("machine")
            return {"read_gb_s": float(len(calls))}

        def run_benchmark(target):
            calls.append(target)
            return report(1.0)

        taken = run.rounds_of(["a", "b"], 2, run_benchmark, read_machine)
        self.assertEqual(calls, ["machine", "a", "machine", "b"] * 2)
        self.assertEqual([reading["read_gb_s"] for reading, _ in taken["a"]], [1.0, 5.0])
        self.assertEqual([reading["read_gb_s"] for reading, _ in taken["b"]], [3.0, 7.0])


    def test_who_goes_first_changes_with_every_round(self):
        calls = []

        def measure(name):
            calls.append(name)
            return len(calls)

        taken = sweeps.in_turn([lambda: measure("a"), lambda: measure("b")], 3)
        self.assertEqual("".join(calls), "abbaab")
        self.assertEqual(taken, [[1, 4, 5], [2, 3, 6]])


    def test_turns_of_conversations_go_to_the_ports_in_turn(self):
        asked = []

        def complete(port, _, number, words, tokens):
            asked.append((port, number, words))
            return {"prompt_tokens": 10, "prompt_cache_hit_tokens": 4}, 0.5

        with unittest.mock.patch.object(sweeps, "_complete", complete):
            self.assertEqual(sweeps._talk([1, 2], "m", itertools.count()), (0.4, 0.5))
        conversations = sweeps.TALKING_USERS * sweeps.CONVERSATIONS_PER_USER
        self.assertEqual(conversations % 2, 1)
        self.assertEqual([port for port, _, _ in asked].count(1), conversations * sweeps.TURNS // 2)
        for number in range(conversations):
            lengths = [words for _, asked_number, words in asked if asked_number == number]
            self.assertEqual(lengths, [sweeps.FIRST_WORDS + sweeps.TURN_WORDS * turn for turn in range(sweeps.TURNS)])


class ResultsTest(unittest.TestCase):
    def test_median_spread_and_the_machine_beside_them(self):
        pairs = [({"read_gb_s": 10.0 * time}, report(float(time))) for time in (3, 1, 5)]
        (result,) = run.results("//a:b", pairs)
        self.assertEqual(result["name"], "//a:b:Step/16")
        self.assertEqual((result["value"], result["min"], result["max"], result["rounds"]), (3.0, 1.0, 5.0, 3))
        self.assertEqual((result["unit"], result["machine"]), ("ms", {"read_gb_s": 30.0}))

    def test_what_a_benchmark_counts_is_a_result_of_its_own(self):
        pairs = [({"read_gb_s": 1.0}, report(2.0, name="Step/16/real_time", iterations=7, gain=gain)) for gain in (1.3, 1.1, 1.2)]
        time, gain = run.results("//a:b", pairs)
        self.assertEqual((time["name"], time["value"]), ("//a:b:Step/16", 2.0))
        self.assertEqual((gain["name"], gain["unit"], gain["value"], gain["max"]), ("//a:b:Step/16/gain", "gain", 1.2, 1.3))

    def test_failed_rounds_and_aggregates_do_not_count(self):
        pairs = [
            ({"read_gb_s": 1.0}, report(9.0, error_occurred=True)),
            ({"read_gb_s": 2.0}, report(8.0, run_type="aggregate")),
            ({"read_gb_s": 3.0}, report(7.0)),
        ]
        (result,) = run.results("//a:b", pairs)
        self.assertEqual((result["value"], result["rounds"], result["machine"]), (7.0, 1, {"read_gb_s": 3.0}))


class SweepTest(unittest.TestCase):
    def test_a_ratio_is_the_median_of_the_rounds_own(self):
        entry = sweeps.result("far", "tokens/s", [8.0, 30.0, 9.0], "shards", 2, ratios=[0.8, 1.0, 0.9], baseline="near")
        self.assertEqual((entry["value"], entry["min"], entry["max"], entry["rounds"]), (9.0, 8.0, 30.0, 3))
        self.assertEqual((entry["ratio"], entry["baseline"]), (0.9, "near"))

    def test_without_a_baseline_there_is_no_ratio(self):
        entry = sweeps.result("alone", "s", [1.0], None, None)
        self.assertIsNone(entry["ratio"])
        self.assertIsNone(entry["baseline"])


    def test_two_measures_stand_side_by_side_for_each_kind(self):
        taken = [[(10.0, 1.0), (20.0, 2.0)], [(15.0, 1.0), (40.0, 3.0)]]
        _, fast, _, calm = sweeps.side_by_side("p", ("off", "on"), taken, (("speed", "tokens/s"), ("wait", "s")))
        self.assertEqual((fast["name"], fast["value"], fast["ratio"]), ("p/on/speed", 27.5, 1.75))
        self.assertEqual(fast["baseline"], "p/off/speed in the same rounds")
        self.assertEqual((calm["name"], calm["unit"], calm["value"], calm["ratio"]), ("p/on/wait", "s", 2.0, 1.25))

    def test_decoding_is_what_is_behind_first_tokens(self):
        def ask(*_, max_tokens=11, **__):
            return {"completion_tokens": max_tokens}, 0.1 if max_tokens == 1 else 0.6

        with unittest.mock.patch.object(running, "ask", ask):
            whole, decode = sweeps._answer_rates(1, "m")
        self.assertAlmostEqual(whole, 11 / 0.6)
        self.assertAlmostEqual(decode, 10 / 0.5)

    def test_batches_and_contexts_stand_each_in_their_own_line(self):
        decode = [{"tokens_per_s": [8.0 * (i + 1)], "rss_mib": i} for i in range(len(sweeps.BATCHES) + len(sweeps.CONTEXTS))]
        report = {"prefill": {"tokens_per_s": [9.0]}, "load_s": 1.0, "rss_mib": 2, "decode": decode}
        with unittest.mock.patch.object(sweeps, "_report_of", return_value=report):
            found = sweeps.engine("engine_speed", pathlib.Path("m"), "bf16", 1)
        for quantity, places in (("batch", sweeps.BATCHES), ("context", sweeps.CONTEXTS)):
            for unit in ("tokens/s", "ms", "MiB"):
                own = [entry["x"] for entry in found if (entry["series"], entry["unit"]) == (f"{quantity} bf16", unit)]
                self.assertEqual(own, [*places])
        steps = {entry["name"]: entry["value"] for entry in found if entry["unit"] == "ms"}
        self.assertEqual((steps["engine/m/bf16/decode/batch:2/step"], steps["engine/m/bf16/decode/context:128/step"]), (125.0, 15.625))


class _Gateway(http.server.BaseHTTPRequestHandler):
    """Gives the answers of `answers` in turn: (status, headers)."""

    answers = ()

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        status, headers = next(self.answers)
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(json.dumps({"usage": {"completion_tokens": 3}}).encode())

    def log_message(self, *_):
        pass


class RunningTest(unittest.TestCase):
    def _ask(self, *answers):
        with unittest.mock.patch.object(_Gateway, "answers", iter(answers)), http.server.HTTPServer(("127.0.0.1", 0), _Gateway) as server:
            thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
            thread.start()
            try:
                return running.ask(server.server_port, "/v1/completions", prompt="x")
            finally:
                server.shutdown()
                thread.join()

    def test_who_is_told_to_come_back_does(self):
        busy = {"Retry-After": "0"}
        usage, seconds = self._ask((503, busy), (429, busy), (200, {}))
        self.assertEqual(usage, {"completion_tokens": 3})
        self.assertGreater(seconds, 0)

    def test_other_errors_end_the_measurement(self):
        for answer in ((503, {}), (400, {"Retry-After": "0"})):
            with self.assertRaises(urllib.error.HTTPError) as raised:
                self._ask(answer)
            raised.exception.close()

    def test_what_a_process_takes_is_in_its_memory(self):
        own = running.Running(0, [os.getpid()])
        before = own.memory_mib()
        taken = b"x" * (64 << 20)
        self.assertAlmostEqual(own.memory_mib() - before, len(taken) >> 20, delta=8)


if __name__ == "__main__":
    unittest.main()
