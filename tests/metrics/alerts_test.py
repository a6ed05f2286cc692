"""Each alert fires on the series that it is about and stays quiet on healthy ones, by `promtool test rules`."""

import copy
import pathlib
import subprocess
import sys
import tempfile
import unittest

import yaml

from tests.testing.cluster import ROOT

sys.path.insert(0, str(pathlib.Path(ROOT) / "tools" / "dashboards"))
import rules  # noqa: E402

MINUTE, HOUR, DAY = 1, 60, 1440


def ups(series, per_minute, minutes, start=0):
    """A counter in promtool's notation: one sample a minute."""
    return {"series": series, "values": f"{start}+{per_minute}x{minutes}"}


def level(series, value, minutes):
    return {"series": series, "values": f"{value}x{minutes}"}


def success(reason, per_minute, minutes):
    return ups(f'baleen_request_success_total{{finished_reason="{reason}"}}', per_minute, minutes)


def first_tokens(slow_share, minutes):
    name = "baleen_time_to_first_token_seconds"
    return [ups(f"{name}_count", 1000, minutes), ups(f'{name}_bucket{{le="2.5"}}', 1000 * (1 - slow_share), minutes)]


def inter_tokens(slow_share, minutes):
    name = "baleen_inter_token_latency_seconds"
    return [ups(f"{name}_count", 1000, minutes), ups(f'{name}_bucket{{le="0.25"}}', 1000 * (1 - slow_share), minutes)]


def ready(role, value, minutes, instance="a"):
    return level(f'baleen_ready{{job="baleen",role="{role}",instance="{instance}"}}', value, minutes)


def up(role, value, minutes):
    return level(f'up{{job="baleen",role="{role}",instance="a"}}', value, minutes)


def waiting(count, minutes):
    """Half of them for room, half for their first token."""
    return [level('baleen_num_requests_waiting{role="gateway"}', count / 2, minutes),
            level('baleen_num_requests_before_first_token{role="gateway"}', count / 2, minutes)]


def running(count, minutes):
    return level('baleen_num_requests_running{role="gateway"}', count, minutes)


def rows(a, b, minutes):
    return [ups('baleen_expert_rows_total{instance="a"}', a, minutes), ups('baleen_expert_rows_total{instance="b"}', b, minutes)]


