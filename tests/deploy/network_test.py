"""Default deny, and exactly the connections that the services make. The policies are emulated: no network plugin runs here."""

import copy
import unittest

from tests.deploy import chart, reachability
from tests.deploy.reachability import Pod

GRPC, HTTP, METRICS, DNS = 8081, 8080, 9400, 53
# Caller, callee: who opens connections to whose gRPC port; see ARCHITECTURE.md.
CALLS = {
    ("gateway", "decode"), ("decode", "prefill"), ("prefill", "decode"), ("prefill", "expert"), ("decode", "expert"),
    ("gateway", "placement"), ("prefill", "placement"), ("decode", "placement"), ("expert", "placement"),
}
OUTSIDE = Pod("apps", (("app", "client"),))
PROMETHEUS = Pod("monitoring", (("app", "prometheus"),))
DNS_SERVER = Pod("kube-system", (("k8s-app", "kube-dns"),))
INTERNET = Pod("internet", ())


class NetworkTest(unittest.TestCase):
    def setUp(self):
        self.objects = chart.render()
        self.pods = reachability.pods_of(self.objects, chart.NAMESPACE)

    def _reachable(self, source, destination, port, protocol="TCP"):
        return reachability.reachable(self.objects, source, destination, port, protocol)

    def test_services_reach_what_they_call_and_nothing_else(self):
        for caller in chart.ROLES:
            for callee in chart.ROLES:
                for port in (GRPC, HTTP, METRICS):
                    with self.subTest(caller=caller, callee=callee, port=port):
                        self.assertEqual(self._reachable(self.pods[caller], self.pods[callee], port),
                                         port == GRPC and (caller, callee) in CALLS)

    def test_clients_reach_the_gateway_alone(self):
        for role in chart.ROLES:
            for port in (GRPC, HTTP, METRICS):
                with self.subTest(role=role, port=port):
                    self.assertEqual(self._reachable(OUTSIDE, self.pods[role], port), role == "gateway" and port != METRICS)

    def test_prometheus_reaches_every_metrics_port(self):
        for role in chart.ROLES:
            self.assertTrue(self._reachable(PROMETHEUS, self.pods[role], METRICS), role)
            self.assertFalse(role != "gateway" and self._reachable(PROMETHEUS, self.pods[role], GRPC), role)

    def test_names_resolve_and_nothing_leaves(self):
        for role in chart.ROLES:
            with self.subTest(role=role):
                # Placement dials nobody.
                self.assertEqual(self._reachable(self.pods[role], DNS_SERVER, DNS, "UDP"), role != "placement")
                self.assertFalse(self._reachable(self.pods[role], INTERNET, 443))
                self.assertFalse(self._reachable(self.pods[role], OUTSIDE, 443))

    def test_another_release_is_a_stranger(self):
        stranger = dict(self.pods["decode"].labels) | {"app.kubernetes.io/instance": "other"}
        other = Pod(chart.NAMESPACE, tuple(stranger.items()), self.pods["decode"].ports)
        self.assertFalse(self._reachable(other, self.pods["expert"], GRPC))
        self.assertFalse(self._reachable(self.pods["decode"], other, GRPC))

    def test_clients_can_be_named(self):
        objects = chart.render(chart.read_values(chart.VALUES["everything"]))
        gateway = reachability.pods_of(objects, chart.NAMESPACE)["gateway"]
        self.assertTrue(reachability.reachable(objects, OUTSIDE, gateway, HTTP))
        self.assertFalse(reachability.reachable(objects, PROMETHEUS, gateway, HTTP))

    def test_traces_leave_every_process_by_one_port(self):
        objects = chart.render(chart.read_values(chart.VALUES["everything"]))
        for role, pod in reachability.pods_of(objects, chart.NAMESPACE).items():
            self.assertTrue(reachability.reachable(objects, pod, PROMETHEUS, 4317), role)
            self.assertTrue(reachability.reachable(objects, pod, DNS_SERVER, DNS, "UDP"), role)
            self.assertFalse(reachability.reachable(objects, pod, PROMETHEUS, 443), role)

    def test_placement_alone_reaches_etcd(self):
        objects = chart.render(chart.read_values(chart.VALUES["placements"]))
        etcd = Pod("storage", (("app", "etcd"),))
        for role, pod in reachability.pods_of(objects, chart.NAMESPACE).items():
            for port in (2379, 12379):
                self.assertEqual(reachability.reachable(objects, pod, etcd, port), role == "placement", role)
            self.assertFalse(reachability.reachable(objects, pod, etcd, 2380), role)

    def test_the_charts_own_etcd_is_reached_by_placement_and_members(self):
        objects = chart.render(chart.read_values(chart.VALUES["three-placements"]))
        pods = reachability.pods_of(objects, chart.NAMESPACE)
        for role, pod in [*pods.items(), ("outside", OUTSIDE)]:
            for port, callers in ((2379, {"placement"}), (2380, {"etcd"}), (2381, set())):
                with self.subTest(caller=role, port=port):
                    self.assertEqual(reachability.reachable(objects, pod, pods["etcd"], port), role in callers)
        self.assertTrue(reachability.reachable(objects, PROMETHEUS, pods["etcd"], 2381))
        self.assertTrue(reachability.reachable(objects, pods["etcd"], DNS_SERVER, DNS, "UDP"))
        for role in chart.ROLES:
            self.assertFalse(reachability.reachable(objects, pods["etcd"], pods[role], GRPC), role)


class BrokenPoliciesTest(unittest.TestCase):
    """The emulation notices a policy that is missing, too wide or too narrow."""

    def setUp(self):
        self.objects = copy.deepcopy(chart.render())
        self.pods = reachability.pods_of(self.objects, chart.NAMESPACE)

    def _policy(self, role):
        return next(item for item in self.objects if chart.name_of(item) == f"NetworkPolicy/baleen-{role}")

    def test_without_policies_all_is_open(self):
        objects = [item for item in self.objects if item["kind"] != "NetworkPolicy"]
        self.assertTrue(reachability.reachable(objects, OUTSIDE, self.pods["expert"], GRPC))

    def test_too_wide(self):
        self._policy("expert")["spec"]["ingress"].append({"ports": [{"port": "grpc"}]})
        self.assertTrue(reachability.reachable(self.objects, OUTSIDE, self.pods["expert"], GRPC))

    def test_too_narrow(self):
        self._policy("decode")["spec"]["egress"].clear()
        self.assertFalse(reachability.reachable(self.objects, self.pods["decode"], self.pods["expert"], GRPC))

    def test_refuses_what_it_does_not_emulate(self):
        self._policy("gateway")["spec"]["ingress"][0]["from"] = [{"ipBlock": {"cidr": "10.0.0.0/8"}}]
        with self.assertRaises(ValueError):
            reachability.reachable(self.objects, OUTSIDE, self.pods["gateway"], METRICS)


if __name__ == "__main__":
    unittest.main()
