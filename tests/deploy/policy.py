"""What a platform team asks of every workload, as functions from the objects of a release to findings."""

import functools
import pathlib
import re

from tests.deploy import chart
from tests.testing.cluster import ROOT

# Volumes that the restricted pod security level allows. Kubernetes counts image volumes, which are read-only, among them.
RESTRICTED_VOLUMES = {"configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "image", "persistentVolumeClaim", "projected", "secret"}
# What the processes need after the drain to close their servers.
CLOSE_SECONDS = 5
METRICS_PORT = "metrics"
# Of what is no service of Baleen's: live, ready. etcd is healthy while it has a leader, and no restart would bring one.
PROBE_PATHS = {"etcd": ("/metrics", "/health")}


def _each(objects):
    for role, workload in chart.workloads(objects).items():
        yield role, chart.pod_of(workload), chart.container_of(workload)


def _selected(selector, labels):
    return bool(selector) and all(labels.get(key) == value for key, value in selector.items())


@functools.cache
def _processes_of_metrics():
    """Metric -> roles that have it, from the table that //tests/metrics:metrics_test holds to a running cluster."""
    rows = re.findall(r"^\| `(\w+)` \|[^|]*\|[^|]*\| ([^|]*) \|", (pathlib.Path(ROOT) / "docs" / "metrics.md").read_text(), re.MULTILINE)
    return {name: processes.split(", ") for name, processes in rows}


def every_role_has_a_workload(objects):
    for role in set(chart.ROLES) ^ set(chart.workloads(objects)) - {"etcd"}:
        yield f"{role}: a workload too few or too many"


def restricted_pod_security(objects):
    for role, pod, container in _each(objects):
        own, spec = container.get("securityContext", {}), pod["spec"]
        shared = spec.get("securityContext", {})
        wanted = {
            "runAsNonRoot": shared.get("runAsNonRoot") is True,
            "runAsUser": shared.get("runAsUser", 0) > 0,
            "seccompProfile": shared.get("seccompProfile") == {"type": "RuntimeDefault"},
            "allowPrivilegeEscalation": own.get("allowPrivilegeEscalation") is False,
            "readOnlyRootFilesystem": own.get("readOnlyRootFilesystem") is True,
            "capabilities": own.get("capabilities") == {"drop": ["ALL"]},
            "privileged": not own.get("privileged"),
            "host namespaces": not any(spec.get(name) for name in ("hostNetwork", "hostPID", "hostIPC")),
            "host ports": not any("hostPort" in port for port in container["ports"]),
        }
        yield from (f"{role}: {name}" for name, good in wanted.items() if not good)
        for volume in spec.get("volumes", ()):
            if not set(volume) - {"name"} <= RESTRICTED_VOLUMES:
                yield f"{role}: volume {volume['name']}"


def no_tokens(objects):
    accounts = {item["metadata"]["name"]: item for item in chart.of_kind(objects, "ServiceAccount")}
    for role, pod, _ in _each(objects):
        if pod["spec"].get("automountServiceAccountToken") is not False:
            yield f"{role}: mounts a token"
        if pod["spec"].get("serviceAccountName") not in accounts:
            yield f"{role}: no such service account"
    yield from (f"{name}: mounts a token" for name, item in accounts.items() if item.get("automountServiceAccountToken") is not False)


def probes(objects):
    for role, _, container in _each(objects):
        ports = {port["name"] for port in container["ports"]}
        live, ready = PROBE_PATHS.get(role, ("/livez", "/readyz"))
        for probe, path in (("startupProbe", live), ("livenessProbe", live), ("readinessProbe", ready)):
            get = container.get(probe, {}).get("httpGet", {})
            if get.get("path") != path or get.get("port") not in ports:
                yield f"{role}: {probe} does not ask {path} on a port that exists"


def resources(objects):
    for role, _, container in _each(objects):
        given = container.get("resources", {})
        for kind, names in (("requests", ("cpu", "memory")), ("limits", ("memory",))):
            yield from (f"{role}: no {kind}.{name}" for name in names if name not in given.get(kind, {}))
        for name, amount in given.get("limits", {}).items():
            # Kubernetes lets nobody overcommit what is not CPU or memory.
            if "/" in name and given.get("requests", {}).get(name) != amount:
                yield f"{role}: {name} requested and limited differ"


def images(objects):
    for role, _, container in _each(objects):
        if not re.search(r"(@sha256:[0-9a-f]{64}|:(?!latest$)[\w.-]+)$", container["image"]):
            yield f"{role}: image {container['image']} has no fixed tag"


def selectors_match(objects):
    labels = {role: workload["spec"]["template"]["metadata"]["labels"] for role, workload in chart.workloads(objects).items()}
    for role, workload in chart.workloads(objects).items():
        if not _selected(workload["spec"]["selector"]["matchLabels"], labels[role]):
            yield f"{chart.name_of(workload)}: does not select its own pods"
    selecting = [(item, item["spec"]["selector"]) for item in chart.of_kind(objects, "Service")]
    selecting += [(item, item["spec"]["selector"].get("matchLabels"))
                  for item in chart.of_kind(objects, "PodDisruptionBudget", "PodMonitor", "InferencePool")]
    for item, selector in selecting:
        component = item["metadata"]["labels"]["app.kubernetes.io/component"]
        if [role for role in labels if _selected(selector, labels[role])] != [component]:
            yield f"{chart.name_of(item)}: does not select the pods of {component} and no others"


def ports_exist(objects):
    ports = {role: {port["name"]: port["containerPort"] for port in container["ports"]} for role, _, container in _each(objects)}
    used = []
    for item in chart.of_kind(objects, "Service"):
        known = ports[item["spec"]["selector"]["app.kubernetes.io/component"]]
        used += [(item, port["targetPort"], known) for port in item["spec"]["ports"]]
    for item in chart.of_kind(objects, "PodMonitor"):
        known = ports[item["spec"]["selector"]["matchLabels"]["app.kubernetes.io/component"]]
        used += [(item, endpoint["port"], known) for endpoint in item["spec"]["podMetricsEndpoints"]]
    for item in chart.of_kind(objects, "InferencePool"):
        used += [(item, port["number"], ports["gateway"].values()) for port in item["spec"]["targetPorts"]]
    yield from (f"{chart.name_of(item)}: port {port}" for item, port, known in used if port not in known)


def ports_are_the_flags(objects):
    flags = {"grpc": "grpc_port", "metrics": "metrics_port", "http": "rest_port"}
    for role, workload in chart.own_workloads(objects).items():
        given = chart.flags_of(workload)
        for port in chart.container_of(workload)["ports"]:
            if given.get(flags[port["name"]]) != str(port["containerPort"]):
                yield f"{role}: port {port['name']} is not --{flags[port['name']]}"


def metrics_are_scraped(objects):
    monitors = chart.of_kind(objects, "PodMonitor")
    scraped = {item["spec"]["selector"]["matchLabels"]["app.kubernetes.io/component"] for item in monitors}
    if monitors:
        yield from (f"{role}: not scraped" for role in chart.workloads(objects) if role not in scraped)


def disruption_budgets(objects):
    budgets = chart.of_kind(objects, "PodDisruptionBudget")
    covered = {item["spec"]["selector"]["matchLabels"]["app.kubernetes.io/component"] for item in budgets}
    yield from (f"{role}: no budget" for role in chart.workloads(objects) if role not in covered)


def grace_covers_the_drain(objects):
    for role, workload in chart.own_workloads(objects).items():
        spec = chart.pod_of(workload)["spec"]
        sleep = chart.container_of(workload).get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
        drain = int(chart.flags_of(workload)["drain_timeout"].removesuffix("s"))
        if spec.get("terminationGracePeriodSeconds", 30) < sleep + drain + CLOSE_SECONDS:
            yield f"{role}: killed before preStop ({sleep} s) and drain ({drain} s) end"
        if role == "gateway" and sleep < 5:
            yield "gateway: stops before endpoints are withdrawn"


def scaling_targets_exist(objects):
    targets = {(item["kind"], item["metadata"]["name"]): item for item in chart.workloads(objects).values()}
    for scaler in chart.of_kind(objects, "HorizontalPodAutoscaler", "ScaledObject"):
        target = scaler["spec"]["scaleTargetRef"]
        workload = targets.get((target["kind"], target["name"]))
        if workload is None:
            yield f"{chart.name_of(scaler)}: no such target"
        elif "replicas" in workload["spec"]:
            yield f"{chart.name_of(scaler)}: every upgrade would reset its replicas"


def scaling_metrics_exist(objects):
    """Of the role that scales: a query that finds nothing keeps the role as it is."""
    for scaler in chart.of_kind(objects, "HorizontalPodAutoscaler", "ScaledObject"):
        spec, role = scaler["spec"], scaler["metadata"]["labels"]["app.kubernetes.io/component"]
        texts = [metric["pods"]["metric"]["name"] for metric in spec.get("metrics", ())]
        texts += [trigger["metadata"]["query"] for trigger in spec.get("triggers", ())]
        for name in re.findall(r"baleen_\w+", " ".join(texts)):
            # The adapter's rule in docs/operating.md makes the rate.
            if role not in _processes_of_metrics().get(name.replace("_rows_per_second", "_rows_total"), ()):
                yield f"{chart.name_of(scaler)}: {role} has no metric {name}"


def placement_plans_for_the_shards(objects):
    workloads = chart.workloads(objects)
    flags = chart.flags_of(workloads["placement"])
    shards = workloads["expert"]["spec"].get("replicas")
    if shards is not None and int(flags["expected_shards"]) != shards:
        yield f"placement: plans for {flags['expected_shards']} shards of {shards}"
    if "etcd" not in flags:
        if workloads["placement"]["spec"].get("replicas") != 1 or workloads["placement"]["spec"].get("strategy") != {"type": "Recreate"}:
            yield "placement: two of them could run at once"


def every_placement_is_known(objects):
    """By a name of its own where there are several: only the one that leads answers."""
    workloads = chart.workloads(objects)
    placement = workloads["placement"]
    service = placement["metadata"]["name"]
    wanted = [f"{service}:8081"]
    if "etcd" in chart.flags_of(placement):
        wanted = [f"{service}-{index}.{service}:8081" for index in range(placement["spec"]["replicas"])]
        headless = [item for item in chart.of_kind(objects, "Service") if item["metadata"]["name"] == service]
        if placement["kind"] != "StatefulSet" or placement["spec"]["serviceName"] != service or not headless \
                or headless[0]["spec"].get("clusterIP") != "None" or not headless[0]["spec"].get("publishNotReadyAddresses"):
            yield "placement: pods without names"
    for role, workload in chart.own_workloads(objects).items():
        if role != "placement" and chart.flags_of(workload)["placement"].split(",") != wanted:
            yield f"{role}: does not know every placement"


def log_levels_change(objects):
    """Each container's file is an entry of the config map that its volume mounts."""
    maps = {item["metadata"]["name"]: item["data"] for item in chart.of_kind(objects, "ConfigMap")}
    for role, workload in chart.own_workloads(objects).items():
        pod, container = chart.pod_of(workload), chart.container_of(workload)
        path = chart.flags_of(workload).get("log_level_file", "")
        volumes = {volume["name"]: volume.get("configMap", {}).get("name") for volume in pod["spec"].get("volumes", ())}
        mounted = [maps.get(volumes.get(mount["name"]), {}) for mount in container.get("volumeMounts", ())
                   if mount["mountPath"] == path.rpartition("/")[0]]
        if not any(path.rpartition("/")[2] in entries for entries in mounted):
            yield f"{role}: --log_level_file={path} is no entry of a config map"


def etcd_is_whole(objects):
    """Where the chart brings it: members that find each other by name before they are ready, on volumes of their own, and that placements
    dial, by TLS where everything else speaks it."""
    etcd = chart.workloads(objects).get("etcd")
    if etcd is None:
        return
    name, replicas, flags = etcd["metadata"]["name"], etcd["spec"]["replicas"], chart.flags_of(etcd)
    hosts = [f"{name}-{index}.{name}" for index in range(replicas)]
    placement = chart.flags_of(chart.workloads(objects)["placement"])
    scheme = "https" if "tls_ca" in placement else "http"
    headless = [item for item in chart.of_kind(objects, "Service") if item["metadata"]["name"] == etcd["spec"]["serviceName"] == name]
    if not headless or headless[0]["spec"].get("clusterIP") != "None" or not headless[0]["spec"].get("publishNotReadyAddresses"):
        yield "etcd: members without names"
    if etcd["spec"].get("podManagementPolicy") != "Parallel":
        yield "etcd: the first member would wait for ever to be ready"
    if flags["initial-cluster"] != ",".join(f"{host.partition('.')[0]}={scheme}://{host}:2380" for host in hosts):
        yield f"etcd: members are {flags['initial-cluster']}"
    if placement.get("etcd") != ",".join(f"{host}:2379" for host in hosts):
        yield f"etcd: placements dial {placement.get('etcd')}"
    urls = [flags[flag] for flag in ("listen-client-urls", "listen-peer-urls", "advertise-client-urls", "initial-advertise-peer-urls")]
    if any(not url.startswith(f"{scheme}://") for url in urls):
        yield f"etcd: not all of {urls} speak {scheme}"
    if scheme == "https":
        wanted = ("client-cert-auth", "peer-client-cert-auth", "client-cert-allowed-hostname", "peer-cert-allowed-hostname")
        yield from (f"etcd: no --{flag}" for flag in wanted if flag not in flags)
    numbers = {port["name"]: str(port["containerPort"]) for port in chart.container_of(etcd)["ports"]}
    listening = {kind: flags[f"listen-{kind}-urls"].rpartition(":")[2] for kind in ("client", "peer", "metrics")}
    if listening != numbers:
        yield f"etcd: listens on {listening}, and its ports are {numbers}"
    claims = {claim["metadata"]["name"] for claim in etcd["spec"].get("volumeClaimTemplates", ())}
    kept = [mount["mountPath"] for mount in chart.container_of(etcd).get("volumeMounts", ()) if mount["name"] in claims]
    if not any(flags["data-dir"].startswith(f"{path}/") for path in kept):
        yield f"etcd: --data-dir={flags['data-dir']} is on no volume of its own"


ALL = (
    every_role_has_a_workload,
    restricted_pod_security,
    no_tokens,
    probes,
    resources,
    images,
    selectors_match,
    ports_exist,
    ports_are_the_flags,
    metrics_are_scraped,
    disruption_budgets,
    grace_covers_the_drain,
    scaling_targets_exist,
    scaling_metrics_exist,
    placement_plans_for_the_shards,
    every_placement_is_known,
    log_levels_change,
    etcd_is_whole,
)
