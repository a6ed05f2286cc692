"""Every flag on a container's command line is one that its binary has, and the defaults start a process."""

import re
import subprocess
import unittest

from tests.deploy import chart
from tests.testing.cluster import ROOT

BINARIES = {
    "baleen-gateway": "services/gateway/baleen-gateway",
    "baleen-attention": "services/attention/baleen-attention",
    "baleen-expert": "services/expert/baleen-expert",
    "baleen-placement": "services/placement/baleen-placement",
}


def flags_of_binary(image):
    """The names that --help lists."""
    done = subprocess.run([ROOT / BINARIES[image], "--helpfull"], capture_output=True, text=True, timeout=30)
    return set(re.findall(r"^\s+--(\w+) \(", done.stdout, re.MULTILINE))


def unknown_flags(objects):
    known = {image: flags_of_binary(image) for image in BINARIES}
    for role, workload in chart.own_workloads(objects).items():
        image = re.search(r"([^/]+?)(?::[^/:]+)?$", chart.container_of(workload)["image"]).group(1)
        yield from (f"{role}: --{flag}" for flag in chart.flags_of(workload) if flag not in known[image])


class FlagsTest(unittest.TestCase):
    def test_binaries_tell_their_flags(self):
        for image in BINARIES:
            self.assertIn("grpc_port", flags_of_binary(image), image)

    def test_all_exist(self):
        for name, path in chart.VALUES.items():
            with self.subTest(values=name):
                self.assertEqual(list(unknown_flags(chart.render(chart.read_values(path)))), [])

    def test_a_gateway_is_told_how_long_requests_may_wait(self):
        for seconds, flag in ((0, "0s"), (0.5, "0.5s"), (30, "30s")):
            gateway = chart.own_workloads(chart.render({"gateway": {"maxExpectedWaitSeconds": seconds}}))["gateway"]
            self.assertIn(f"--max_expected_wait={flag}", chart.container_of(gateway)["args"])

    def test_an_unknown_one_is_found(self):
        objects = chart.render({"expert": {"extraArgs": ["--cache_mib=1"]}})
        self.assertEqual(list(unknown_flags(objects)), ["expert: --cache_mib"])

    def test_binaries_refuse_a_drain_that_makes_no_sense(self):
        for value in ("-1s", "2h", "soon"):
            command = [ROOT / BINARIES["baleen-placement"], f"--drain_timeout={value}"]
            done = subprocess.run(command, capture_output=True, text=True, timeout=30)
            self.assertNotEqual(done.returncode, 0, value)
            self.assertIn("drain_timeout", done.stderr + done.stdout)


if __name__ == "__main__":
    unittest.main()
