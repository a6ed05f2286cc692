"""NetworkPolicies as a function: may this pod open a connection to that one? An emulation of what a network plugin enforces.

Covered: pod selectors, namespace selectors, named and numbered ports, ingress and egress, isolation by any policy that selects a
pod. Not covered: IP blocks, port ranges, match expressions; a policy that uses one of those is refused.
"""

import dataclasses

from tests.deploy import chart


@dataclasses.dataclass(frozen=True)
class Pod:
    namespace: str
    labels: tuple[tuple[str, str], ...]
    ports: tuple[tuple[str, int], ...] = ()


def pods_of(objects, namespace):
    """Role -> one of its pods."""
    result = {}
    for role, workload in chart.workloads(objects).items():
        ports = tuple((port["name"], port["containerPort"]) for port in chart.container_of(workload)["ports"])
        result[role] = Pod(namespace, tuple(chart.pod_of(workload)["metadata"]["labels"].items()), ports)
    return result


def _matches(selector, labels):
    if set(selector) - {"matchLabels"}:
        raise ValueError(f"not emulated: {selector}")
    return all(labels.get(key) == value for key, value in selector.get("matchLabels", {}).items())


def _peer_matches(peer, pod, policy_namespace):
    if set(peer) - {"podSelector", "namespaceSelector"}:
        raise ValueError(f"not emulated: {peer}")
    if "namespaceSelector" in peer:
        in_namespace = _matches(peer["namespaceSelector"], {"kubernetes.io/metadata.name": pod.namespace})
    else:
        in_namespace = pod.namespace == policy_namespace
    return in_namespace and _matches(peer.get("podSelector", {}), dict(pod.labels))


def _port_matches(rule_ports, destination, port, protocol):
    def one(entry):
        wanted = entry.get("port", port)
        number = dict(destination.ports).get(wanted) if isinstance(wanted, str) else wanted
        return number == port and entry.get("protocol", "TCP") == protocol
    return not rule_ports or any(one(entry) for entry in rule_ports)


def _allowed(policies, subject, other, destination, port, protocol, direction, peers_key):
    selecting = [policy for policy in policies
                 if policy["metadata"]["namespace"] == subject.namespace and direction in policy["spec"]["policyTypes"]
                 and _matches(policy["spec"]["podSelector"], dict(subject.labels))]
    if not selecting:
        return True
    for policy in selecting:
        for rule in policy["spec"].get(direction.lower(), ()):
            peers = rule.get(peers_key)
            from_peer = not peers or any(_peer_matches(peer, other, policy["metadata"]["namespace"]) for peer in peers)
            if from_peer and _port_matches(rule.get("ports"), destination, port, protocol):
                return True
    return False


def reachable(objects, source, destination, port, protocol="TCP", namespace=chart.NAMESPACE):
    """Whether every policy of the release lets `source` reach `port` of `destination`."""
    policies = [{**item, "metadata": {"namespace": namespace, **item["metadata"]}} for item in chart.of_kind(objects, "NetworkPolicy")]
    return (_allowed(policies, source, destination, destination, port, protocol, "Egress", "to")
            and _allowed(policies, destination, source, destination, port, protocol, "Ingress", "from"))