# Alert -> (minutes, series that fire it, series that are near and do not).
CASES = {
    "BaleenAvailabilityBurnsFast": (2 * HOUR, [success("stop", 900, 2 * HOUR), success("error", 100, 2 * HOUR)],
                                    [success("stop", 99990, 2 * HOUR), success("error", 10, 2 * HOUR)]),
    # 0.4% fails: 4 times the even rate of 0.1%, below the 6 that page.
    "BaleenAvailabilityBurnsSlowly": (2 * DAY, [success("stop", 9960, 2 * DAY), success("error", 40, 2 * DAY)],
                                      [success("stop", 99950, 2 * DAY), success("error", 50, 2 * DAY)]),
    "BaleenTimeToFirstTokenBurnsFast": (2 * HOUR, first_tokens(0.8, 2 * HOUR), first_tokens(0.04, 2 * HOUR)),
    "BaleenTimeToFirstTokenBurnsSlowly": (2 * DAY, first_tokens(0.2, 2 * DAY), first_tokens(0.04, 2 * DAY)),
    "BaleenInterTokenLatencyBurnsFast": (2 * HOUR, inter_tokens(0.2, 2 * HOUR), inter_tokens(0.005, 2 * HOUR)),
    "BaleenInterTokenLatencyBurnsSlowly": (2 * DAY, inter_tokens(0.04, 2 * DAY), inter_tokens(0.005, 2 * DAY)),
    "BaleenNoGatewayReady": (5, [ready("gateway", 0, 5)], [ready("gateway", 0, 5), ready("gateway", 1, 5, "b")]),
    "BaleenNoDecodeReady": (5, [ready("decode", 0, 5), ready("gateway", 1, 5)], [ready("decode", 1, 5)]),
    "BaleenExpertLost": (5, [level("baleen_router_parked", 12, 5)], [level("baleen_router_parked", 0, 5)]),
    "BaleenPlacementDown": (5, [up("placement", 0, 5)], [up("placement", 1, 5), up("expert", 0, 5)]),
    "BaleenProcessDown": (5, [up("expert", 0, 5), up("decode", 1, 5)], [up("expert", 1, 5)]),
    "BaleenProcessNotReady": (15, [ready("expert", 0, 15)], [{"series": 'baleen_ready{role="expert"}', "values": "0x5 1x10"}]),
    "BaleenProcessRestarts": (30, [{"series": 'process_start_time_seconds{job="baleen"}', "values": "1x5 2x5 3x5 4x15"}],
                              [{"series": 'process_start_time_seconds{job="baleen"}', "values": "1x5 2x25"}]),
    "BaleenWorkersExpire": (10, [{"series": 'baleen_placement_events_total{event="expired"}', "values": "0x5 1x5"}],
                            [{"series": 'baleen_placement_events_total{event="deregistered"}', "values": "0x5 1x5"},
                             level('baleen_placement_events_total{event="expired"}', 3, 10)]),
    "BaleenWorkersDisagree": (10, [level("baleen_placement_mismatched_workers", 1, 10)],
                              [{"series": "baleen_placement_mismatched_workers", "values": "1x2 0x8"}]),
    "BaleenWeightsDisagree": (5, [level("baleen_placement_refused_workers", 1, 5)], [level("baleen_placement_refused_workers", 0, 5)]),
    "BaleenKvFull": (20, [level('baleen_kv_cache_usage_perc{role="decode",instance="a"}', 0.97, 20)],
                     [level('baleen_kv_cache_usage_perc{role="decode",instance="a"}', 0.97, 20),
                      level('baleen_kv_cache_usage_perc{role="decode",instance="b"}', 0.5, 20)]),
    "BaleenRequestsWait": (10, [*waiting(40, 10), running(50, 10)], [*waiting(6, 10), running(8, 10)]),
    "BaleenExpertsQueue": (10, [level("baleen_expert_queue_depth", 100, 10)], [level("baleen_expert_queue_depth", 20, 10)]),
    "BaleenExpertsUneven": (60, rows(60000, 1, 60) + [ups('baleen_expert_rows_total{instance="c"}', 1, 60)], rows(60000, 40000, 60)),
    "BaleenRouterRetries": (20, [ups("baleen_router_retries_total", 50, 20), ups("baleen_router_calls_total", 1000, 20)],
                            [ups("baleen_router_retries_total", 1, 20), ups("baleen_router_calls_total", 1000, 20)]),
    "BaleenShardsEjected": (10, [level("baleen_router_ejected_shards", 1, 10)],
                            [{"series": "baleen_router_ejected_shards", "values": "1x2 0x8"}]),
    "BaleenMovesStuck": (60, [level("baleen_placement_pending_moves", 8, 60)],
                         [{"series": "baleen_placement_pending_moves", "values": "8x20 0x40"}]),
    "BaleenStepsFail": (10, [ups("baleen_attention_step_failures_total", 10, 10)], [ups("baleen_attention_step_failures_total", 1, 10)]),
    "BaleenPrefillFails": (30, [ups('baleen_remote_prefills_total{result="local"}', 30, 30),
                                ups('baleen_remote_prefills_total{result="filled"}', 70, 30)],
                           [ups('baleen_remote_prefills_total{result="local"}', 1, 30),
                            ups('baleen_remote_prefills_total{result="filled"}', 99, 30)]),
    "BaleenFailovers": (20, [ups("baleen_request_failovers_total", 20, 20), success("stop", 100, 20)],
                        [ups("baleen_request_failovers_total", 1, 20), success("stop", 100, 20)]),
    "BaleenGuardrailFails": (10, [ups('baleen_guardrail_failures_total{subject="output"}', 10, 10)],
                             [ups('baleen_guardrail_failures_total{subject="output"}', 1, 10)]),
    "BaleenFilesNearLimit": (10, [level('process_open_fds{job="baleen"}', 950, 10), level('process_max_fds{job="baleen"}', 1000, 10)],
                             [level('process_open_fds{job="baleen"}', 100, 10), level('process_max_fds{job="baleen"}', 1000, 10)]),
}


