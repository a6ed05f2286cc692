#!/usr/bin/env python3
"""Makes k8s/ from the chart: the base is what the defaults render, an overlay what a values file adds and changes.

    .baleen/venv/bin/python deploy/kustomize.py

Dashboards stay files of the chart: `kubectl create configmap --from-file` takes them as they are.
"""

import pathlib

import helm_python
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[1]
CHART = ROOT / "deploy" / "helm" / "baleen"
NAMESPACE = "baleen"
# Overlay -> values file.
OVERLAYS = {"cpu-demo": None, "h800": CHART / "values-h800-r1.yaml", "three-placements": CHART / "values-three-placements.yaml"}
HELM_LABELS = ("app.kubernetes.io/managed-by", "helm.sh/chart")
# The lists that a strategic merge joins by a key; it replaces all others.
MERGE_KEYS = {"containers": "name", "volumes": "name", "env": "name", "volumeMounts": "mountPath", "ports": "containerPort"}
# Joined by two keys, one of which may change: replaced whole.
REPLACED = ("topologySpreadConstraints",)
HEADER = "# Made by deploy/kustomize.py from deploy/helm/baleen.\n"


def _without_helm_labels(value):
    if isinstance(value, dict):
        return {key: _without_helm_labels(inner) for key, inner in value.items() if key not in HELM_LABELS}
    if isinstance(value, list):
        return [_without_helm_labels(inner) for inner in value]
    return value


def plain_objects(values_path):
    """(kind, name) -> what the chart renders, without Helm's own labels and without dashboards."""
    values = {} if values_path is None else yaml.safe_load(values_path.read_text())
    with helm_python.Chart.load(CHART) as chart:
        manifests = chart.render(values or None, name="baleen", namespace=NAMESPACE)
    objects = [item for path, text in sorted(manifests.items()) if path.endswith(".yaml") for item in yaml.safe_load_all(text) if item]
    return {(item["kind"], item["metadata"]["name"]): _without_helm_labels(item) for item in objects
            if "grafana_dashboard" not in item["metadata"].get("labels", {})}


def _list_patch(name, old, new):
    if name in REPLACED:
        return [{"$patch": "replace"}, *new]
    key = MERGE_KEYS.get(name)
    if key is None or not all(isinstance(item, dict) and key in item for item in old + new):
        return new
    before = {item[key]: item for item in old}
    after = {item[key]: item for item in new}
    patch = [{"$patch": "delete", key: gone} for gone in before if gone not in after]
    for value, item in after.items():
        change = strategic_patch(before.get(value, {}), item)
        if change:
            patch.append({key: value, **change})
    return patch


def strategic_patch(old, new):
    """The strategic merge patch that makes `new` of `old`."""
    patch = {key: None for key in old if key not in new}
    for key, value in new.items():
        if key not in old or type(old[key]) is not type(value):
            patch[key] = value
        elif isinstance(value, dict):
            patch.update({key: inner} if (inner := strategic_patch(old[key], value)) else {})
        elif isinstance(value, list):
            patch.update({key: _list_patch(key, old[key], value)} if value != old[key] else {})
        elif value != old[key]:
            patch[key] = value
    return patch


def _dump(objects):
    return HEADER + yaml.safe_dump_all(objects, sort_keys=False, width=140)


def _identity(item):
    return {"apiVersion": item["apiVersion"], "kind": item["kind"], "metadata": {"name": item["metadata"]["name"]}}


def _patch_of(old, new):
    identity = _identity(new)
    change = strategic_patch(old, new)
    return {**identity, **change, "metadata": {**identity["metadata"], **change.get("metadata", {})}} if change else None


def _namespace():
    # The restricted level is enforced, not only asked for by the pods.
    labels = {f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("enforce", "warn")}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE, "labels": labels}}


def _overlay(base, objects):
    """File name -> text."""
    added = [item for identity, item in objects.items() if identity not in base]
    patches = [patch for identity, item in objects.items() if identity in base and (patch := _patch_of(base[identity], item))]
    patches += [{**_identity(item), "$patch": "delete"} for identity, item in base.items() if identity not in objects]
    kustomization = {"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization", "namespace": NAMESPACE,
                     "resources": ["namespace.yaml", "../../base"]}
    files = {"namespace.yaml": _dump([_namespace()])}
    if added:
        files["added.yaml"] = _dump(added)
        kustomization["resources"].append("added.yaml")
    if patches:
        files["patches.yaml"] = _dump(patches)
        kustomization["patches"] = [{"path": "patches.yaml"}]
    return {**files, "kustomization.yaml": _dump([kustomization])}


def files():
    """Path under k8s/ -> text, of all that is made."""
    base = plain_objects(None)
    kustomization = {"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization", "resources": ["objects.yaml"]}
    made = {"base/objects.yaml": _dump(base.values()), "base/kustomization.yaml": _dump([kustomization])}
    for name, values in OVERLAYS.items():
        made.update({f"overlays/{name}/{file}": text for file, text in _overlay(base, plain_objects(values)).items()})
    return made


def main():
    for path, text in files().items():
        target = ROOT / "k8s" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
        print(target.relative_to(ROOT))


if __name__ == "__main__":
    main()
