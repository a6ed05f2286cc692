"""The chart and the plain manifests as lists of Kubernetes objects."""

import pathlib
import subprocess
import sysconfig

import helm_python
import yaml

from tests.testing.cluster import ROOT

CHART = pathlib.Path(ROOT) / "deploy" / "helm" / "baleen"
OVERLAYS = pathlib.Path(ROOT) / "k8s" / "overlays"
CASES = pathlib.Path(ROOT) / "tests" / "deploy" / "values"
RELEASE = NAMESPACE = "baleen"
ROLES = ("gateway", "prefill", "decode", "expert", "placement")

# Every values file that users get, and those that switch the rest on.
VALUES = {
    "defaults": None,
    "h800-r1": CHART / "values-h800-r1.yaml",
    "everything": CASES / "everything.yaml",
    "host-path": CASES / "host-path.yaml",
    "image-volume": CASES / "image-volume.yaml",
    "tls": CASES / "tls.yaml",
    "placements": CASES / "placements.yaml",
    "three-placements": CHART / "values-three-placements.yaml",
    "etcd-tls": CASES / "etcd-tls.yaml",
}


def read_values(path):
    return {} if path is None else yaml.safe_load(path.read_text())


def render(values=None, namespace=NAMESPACE):
    """The objects of a release; helm_python's errors for values that the schema or a template refuses."""
    with helm_python.Chart.load(CHART) as chart:
        chart.validate_schema(values or None)
        manifests = chart.render(values or None, name=RELEASE, namespace=namespace)
    texts = [text for path, text in sorted(manifests.items()) if not path.endswith(".txt")]
    return [item for text in texts for item in yaml.safe_load_all(text) if item]


def kustomize(directory):
    """The objects that `kubectl kustomize` makes of a directory."""
    kubectl = pathlib.Path(sysconfig.get_path("scripts")) / "kubectl"
    # Bazel's runfiles are links, and kustomize takes no file from outside its root: give it the real place.
    real = (directory / "kustomization.yaml").resolve().parent
    done = subprocess.run([kubectl, "kustomize", str(real)], capture_output=True, text=True, timeout=60)
    if done.returncode != 0:
        raise ValueError(done.stderr)
    return [item for item in yaml.safe_load_all(done.stdout) if item]


def name_of(item):
    return f"{item['kind']}/{item['metadata']['name']}"


def of_kind(objects, *kinds):
    return [item for item in objects if item["kind"] in kinds]


def workloads(objects):
    """Role -> Deployment or StatefulSet, etcd's among them where the chart brings one."""
    return {item["metadata"]["labels"]["app.kubernetes.io/component"]: item
            for item in of_kind(objects, "Deployment", "StatefulSet")}


def own_workloads(objects):
    """Those of Baleen's own services."""
    return {role: workload for role, workload in workloads(objects).items() if role in ROLES}


def pod_of(workload):
    return workload["spec"]["template"]


def container_of(workload):
    return pod_of(workload)["spec"]["containers"][0]


def flags_of(workload):
    """Flag name -> value, from the command line of the container; "true" for a flag without one."""
    return {name: value if equals else "true" for name, equals, value in
            (argument.removeprefix("--").partition("=") for argument in container_of(workload)["args"])}
