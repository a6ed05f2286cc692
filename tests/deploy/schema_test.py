"""The chart lints, renders under every values file, and what comes out are valid objects of the three newest Kubernetes minors."""

import copy
import re
import unittest

import helm_python
import jsonschema
import kubernetes_validate
import yaml

from tests.deploy import chart, custom_resources

MINORS = kubernetes_validate.utils.all_versions()
NEWEST_MINORS = sorted({version.rsplit(".", 1)[0] for version in MINORS}, key=lambda text: int(text.split(".")[1]))[-3:]
ERROR = 3


def schema_findings(item, minor):
    """Against the schemas of Kubernetes itself, unknown fields included; custom resources against this project's own checks."""
    own = custom_resources.findings(item)
    if own is not None:
        return own
    try:
        kubernetes_validate.validate(item, minor, strict=True)
    except (kubernetes_validate.ValidationError, jsonschema.ValidationError) as error:
        return [error.message]
    return []


class LintTest(unittest.TestCase):
    def test_no_findings(self):
        for name, path in chart.VALUES.items():
            with self.subTest(values=name):
                report = helm_python.lint(chart.CHART, chart.read_values(path), strict=True)
                self.assertEqual(report["total_charts_linted"], 1)
                self.assertEqual([message for message in report["messages"] if message["severity"] >= ERROR], [])
                self.assertEqual(report["errors"], [])


class ValuesSchemaTest(unittest.TestCase):
    def test_defaults_name_what_the_schema_names(self):
        schema = helm_python.Chart.load(chart.CHART).schema
        values = yaml.safe_load((chart.CHART / "values.yaml").read_text())
        self.assertEqual(set(values), set(schema["properties"]) - {"global"})
        for role in chart.ROLES:
            self.assertEqual(set(values[role]), set(schema["properties"][role]["properties"]), role)

    def test_refuses_typos_at_every_level(self):
        for path in self._paths(yaml.safe_load((chart.CHART / "values.yaml").read_text())):
            values = {}
            inner = values
            for key in path:
                inner = inner.setdefault(key, {})
            inner["typo"] = 1
            with self.subTest(path=".".join(path)), self.assertRaises(helm_python.HelmError) as raised:
                chart.render(values)
            self.assertIn("typo", str(raised.exception))

    def _paths(self, values, path=()):
        # These take names that the chart can't know.
        free = {"nodeSelector", "annotations", "podAnnotations", "requests", "limits", "labels"}
        if isinstance(values, dict) and not free & set(path):
            yield path
            for key, value in values.items():
                yield from self._paths(value, (*path, key))

    def test_refuses_wrong_values(self):
        wrong = {
            "a negative count": {"decode": {"replicas": -1}},
            "two placements without etcd": {"placement": {"replicas": 2}},
            "an etcd without a port": {"placement": {"replicas": 2}, "etcd": {"endpoints": ["etcd"]}},
            "two etcds": {"etcd": {"endpoints": ["etcd:2379"], "bundled": {"enabled": True, "image": "etcd:3"}}},
            "an etcd without an image": {"etcd": {"bundled": {"enabled": True}}},
            "two members": {"etcd": {"bundled": {"enabled": True, "image": "etcd:3", "replicas": 2}}},
            "root": {"podSecurity": {"runAsUser": 0}},
            "an unknown dtype": {"model": {"dtype": "fp4"}},
            "an argument that is no flag": {"gateway": {"extraArgs": ["rm"]}},
            "a quantity": {"gateway": {"resources": {"requests": {"memory": "1 GB"}}}},
            "more copies than shards": {"expert": {"replicas": 1}, "placement": {"minReplicas": 2}},
            "a claim without a name": {"model": {"name": "V3", "source": "persistentVolumeClaim"}},
            "a bundled model that is not": {"model": {"name": "V3"}},
            "a minimum above the maximum": {"gateway": {"autoscaling": {"enabled": True, "minReplicas": 9, "maxReplicas": 3}}},
            "a GPU that nobody asks for": {"device": "cuda"},
            "a longer wait than gateways allow": {"gateway": {"maxExpectedWaitSeconds": 31}},
            "fewer shards than planned": {"expert": {"replicas": 4, "autoscaling": {"enabled": True, "minReplicas": 2}}},
        }
        for name, values in wrong.items():
            with self.subTest(name), self.assertRaises(helm_python.HelmError):
                chart.render(values)


