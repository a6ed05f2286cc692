"""Every policy holds for every values file, and each one finds what it is about in a broken release."""

import copy
import unittest

from tests.deploy import chart, policy


def pod(objects, role):
    return chart.pod_of(chart.workloads(objects)[role])["spec"]


def container(objects, role):
    return chart.container_of(chart.workloads(objects)[role])


def one(objects, name):
    return next(item for item in objects if chart.name_of(item) == name)


def set_flag(objects, role, flag, value):
    arguments = container(objects, role)["args"]
    index = next(i for i, argument in enumerate(arguments) if argument.startswith(f"--{flag}="))
    arguments[index] = f"--{flag}={value}"


# Policy -> ways to break a release that it must find.
BREAKS = {
    policy.every_role_has_a_workload: [lambda o: o.remove(one(o, "Deployment/baleen-decode"))],
    policy.restricted_pod_security: [
        lambda o: pod(o, "gateway")["securityContext"].pop("runAsNonRoot"),
        lambda o: pod(o, "prefill")["securityContext"].update(runAsUser=0),
        lambda o: pod(o, "decode")["securityContext"].pop("seccompProfile"),
        lambda o: container(o, "expert")["securityContext"].update(allowPrivilegeEscalation=True),
        lambda o: container(o, "expert")["securityContext"].update(capabilities={"drop": ["ALL"], "add": ["IPC_LOCK"]}),
        lambda o: container(o, "placement")["securityContext"].pop("readOnlyRootFilesystem"),
        lambda o: pod(o, "decode").update(hostNetwork=True),
        lambda o: pod(o, "decode").update(volumes=[{"name": "model", "hostPath": {"path": "/models"}}]),
    ],
    policy.no_tokens: [
        lambda o: pod(o, "gateway").pop("automountServiceAccountToken"),
        lambda o: pod(o, "gateway").update(serviceAccountName="other"),
        lambda o: one(o, "ServiceAccount/baleen").pop("automountServiceAccountToken"),
    ],
    policy.probes: [
        lambda o: container(o, "gateway").pop("livenessProbe"),
        lambda o: container(o, "expert")["readinessProbe"]["httpGet"].update(path="/livez"),
        lambda o: container(o, "decode")["startupProbe"]["httpGet"].update(port="admin"),
    ],
    policy.resources: [
        lambda o: container(o, "gateway")["resources"]["limits"].pop("memory"),
        lambda o: container(o, "expert")["resources"]["requests"].pop("cpu"),
        lambda o: container(o, "expert")["resources"]["limits"].update({"nvidia.com/gpu": 1}),
    ],
    policy.images: [lambda o: container(o, "gateway").update(image="registry.example.com/baleen-gateway:latest"),
                    lambda o: container(o, "gateway").update(image="baleen-gateway")],
    policy.selectors_match: [
        lambda o: one(o, "Service/baleen-gateway")["spec"]["selector"].update({"app.kubernetes.io/component": "decode"}),
        lambda o: one(o, "Service/baleen-expert")["spec"]["selector"].pop("app.kubernetes.io/component"),
        lambda o: one(o, "PodDisruptionBudget/baleen-decode")["spec"]["selector"]["matchLabels"].update(tier="gold"),
        lambda o: chart.workloads(o)["expert"]["spec"]["selector"]["matchLabels"].update(tier="gold"),
    ],
    policy.ports_exist: [
        lambda o: one(o, "Service/baleen-gateway")["spec"]["ports"][0].update(targetPort="rest"),
        lambda o: one(o, "PodMonitor/baleen-expert")["spec"]["podMetricsEndpoints"][0].update(port="http"),
        lambda o: one(o, "InferencePool/baleen")["spec"]["targetPorts"][0].update(number=8000),
    ],
    policy.ports_are_the_flags: [lambda o: set_flag(o, "decode", "grpc_port", 9000)],
    policy.metrics_are_scraped: [lambda o: o.remove(one(o, "PodMonitor/baleen-placement"))],
    policy.disruption_budgets: [lambda o: o.remove(one(o, "PodDisruptionBudget/baleen-expert"))],
    policy.grace_covers_the_drain: [
        lambda o: set_flag(o, "decode", "drain_timeout", "600s"),
        lambda o: pod(o, "gateway").pop("terminationGracePeriodSeconds"),
        lambda o: container(o, "gateway").pop("lifecycle"),
    ],
    policy.scaling_targets_exist: [
        lambda o: one(o, "HorizontalPodAutoscaler/baleen-expert")["spec"]["scaleTargetRef"].update(kind="Deployment"),
        lambda o: chart.workloads(o)["prefill"]["spec"].update(replicas=1),
    ],
    policy.scaling_metrics_exist: [
        lambda o: one(o, "HorizontalPodAutoscaler/baleen-gateway")["spec"]["metrics"][0]["pods"]["metric"].update(name="baleen_queue"),
        lambda o: one(o, "HorizontalPodAutoscaler/baleen-decode")["spec"]["metrics"][0]["pods"]["metric"].update(
            name="baleen_expert_queue_depth"),
        lambda o: one(o, "ScaledObject/baleen-prefill")["spec"]["triggers"][0]["metadata"].update(query="sum(baleen_waiting)"),
    ],
    policy.placement_plans_for_the_shards: [
        lambda o: chart.workloads(o)["placement"]["spec"].update(replicas=2),
        lambda o: chart.workloads(o)["placement"]["spec"].update(strategy={"type": "RollingUpdate"}),
        lambda o: chart.workloads(o)["expert"]["spec"].update(replicas=3),
    ],
    policy.every_placement_is_known: [
        lambda o: set_flag(o, "decode", "placement", "baleen-placement-0.baleen-placement:8081"),
        lambda o: container(o, "placement")["args"].append("--etcd=etcd:2379"),
    ],
    policy.log_levels_change: [
        lambda o: one(o, "ConfigMap/baleen-log-level")["data"].pop("expert"),
        lambda o: pod(o, "gateway").update(volumes=[]),
        lambda o: set_flag(o, "prefill", "log_level_file", "/etc/baleen/prefill"),
    ],
    policy.etcd_is_whole: [
        lambda o: one(o, "Service/baleen-etcd")["spec"].pop("publishNotReadyAddresses"),
        lambda o: chart.workloads(o)["etcd"]["spec"].pop("podManagementPolicy"),
        lambda o: chart.workloads(o)["etcd"]["spec"].update(replicas=3),
        lambda o: set_flag(o, "placement", "etcd", "baleen-etcd:2379"),
        lambda o: set_flag(o, "etcd", "listen-peer-urls", "http://0.0.0.0:2380"),
        lambda o: set_flag(o, "etcd", "listen-client-urls", "https://0.0.0.0:2479"),
        lambda o: container(o, "etcd")["args"].remove("--peer-client-cert-auth"),
        lambda o: chart.workloads(o)["etcd"]["spec"].pop("volumeClaimTemplates"),
        lambda o: set_flag(o, "etcd", "data-dir", "/tmp/etcd"),
    ],
}


class PolicyTest(unittest.TestCase):
    def test_no_findings(self):
        for name, path in chart.VALUES.items():
            objects = chart.render(chart.read_values(path))
            for check in policy.ALL:
                # A host path is what these values are about; values.yaml says which pod security level it needs.
                expected = [f"{role}: volume model" for role in ("gateway", "prefill", "decode", "expert")]
                excused = name == "host-path" and check is policy.restricted_pod_security
                with self.subTest(values=name, policy=check.__name__):
                    self.assertCountEqual(check(objects), expected if excused else [])

    def test_findings_in_broken_releases(self):
        self.assertEqual(set(BREAKS), set(policy.ALL))
        everything = chart.render(chart.read_values(chart.VALUES["everything"]))
        with_etcd = chart.render(chart.read_values(chart.VALUES["etcd-tls"]))
        for check, breaks in BREAKS.items():
            whole = with_etcd if check is policy.etcd_is_whole else everything
            for index, change in enumerate(breaks):
                objects = copy.deepcopy(whole)
                change(objects)
                with self.subTest(policy=check.__name__, change=index):
                    self.assertTrue(list(check(objects)))


if __name__ == "__main__":
    unittest.main()
