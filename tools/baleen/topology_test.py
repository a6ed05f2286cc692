"""From the environment to processes: what a start may be asked for, and which processes with which flags it becomes."""

import pathlib
import tempfile
import unittest

import certs
import settings
import topology
from errors import UserError
from ports import Ports


class SettingsTest(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        (pathlib.Path(directory.name) / "config.json").write_text("{}")
        self.environment = {"MODEL": directory.name}

    def test_defaults(self):
        read = settings.read(self.environment)
        self.assertEqual((read.gateways, read.prefill, read.decode, read.shards, read.replicas, read.dtype), (1, 1, 1, 2, 1, "auto"))
        self.assertIsNone(read.kv_mib)
        self.assertEqual((read.placements, read.etcd), (1, "0"))
        self.assertEqual(settings.read({**self.environment, "PLACEMENTS": "2"}).etcd, "1")

    def test_what_is_wrong_is_named(self):
        for name, value in (
            ("ETCD", "maybe"),
            ("PLACEMENTS", "0"),
            ("MTP", "2"),
            ("SHARE_WEIGHTS", "yes"),
            ("DEVICE", "tpu"),
            ("TRANSPORT", "rdma"),
            ("DTYPE", "int3"),
            ("SHARDS", "two"),
            ("SHARDS", "0"),
            ("REPLICAS", "3"),
            ("KV_MIB", "-1"),
            ("MODEL", "/nonexistent"),
            ("TENANTS", "/nonexistent"),
            ("PRICES", "/nonexistent"),
            ("GUARDRAIL", "on"),
            ("CORES", "0-"),
            ("NUMA_NODE", "-1"),
            ("TENSOR_PARALLEL", "0"),
            ("TENSOR_PARALLEL", "2"),
        ):
            with self.subTest(name=name, value=value), self.assertRaisesRegex(UserError, f"{name}={value}"):
                settings.read({**self.environment, name: value})

    def test_a_gpu_has_its_own_types(self):
        self.assertEqual(settings.read({**self.environment, "DEVICE": "cuda", "DTYPE": "fp8"}).device, "cuda")
        with self.assertRaisesRegex(UserError, "DTYPE=int8: a GPU computes in bf16, fp8"):
            settings.read({**self.environment, "DEVICE": "cuda", "DTYPE": "int8"})

    def test_gpus_that_compute_together_draft_nothing(self):
        several = {**self.environment, "DEVICE": "cuda", "TENSOR_PARALLEL": "4"}
        self.assertEqual(settings.read(several).tensor_parallel, 4)
        with self.assertRaisesRegex(UserError, "TENSOR_PARALLEL=4: drafts"):
            settings.read({**several, "MTP": "1"})


class TopologyTest(unittest.TestCase):
    def plan(self, port_base="", **changes):
        wanted = dict(gateways=1, prefill=1, decode=1, shards=2, replicas=1, dtype="auto", kv_mib=None, threads=None, port_base=port_base)
        ports = Ports(port_base)
        self.addCleanup(ports.release)
        return topology.plan(settings.Settings(model=pathlib.Path("/m"), **{**wanted, **changes}), ports)

    def test_fixed_ports_in_the_tables_order(self):
        specs = self.plan(gateways=2)
        ids = [spec.id for spec in specs]
        self.assertEqual(ids, ["gateway-0", "gateway-1", "prefill-0", "decode-0", "expert-0", "expert-1", "placement-0"])
        self.assertEqual([spec.metrics for spec in specs], list(range(9400, 9407)))
        self.assertEqual([(spec.rest, spec.port) for spec in specs[:2]], [(8080, 8081), (8090, 8091)])
        self.assertTrue(all(f"--admin_port={port}" in spec.flags for spec, port in zip(specs, (8082, 8092))))

    def test_port_base_moves_them(self):
        specs = self.plan(port_base="20000")
        self.assertEqual((specs[0].rest, specs[0].port, specs[0].metrics), (20000, 20001, 20100))
        with self.assertRaisesRegex(UserError, "PORT_BASE=x"):
            Ports("x")

    def test_flags(self):
        by_id = {spec.id: spec for spec in self.plan(kv_mib=64, threads=2, replicas=2)}
        placement = f"--placement=127.0.0.1:{by_id['placement-0'].port}"
        for name, spec in by_id.items():
            self.assertEqual(placement in spec.flags, name != "placement-0")
            self.assertIn(f"--metrics_port={spec.metrics}", spec.flags)
        self.assertLessEqual({"--role=decode", "--kv_mib=64", "--threads=2", "--dtype=auto", "--model=/m"}, set(by_id["decode-0"].flags))
        self.assertLessEqual({"--expected_shards=2", "--replicas=2"}, set(by_id["placement-0"].flags))
        self.assertNotIn("--kv_mib=64", by_id["expert-0"].flags)

    def test_mtp_reaches_attention_only(self):
        with_mtp = {spec.id for spec in self.plan(mtp=True) if "--mtp" in spec.flags}
        self.assertEqual(with_mtp, {"prefill-0", "decode-0"})
        self.assertFalse(any("--mtp" in spec.flags for spec in self.plan()))

    def test_cores_reach_those_that_compute(self):
        plan = self.plan(cores="0-3,8", numa_node=1)
        confined = {spec.id for spec in plan if {"--cores=0-3,8", "--numa_node=1"} <= set(spec.flags)}
        self.assertEqual(confined, {"prefill-0", "decode-0", "expert-0", "expert-1"})
        self.assertFalse(any("cores" in flag or "numa" in flag for spec in self.plan() for flag in spec.flags))

    def test_weights_are_shared_unless_told_otherwise(self):
        def sharing(**wanted):
            return {spec.role for spec in self.plan(**wanted) if any(flag.startswith("--shared_weights=/dev/shm/") for flag in spec.flags)}

        self.assertEqual(sharing(), {"prefill", "decode", "expert"})
        self.assertEqual(sharing(share_weights=False), set())

    def test_a_device_reaches_those_that_compute_and_shares_no_weights(self):
        plan = self.plan(device="cuda")
        self.assertEqual({spec.role for spec in plan if "--device=cuda" in spec.flags}, {"prefill", "decode", "expert"})
        self.assertFalse(any(flag.startswith("--shared_weights") for spec in plan for flag in spec.flags))
        self.assertFalse(any(flag.startswith("--device") for spec in self.plan() for flag in spec.flags))

    def test_ranks_reach_attention_only(self):
        plan = self.plan(device="cuda", tensor_parallel=2)
        self.assertEqual({spec.role for spec in plan if "--tensor_parallel=2" in spec.flags}, {"prefill", "decode"})
        self.assertFalse(any(flag.startswith("--tensor_parallel") for spec in self.plan(device="cuda") for flag in spec.flags))

    def test_tenants_reach_gateways_only(self):
        with_tenants = {spec.id for spec in self.plan(tenants=pathlib.Path("/t.json")) if "--tenants=/t.json" in spec.flags}
        self.assertEqual(with_tenants, {"gateway-0"})

    def test_prices_and_guardrail_reach_gateways_only(self):
        for name, value, flag in (("prices", pathlib.Path("/p.json"), "--prices=/p.json"), ("guardrail", "builtin", "--guardrail=builtin")):
            with self.subTest(name):
                self.assertEqual({spec.id for spec in self.plan(**{name: value}) if flag in spec.flags}, {"gateway-0"})

    def test_several_placements_share_an_etcd(self):
        by_id = {spec.id: spec for spec in self.plan(placements=2, etcd="1")}
        self.assertEqual(list(by_id)[-3:], ["placement-0", "placement-1", "etcd-0"])
        ports = [by_id[name].port for name in ("placement-0", "placement-1")]
        self.assertIn(f"--placement=127.0.0.1:{ports[0]},127.0.0.1:{ports[1]}", by_id["decode-0"].flags)
        for name in ("placement-0", "placement-1"):
            self.assertIn(f"--etcd=127.0.0.1:{by_id['etcd-0'].port}", by_id[name].flags)
        self.assertIn("--etcd=elsewhere:2379", {spec.id: spec for spec in self.plan(etcd="elsewhere:2379")}["placement-0"].flags)

    def test_tls_gives_each_process_its_role(self):
        by_id = {spec.id: spec for spec in self.plan(tls=True, placements=2, etcd="1")}
        current = certs.directory() / "current"
        self.assertFalse(any(flag.startswith("--tls") for spec in self.plan() for flag in spec.flags))
        etcd = set(by_id.pop("etcd-0").flags)
        self.assertLessEqual({f"--cert-file={current}/etcd.crt", "--client-cert-auth"}, etcd)
        self.assertTrue(any(flag.startswith("--listen-client-urls=https:") for flag in etcd))
        for name, spec in by_id.items():
            role = {"prefill-0": "attention", "decode-0": "attention"}.get(name, spec.role)
            files = {f"--tls_ca={current}/ca.crt", f"--tls_cert={current}/{role}.crt", f"--tls_key={current}/{role}.key",
                     f"--tls_crl={certs.directory() / 'crl.pem'}"}
            self.assertLessEqual(files, set(spec.flags))

    def test_without_prefill_workers_decode_does_both(self):
        specs = self.plan(prefill=0)
        self.assertIn("--role=both", next(spec for spec in specs if spec.role == "decode").flags)


if __name__ == "__main__":
    unittest.main()
