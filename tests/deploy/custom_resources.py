"""Checks of custom resources, written by hand from their published types: no schema of these ships with Kubernetes.

Each check takes an object and yields what is wrong with it. Fields that a check does not know are findings too.
"""

KNOWN = {}


def _check(api_version, kind):
    def register(function):
        KNOWN[api_version, kind] = function
        return function
    return register


def _fields(where, value, required, optional=()):
    if not isinstance(value, dict):
        yield f"{where}: expected a mapping"
        return
    yield from (f"{where}.{name}: missing" for name in required if name not in value)
    yield from (f"{where}.{name}: unknown" for name in value if name not in required and name not in optional)


def _typed(where, value, kind):
    if not isinstance(value, kind) or isinstance(value, bool) and kind is int:
        yield f"{where}: expected {kind.__name__}, got {value!r}"


def _selector(where, selector):
    yield from _fields(where, selector, ("matchLabels",))
    if not selector.get("matchLabels"):
        yield f"{where}.matchLabels: selects every pod"


@_check("keda.sh/v1alpha1", "ScaledObject")
def scaled_object(item):
    spec = item["spec"]
    yield from _fields("spec", spec, ("scaleTargetRef", "triggers"),
                       ("minReplicaCount", "maxReplicaCount", "pollingInterval", "fallback", "advanced"))
    yield from _fields("spec.scaleTargetRef", spec.get("scaleTargetRef"), ("name", "kind", "apiVersion"))
    for name in ("minReplicaCount", "maxReplicaCount", "pollingInterval"):
        yield from _typed(f"spec.{name}", spec.get(name), int)
    yield from _fields("spec.fallback", spec.get("fallback"), ("failureThreshold", "replicas"), ("behavior",))
    yield from _fields("spec.advanced", spec.get("advanced"), ("horizontalPodAutoscalerConfig",))
    if not spec.get("triggers"):
        yield "spec.triggers: empty"
    for index, trigger in enumerate(spec.get("triggers", ())):
        where = f"spec.triggers[{index}]"
        yield from _fields(where, trigger, ("type", "metadata"), ("metricType",))
        yield from _fields(f"{where}.metadata", trigger.get("metadata"), ("serverAddress", "query", "threshold"))
        for name, value in trigger.get("metadata", {}).items():
            yield from _typed(f"{where}.metadata.{name}", value, str)


@_check("monitoring.coreos.com/v1", "PodMonitor")
def pod_monitor(item):
    spec = item["spec"]
    yield from _fields("spec", spec, ("selector", "podMetricsEndpoints"))
    yield from _selector("spec.selector", spec.get("selector", {}))
    for index, endpoint in enumerate(spec.get("podMetricsEndpoints", ())):
        where = f"spec.podMetricsEndpoints[{index}]"
        yield from _fields(where, endpoint, ("port",), ("path", "interval", "scrapeTimeout", "relabelings"))
        yield from _typed(f"{where}.port", endpoint.get("port"), str)
        for relabeling in endpoint.get("relabelings", ()):
            yield from _fields(f"{where}.relabelings", relabeling, ("targetLabel", "replacement"))


@_check("monitoring.coreos.com/v1", "PrometheusRule")
def prometheus_rule(item):
    yield from _fields("spec", item["spec"], ("groups",))
    for group in item["spec"].get("groups", ()):
        yield from _fields("spec.groups", group, ("name", "rules"), ("interval",))
        for rule in group.get("rules", ()):
            if "alert" in rule:
                yield from _fields(rule["alert"], rule, ("alert", "expr", "labels", "annotations"), ("for", "keep_firing_for"))
            else:
                yield from _fields(rule.get("record", "rule"), rule, ("record", "expr"), ("labels",))


@_check("cert-manager.io/v1", "Certificate")
def certificate(item):
    spec = item["spec"]
    yield from _fields("spec", spec, ("secretName", "issuerRef"), ("uris", "dnsNames", "usages", "privateKey", "duration", "renewBefore"))
    yield from _fields("spec.issuerRef", spec.get("issuerRef"), ("name",), ("kind", "group"))
    yield from _fields("spec.privateKey", spec.get("privateKey", {}), (), ("algorithm", "size", "rotationPolicy", "encoding"))
    for name in ("uris", "dnsNames", "usages"):
        for value in spec.get(name, ()):
            yield from _typed(f"spec.{name}", value, str)


@_check("inference.networking.k8s.io/v1", "InferencePool")
def inference_pool(item):
    spec = item["spec"]
    yield from _fields("spec", spec, ("selector", "targetPorts", "endpointPickerRef"))
    yield from _selector("spec.selector", spec.get("selector", {}))
    for port in spec.get("targetPorts", ()):
        yield from _fields("spec.targetPorts", port, ("number",))
        yield from _typed("spec.targetPorts.number", port.get("number"), int)
    picker = spec.get("endpointPickerRef", {})
    yield from _fields("spec.endpointPickerRef", picker, ("name",), ("group", "kind", "port", "failureMode"))
    if picker.get("failureMode", "FailClose") not in ("FailOpen", "FailClose"):
        yield f"spec.endpointPickerRef.failureMode: {picker['failureMode']}"


def findings(item):
    """What is wrong with a custom resource; None for a kind that these checks do not know."""
    check = KNOWN.get((item["apiVersion"], item["kind"]))
    if check is None:
        return None
    return [*_fields("", item, ("apiVersion", "kind", "metadata", "spec")), *check(item)]