class ObjectsTest(unittest.TestCase):
    def test_three_minors(self):
        self.assertEqual(len(NEWEST_MINORS), 3)
        for name, path in chart.VALUES.items():
            objects = chart.render(chart.read_values(path))
            self.assertGreater(len(objects), 10)
            for minor in NEWEST_MINORS:
                for item in objects:
                    with self.subTest(values=name, minor=minor, item=chart.name_of(item)):
                        self.assertEqual(schema_findings(item, minor), [])

    def test_names_are_dns_labels_and_unique(self):
        for path in chart.VALUES.values():
            names = [chart.name_of(item) for item in chart.render(chart.read_values(path))]
            self.assertEqual(len(names), len(set(names)))
            for name in names:
                self.assertRegex(name.split("/")[1], re.compile(r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$"))

    def test_every_custom_resource_is_known(self):
        objects = chart.render(chart.read_values(chart.VALUES["everything"]))
        known = {item["kind"] for item in objects if custom_resources.findings(item) is not None}
        self.assertEqual(known, {"ScaledObject", "PodMonitor", "PrometheusRule", "InferencePool"})


class BrokenObjectsTest(unittest.TestCase):
    """Each check finds the fault that it is about."""

    def setUp(self):
        self.objects = {chart.name_of(item): item for item in chart.render(chart.read_values(chart.VALUES["everything"]))}

    def _findings(self, name, change):
        item = copy.deepcopy(self.objects[name])
        change(item)
        return schema_findings(item, NEWEST_MINORS[-1])

    def test_kubernetes_schemas(self):
        self.assertTrue(self._findings("Deployment/baleen-gateway", lambda item: item["spec"].update(replica=1)))
        self.assertTrue(self._findings("Deployment/baleen-gateway", lambda item: chart.container_of(item).update(args="--x")))
        self.assertTrue(self._findings("Service/baleen-gateway", lambda item: item["spec"]["ports"][0].update(port="http")))
        self.assertTrue(self._findings("NetworkPolicy/baleen-expert", lambda item: item["spec"].update(ingres=[])))

    def test_custom_resources(self):
        broken = {
            "ScaledObject/baleen-prefill": [
                lambda item: item["spec"].pop("scaleTargetRef"),
                lambda item: item["spec"].update(triggers=[]),
                lambda item: item["spec"].update(minReplicas=1),
                lambda item: item["spec"].update(minReplicaCount="1"),
                lambda item: item["spec"]["triggers"][0]["metadata"].update(threshold=4),
            ],
            "PodMonitor/baleen-expert": [
                lambda item: item["spec"].update(selector={"matchLabels": {}}),
                lambda item: item["spec"]["podMetricsEndpoints"][0].update(targetPort=9400),
                lambda item: item["spec"]["podMetricsEndpoints"][0].update(port=9400),
            ],
            "PrometheusRule/baleen": [
                lambda item: item["spec"]["groups"][0]["rules"][0].pop("expr"),
                lambda item: item["spec"].update(rules=[]),
            ],
            "InferencePool/baleen": [
                lambda item: item["spec"].update(targetPorts=[{"number": "8080"}]),
                lambda item: item["spec"]["endpointPickerRef"].update(failureMode="Maybe"),
                lambda item: item["spec"].update(targetPortNumber=8080),
                lambda item: item["spec"].update(selector={}),
            ],
        }
        for name, changes in broken.items():
            self.assertEqual(self._findings(name, lambda item: None), [])
            for index, change in enumerate(changes):
                with self.subTest(name=name, change=index):
                    self.assertTrue(self._findings(name, change))


if __name__ == "__main__":
    unittest.main()
