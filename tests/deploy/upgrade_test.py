"""What `helm upgrade` refuses, and what it says at the end. A file answers what Helm asks the cluster: there is no API server here."""

import pathlib
import re
import shutil
import tempfile
import unittest

import helm_python
import yaml

from tests.deploy import chart
from tests.testing.cluster import ROOT

LOOKUP = 'lookup "apps/v1" "StatefulSet" .Release.Namespace'
NOTES = "baleen/templates/NOTES.txt"
REVISIONS = yaml.safe_load((chart.CHART / "Chart.yaml").read_text())["annotations"]
CPU, CUDA = REVISIONS["baleen/numerics-cpu"], REVISIONS["baleen/numerics-cuda"]
GPU = {"resources": {"limits": {"nvidia.com/gpu": 1}}}


def upgrade(running, values):
    """Renders the chart where a release of the objects `running` is."""
    with tempfile.TemporaryDirectory() as directory:
        copy = pathlib.Path(directory) / "baleen"
        shutil.copytree(chart.CHART, copy)
        sets = {item["metadata"]["name"]: item for item in chart.of_kind(running, "StatefulSet")}
        (copy / "running.yaml").write_text(yaml.safe_dump(sets))
        helpers = copy / "templates" / "_helpers.tpl"
        text = helpers.read_text()
        if text.count(LOOKUP) != 1:
            raise ValueError(f"_helpers.tpl asks {text.count(LOOKUP)} times for running shards")
        helpers.unlink()
        helpers.write_text(text.replace(LOOKUP, 'get (.Files.Get "running.yaml" | fromYaml)'))
        with helm_python.Chart.load(copy) as loaded:
            return loaded.render(values, name=chart.RELEASE, namespace=chart.NAMESPACE, is_upgrade=True)


def notes(values):
    with helm_python.Chart.load(chart.CHART) as loaded:
        return loaded.render(values, name=chart.RELEASE, namespace=chart.NAMESPACE)[NOTES]


class NumericsTest(unittest.TestCase):
    def test_other_numerics_are_refused(self):
        for values, words in (({"model": {"dtype": "f32"}}, f"'abacus auto cpu {CPU}' to 'abacus f32 cpu {CPU}'"),
                              ({"device": "cuda", "prefill": GPU, "decode": GPU, "expert": GPU}, f"to 'abacus auto cuda {CUDA}'")):
            with self.subTest(values=values), self.assertRaises(helm_python.HelmError) as raised:
                upgrade(chart.render(), values)
            self.assertIn(words, str(raised.exception))
            self.assertTrue(upgrade(chart.render(), {**values, "allowOtherNumerics": True}))

    def test_the_same_pass(self):
        self.assertTrue(upgrade(chart.render(), {"decode": {"replicas": 5}, "logLevel": "debug"}))

    def test_a_release_that_did_not_say_its_numerics_passes(self):
        running = chart.render()
        chart.workloads(running)["expert"]["metadata"].pop("annotations")
        self.assertTrue(upgrade(running, {"model": {"dtype": "f32"}}))

    def test_revisions_are_those_of_the_code(self):
        code = (pathlib.Path(ROOT) / "model" / "layers" / "numerics.cc").read_text()
        revisions = {device.lower(): revision for device, revision in re.findall(r'k(Cpu|Cuda)Revision\[\] = "(\w+)"', code)}
        self.assertEqual(REVISIONS, {f"baleen/numerics-{device}": revision for device, revision in revisions.items()})
        self.assertEqual(set(revisions), {"cpu", "cuda"})


class NotesTest(unittest.TestCase):
    def test_gpus_that_would_idle_are_said(self):
        self.assertIn("compute on the CPU", notes({"decode": GPU}))
        for name in ("defaults", "h800-r1"):
            self.assertNotIn("GPU", notes(chart.read_values(chart.VALUES[name])))

    def test_the_question_fits_the_edge(self):
        plain = notes({})
        self.assertIn("curl http://127.0.0.1:8080/", plain)
        self.assertNotIn("Bearer", plain)
        closed = notes({"tls": {"edge": {"enabled": True}}, "tenants": {"secret": "keys"}})
        self.assertIn("curl --insecure https://127.0.0.1:8080/", closed)
        self.assertIn('--header "authorization: Bearer $API_KEY"', closed)


if __name__ == "__main__":
    unittest.main()
