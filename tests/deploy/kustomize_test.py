"""The plain manifests of k8s/ are the chart's objects: what kubectl makes of an overlay equals what Helm makes of its values."""

import copy
import unittest

import yaml

from deploy import kustomize
from tests.deploy import chart, policy
from tests.deploy.schema_test import NEWEST_MINORS, schema_findings


def rendered(overlay):
    """(kind, name) -> object, without the namespace that the overlay sets."""
    objects = {}
    for item in chart.kustomize(chart.OVERLAYS / overlay):
        if item["kind"] == "Namespace":
            continue
        namespace = item["metadata"].pop("namespace")
        if namespace != kustomize.NAMESPACE:
            raise ValueError(f"{chart.name_of(item)} is in {namespace}")
        objects[item["kind"], item["metadata"]["name"]] = item
    return objects


class KustomizeTest(unittest.TestCase):
    def test_equals_the_chart(self):
        for overlay, values in kustomize.OVERLAYS.items():
            got, wanted = rendered(overlay), kustomize.plain_objects(values)
            self.assertEqual(set(got), set(wanted), overlay)
            for identity, item in wanted.items():
                with self.subTest(overlay=overlay, item=identity):
                    self.assertEqual(got[identity], item)

    def test_is_what_the_tool_makes(self):
        for path, text in kustomize.files().items():
            self.assertEqual((chart.OVERLAYS.parent / path).read_text(), text, f"k8s/{path}: run deploy/kustomize.py")

    def test_policies_and_schemas(self):
        for overlay in kustomize.OVERLAYS:
            objects = list(rendered(overlay).values())
            for check in policy.ALL:
                self.assertEqual(list(check(objects)), [], (overlay, check.__name__))
            for item in objects:
                self.assertEqual(schema_findings(item, NEWEST_MINORS[-1]), [], (overlay, chart.name_of(item)))

    def test_namespace_enforces_the_restricted_level(self):
        for overlay in kustomize.OVERLAYS:
            namespace, = chart.of_kind(chart.kustomize(chart.OVERLAYS / overlay), "Namespace")
            self.assertEqual(namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"], "restricted")

    def test_patches_change_and_delete(self):
        old = {"spec": {"replicas": 1, "gone": 1, "containers": [{"name": "a", "image": "x"}, {"name": "b"}], "args": [1, 2]}}
        new = {"spec": {"replicas": 2, "containers": [{"name": "a", "image": "y"}], "args": [1]}}
        self.assertEqual(kustomize.strategic_patch(old, new), {
            "spec": {"gone": None, "replicas": 2, "args": [1],
                     "containers": [{"$patch": "delete", "name": "b"}, {"name": "a", "image": "y"}]}})
        self.assertEqual(kustomize.strategic_patch(old, copy.deepcopy(old)), {})

    def test_a_manifest_that_fell_behind_is_found(self):
        base = yaml.safe_load_all((chart.OVERLAYS.parent / "base" / "objects.yaml").read_text())
        objects = {(item["kind"], item["metadata"]["name"]): item for item in base}
        chart.container_of(objects["Deployment", "baleen-gateway"])["args"].pop()
        self.assertNotEqual(objects["Deployment", "baleen-gateway"], kustomize.plain_objects(None)["Deployment", "baleen-gateway"])


if __name__ == "__main__":
    unittest.main()