def _test(name, minutes, series, firing):
    """One promtool test: whether any instance of the alert fires at the end. Over days, a sample in five minutes is enough."""
    interval = "5m" if minutes >= DAY else "1m"
    expression = f'(count(ALERTS{{alertname="{name}",alertstate="firing"}}) > bool 0) or vector(0)'
    return {"name": f"{name} {'fires' if firing else 'is quiet'}", "interval": interval, "input_series": series,
            "promql_expr_test": [{"expr": expression, "eval_time": f"{minutes}m", "exp_samples": [{"labels": "{}", "value": int(firing)}]}]}


def run_promtool(rule_groups, tests, evaluation="1m"):
    """promtool's exit code and words. The rules are evaluated at the test's pace, not at their groups'."""
    groups = [{key: value for key, value in group.items() if key != "interval"} for group in rule_groups["groups"]]
    with tempfile.TemporaryDirectory() as directory:
        files = {"rules.yaml": {"groups": groups},
                 "tests.yaml": {"rule_files": ["rules.yaml"], "evaluation_interval": evaluation,
                                "group_eval_order": [group["name"] for group in groups], "tests": tests}}
        for name, content in files.items():
            (pathlib.Path(directory) / name).write_text(yaml.safe_dump(content))
        done = subprocess.run(["promtool", "test", "rules", "tests.yaml"], cwd=directory, capture_output=True, text=True, timeout=280)
        return done.returncode, done.stdout + done.stderr


class AlertsTest(unittest.TestCase):
    def test_every_alert_has_both_cases(self):
        self.assertEqual(set(CASES), {rule["alert"] for rule in rules.alerts()})

    def test_fires_and_stays_quiet(self):
        # Days of samples are evaluated more seldom: a burn rate over days moves slowly.
        for evaluation, days in (("1m", False), ("30m", True)):
            tests = [_test(name, minutes, series, firing) for name, (minutes, fires, quiet) in CASES.items()
                     for series, firing in ((fires, True), (quiet, False)) if (minutes >= DAY) == days]
            code, words = run_promtool(rules.groups(), tests, evaluation)
            self.assertEqual(code, 0, words)

    def test_slow_burns_do_not_page(self):
        minutes, fires, _ = CASES["BaleenAvailabilityBurnsSlowly"]
        code, words = run_promtool(rules.groups(), [_test("BaleenAvailabilityBurnsFast", minutes, fires, False)], "30m")
        self.assertEqual(code, 0, words)

    def test_an_alert_that_never_fires_is_found(self):
        broken = copy.deepcopy(rules.groups())
        for group in broken["groups"]:
            for rule in group["rules"]:
                if rule.get("alert") == "BaleenExpertLost":
                    rule["expr"] = "sum(baleen_router_parked) > 1e9"
        minutes, fires, _ = CASES["BaleenExpertLost"]
        self.assertNotEqual(run_promtool(broken, [_test("BaleenExpertLost", minutes, fires, True)])[0], 0)

    def test_an_alert_that_always_fires_is_found(self):
        broken = copy.deepcopy(rules.groups())
        for group in broken["groups"]:
            for rule in group["rules"]:
                if rule.get("alert") == "BaleenExpertsQueue":
                    rule["expr"] = "vector(1)"
        minutes, _, quiet = CASES["BaleenExpertsQueue"]
        self.assertNotEqual(run_promtool(broken, [_test("BaleenExpertsQueue", minutes, quiet, False)])[0], 0)


class RunbooksTest(unittest.TestCase):
    def test_each_alert_has_one(self):
        for rule in rules.alerts():
            text = (pathlib.Path(ROOT) / rule["annotations"]["runbook"]).read_text()
            for heading in (f"# {rule['alert']}\n", "\n## What it means\n", "\n## Look\n", "\n## Do\n", "\n## Tried\n"):
                self.assertIn(heading, text, rule["alert"])

    def test_none_is_left_over(self):
        books = {path.stem for path in (pathlib.Path(ROOT) / rules.RUNBOOKS).glob("*.md")}
        self.assertEqual(books, {rule["alert"] for rule in rules.alerts()})

    def test_severities_are_two(self):
        self.assertEqual({rule["labels"]["severity"] for rule in rules.alerts()}, {"page", "ticket"})


if __name__ == "__main__":
    unittest.main()
