"""The chart's TLS: what the flags point to is mounted, and plaintext is allowed exactly where a port has no certificate."""

import pathlib
import unittest

from tests.deploy import chart

EDGE = ("edge_tls_cert", "edge_tls_key")
INTERNAL = ("tls_ca", "tls_cert", "tls_key")
FILES = {"tls.crt", "tls.key", "ca.crt"}


def with_tls(internal, edge):
    return chart.render({"tls": {"internal": {"enabled": internal}, "edge": {"enabled": edge}}})


def mounted_secrets(workload):
    """Mount path -> name of the Secret."""
    volumes = {volume["name"]: volume for volume in chart.pod_of(workload)["spec"].get("volumes", ())}
    return {mount["mountPath"]: volumes[mount["name"]]["secret"]["secretName"]
            for mount in chart.container_of(workload).get("volumeMounts", ()) if "secret" in volumes.get(mount["name"], {})}


class TlsTest(unittest.TestCase):
    def test_plaintext_is_allowed_only_where_there_is_no_certificate(self):
        for internal in (False, True):
            for edge in (False, True):
                for role, workload in chart.workloads(with_tls(internal, edge)).items():
                    flags = chart.flags_of(workload)
                    secure = edge if role == "gateway" else internal
                    with self.subTest(internal=internal, edge=edge, role=role):
                        self.assertEqual(flags.get("allow_plaintext"), None if secure else "true")
                        self.assertEqual([flag in flags for flag in INTERNAL], [internal] * 3)
                        self.assertEqual([flag in flags for flag in EDGE], [edge and role == "gateway"] * 2)

    def test_files_are_those_of_the_mounted_secrets(self):
        for role, workload in chart.workloads(with_tls(True, True)).items():
            mounts, flags = mounted_secrets(workload), chart.flags_of(workload)
            paths = [pathlib.PurePath(flags[flag]) for flag in (*INTERNAL, *EDGE) if flag in flags]
            with self.subTest(role=role):
                self.assertEqual({str(path.parent) for path in paths}, set(mounts))
                self.assertLessEqual({path.name for path in paths}, FILES)
                certificate_role = "attention" if role in ("prefill", "decode") else role
                self.assertEqual(mounts["/tls/internal"], f"baleen-{certificate_role}-tls")

    def test_the_model_stays_mounted_beside_them(self):
        workload = chart.workloads(chart.render(chart.read_values(chart.VALUES["tls"])))["decode"]
        mounts = [mount["name"] for mount in chart.container_of(workload)["volumeMounts"]]
        self.assertEqual(mounts, ["model", "internal-tls", "revocations", "log-level"])

    def test_a_revocation_list_is_a_config_map_beside_the_certificates(self):
        for role, workload in chart.workloads(chart.render({"tls": {"internal": {"enabled": True, "crlConfigMap": "revoked"}}})).items():
            path = pathlib.PurePath(chart.flags_of(workload)["tls_crl"])
            volumes = {volume["name"]: volume for volume in chart.pod_of(workload)["spec"]["volumes"]}
            mount, = [mount for mount in chart.container_of(workload)["volumeMounts"] if mount["mountPath"] == str(path.parent)]
            with self.subTest(role=role):
                self.assertNotIn("subPath", mount, "such a file is never replaced")
                config_map = volumes[mount["name"]]["configMap"]
                self.assertEqual((config_map["name"], [item["path"] for item in config_map["items"]]), ("revoked", [path.name]))
        for role, workload in chart.workloads(with_tls(True, True)).items():
            self.assertNotIn("tls_crl", chart.flags_of(workload), role)
        with self.assertRaisesRegex(Exception, "crlConfigMap"):
            chart.render({"tls": {"internal": {"crlConfigMap": "revoked"}}})

    def test_traces_go_over_tls_where_the_processes_do(self):
        values = {"tls": {"internal": {"enabled": True}, "edge": {"enabled": True}}, "tracing": {"otlpEndpoint": "collector:4317"}}
        with self.assertRaisesRegex(Exception, "tracing.caSecret"):
            chart.render(values)
        values["tracing"]["caSecret"] = "collector-ca"
        for role, workload in chart.workloads(chart.render(values)).items():
            with self.subTest(role=role):
                self.assertEqual(chart.flags_of(workload)["otlp_ca"], "/tls/otlp/ca.crt")
                self.assertEqual(mounted_secrets(workload)["/tls/otlp"], "collector-ca")
        plain = chart.render({"tracing": {"otlpEndpoint": "collector:4317"}})
        for role, workload in chart.workloads(plain).items():
            self.assertNotIn("otlp_ca", chart.flags_of(workload), role)

    def test_the_charts_own_etcd_gets_a_certificate_with_its_names(self):
        objects = chart.render(chart.read_values(chart.VALUES["etcd-tls"]))
        etcd = chart.workloads(objects)["etcd"]
        certificate, = [item for item in chart.of_kind(objects, "Certificate") if item["metadata"]["name"] == "baleen-etcd"]
        self.assertEqual(mounted_secrets(etcd), {"/tls/internal": certificate["spec"]["secretName"]})
        flags, dialled = chart.flags_of(etcd), chart.flags_of(chart.workloads(objects)["placement"])["etcd"]
        self.assertEqual(certificate["spec"]["dnsNames"], [dialled.removesuffix(":2379"), flags["peer-cert-allowed-hostname"]])
        placement, = [item for item in chart.of_kind(objects, "Certificate") if item["metadata"]["name"] == "baleen-placement"]
        self.assertIn(flags["client-cert-allowed-hostname"], placement["spec"]["dnsNames"])
        # It registers nowhere.
        self.assertNotIn("uris", certificate["spec"])

    def test_each_role_gets_a_certificate_with_its_uri(self):
        certificates = chart.of_kind(chart.render(chart.read_values(chart.VALUES["tls"])), "Certificate")
        uris = {item["spec"]["secretName"]: item["spec"]["uris"] for item in certificates}
        self.assertEqual(uris, {f"baleen-{role}-tls": [f"spiffe://baleen/{role}/baleen"]
                                for role in ("gateway", "attention", "expert", "placement")})


if __name__ == "__main__":
    unittest.main()
