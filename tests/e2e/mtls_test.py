"""A cluster with mTLS inside: who may call what, certificates renewed under load, the same tokens as without."""

import contextlib
import json
import socket
import subprocess
import tempfile
import unittest

import grpc
import grpc_tools.protoc
from google.protobuf import descriptor_pb2

from tests.testing.certificates import ROLES, Certificates, Identity, role_of
from tests.testing.cluster import ROOT, Cluster
from tests.testing.etcd import Etcd
from tests.testing.steady_load import SteadyLoad, metric, wait_for

WORKERS = {"gateway", "attention", "expert"}
HEALTH = "/grpc.health.v1.Health/"
REFLECTION = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"

# Not between these processes, or not under TLS (UCX knows none): nobody may call them here.
ELSEWHERE = ("/baleen.v1.Inference/", "/baleen.v1.Guardrail/", "/baleen.v1.UcxControl/", "/grpc.")
# By role of the server: its methods and who may call them. All else is refused.
ALLOWED = {
    "attention": {
        "/baleen.v1.Decode/Run": {"gateway"},
        "/baleen.v1.Decode/Recall": {"gateway"},
        "/baleen.v1.Prefill/Fill": {"attention"},
        "/baleen.v1.KvTransfer/Push": {"attention"},
        "/baleen.v1.KvTransfer/Copy": {"attention"},
    },
    "expert": {"/baleen.v1.Expert/Exchange": {"attention"}},
    "placement": {
        "/baleen.v1.Placement/Register": WORKERS,
        "/baleen.v1.Placement/Heartbeat": WORKERS,
        "/baleen.v1.Placement/Deregister": WORKERS,
        "/baleen.v1.Placement/WatchMap": WORKERS | {"operator"},
        "/baleen.v1.Placement/GetActivity": {"gateway", "operator"},
        "/baleen.v1.Placement/SetScale": {"gateway", "operator"},
        "/baleen.v1.Placement/Drain": {"gateway", "operator"},
    },
}
COMMON = {HEALTH + "Check": set(ROLES), HEALTH + "Watch": set(ROLES), REFLECTION: {"operator"}}
REFUSED = (grpc.StatusCode.PERMISSION_DENIED, grpc.StatusCode.UNAUTHENTICATED)
# How a raw stream ends when its client has said all; a connection that failed says something else.
HALF_CLOSED = "the peer closed the stream"


def methods_of_protos():
    """Every method of the services in proto/baleen/v1, as on the wire."""
    protos = [str(path.relative_to(ROOT)) for path in (ROOT / "proto/baleen/v1").glob("*.proto")]
    with tempfile.NamedTemporaryFile() as out:
        if grpc_tools.protoc.main(["protoc", f"-I{ROOT}", f"--descriptor_set_out={out.name}", *protos]) != 0:
            raise RuntimeError("protoc failed")
        files = descriptor_pb2.FileDescriptorSet.FromString(out.read()).file
    return {f"/{file.package}.{service.name}/{method.name}" for file in files for service in file.service for method in service.method}


class Outcome:
    """How a call with one empty message ended."""

    def __init__(self, code, details):
        self.code, self.details = code, details or ""

    @property
    def reached(self):
        return self.code not in REFUSED and not self.unconnected

    @property
    def unconnected(self):
        return self.code == grpc.StatusCode.UNAVAILABLE and self.details != HALF_CLOSED

    def __repr__(self):
        return f"{self.code}: {self.details}"


class Caller:
    """A channel to a process with an identity, which may be a wrong one."""

    def __init__(self, process, certificates, identity):
        credentials = grpc.ssl_channel_credentials(certificates.ca, identity.key, identity.cert)
        options = [("grpc.ssl_target_name_override", f"{role_of(process.name)}.baleen.internal"), ("grpc.use_local_subchannel_pool", 1)]
        self._channel = grpc.secure_channel(f"127.0.0.1:{process.grpc_port}", credentials, options)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._channel.close()

    def call(self, method, message=b""):
        stream = self._channel.stream_stream(method)(iter([message]), timeout=20)
        try:
            next(stream, None)
            stream.cancel()
            return Outcome(grpc.StatusCode.OK, "")
        except grpc.RpcError as error:
            return Outcome(error.code(), error.details())


def served_certificate(process, certificates):
    with socket.create_connection(("127.0.0.1", process.grpc_port), timeout=10) as plain:
        with certificates.client_context("operator").wrap_socket(plain) as secured:
            return secured.getpeercert(binary_form=True)


class MtlsTest(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        cls.load = SteadyLoad()
        cls.certificates = cls.enterClassContext(Certificates())
        cls.cluster = cls.enterClassContext(Cluster(certificates=cls.certificates))
        cls.servers = [process for process in cls.cluster.processes if role_of(process.name) != "gateway"]
        cls.methods = methods_of_protos() | set(COMMON)

    def test_every_method_is_in_the_matrix(self):
        named = {method for table in ALLOWED.values() for method in table}
        internal = {method for method in self.methods if not method.startswith(ELSEWHERE)}
        self.assertEqual(named, internal)

    def test_each_role_calls_what_it_may(self):
        for process in self.servers:
            allowed = {**ALLOWED[role_of(process.name)], **COMMON}
            for role in ROLES:
                with Caller(process, self.certificates, self.certificates.role(role)) as caller:
                    for method in sorted(self.methods):
                        outcome = caller.call(method)
                        with self.subTest(process=process.name, role=role, method=method):
                            if role in allowed.get(method, ()):
                                self.assertTrue(outcome.reached, outcome)
                            else:
                                self.assertEqual((outcome.code, outcome.details),
                                                 (grpc.StatusCode.PERMISSION_DENIED, f"role {role} may not call {method}"))

    def test_strangers_call_nothing(self):
        for process in self.servers:
            strangers = {"no certificate": Identity(None, None)}
            for role in ROLES:
                strangers[f"foreign {role}"] = self.certificates.foreign(role)
                strangers[f"expired {role}"] = self.certificates.expired(role)
            for name, identity in strangers.items():
                with Caller(process, self.certificates, identity) as caller:
                    for method in sorted(self.methods):
                        outcome = caller.call(method)
                        with self.subTest(process=process.name, stranger=name, method=method):
                            self.assertTrue(outcome.unconnected, outcome)

    def test_the_revoked_call_nothing(self):
        identities = {role: self.certificates.issue(role) for role in ROLES}
        with contextlib.ExitStack() as open_channels:
            callers = {}
            for process in self.servers:
                for role, identity in identities.items():
                    callers[process, role] = open_channels.enter_context(Caller(process, self.certificates, identity))
                    self.assertTrue(callers[process, role].call(HEALTH + "Check").reached)
            self.certificates.revoke(identities.values())
            for (process, role), caller in callers.items():
                wait_for(lambda: not caller.call(HEALTH + "Check").reached, f"{process.name} goes on with a revoked {role}")
                for method in sorted(self.methods):
                    outcome = caller.call(method)
                    with self.subTest(process=process.name, role=role, method=method):
                        self.assertEqual((outcome.code, outcome.details),
                                         (grpc.StatusCode.UNAUTHENTICATED, "this certificate has been revoked"))
        with self.load.on(self.cluster) as load:
            load.more()

    def test_a_role_registers_as_itself(self):
        placement, = self.cluster.named("placement")
        decode = b"\x0a\x05\x0a\x01x\x10\x03"  # RegisterRequest{worker{worker_id: "x", role: ROLE_DECODE}}
        for role in WORKERS - {"attention"}:
            with Caller(placement, self.certificates, self.certificates.role(role)) as caller:
                outcome = caller.call("/baleen.v1.Placement/Register", decode)
                self.assertEqual(outcome.code, grpc.StatusCode.PERMISSION_DENIED)
                self.assertEqual(outcome.details, f"a certificate of role {role} may not register a ROLE_DECODE")

    def test_a_worker_is_touched_only_with_the_certificate_that_registered_it(self):
        placement, = self.cluster.named("placement")
        own = b"\x0a\x01x"  # {worker_id: "x"}
        register = b"\x0a\x12" + own + b"\x10%c\x1a\x0b127.0.0.1:1"  # RegisterRequest{worker{own, role, address}}
        calls = {"Heartbeat": own, "Deregister": own}
        with Caller(placement, self.certificates, self.certificates.role("gateway")) as owner:
            self.assertEqual(owner.call("/baleen.v1.Placement/Register", register % 1).code, grpc.StatusCode.OK)
            for role, number in (("attention", 3), ("expert", 4)):
                with Caller(placement, self.certificates, self.certificates.role(role)) as other:
                    for method, message in {**calls, "Register": register % number}.items():
                        outcome = other.call(f"/baleen.v1.Placement/{method}", message)
                        with self.subTest(role=role, method=method):
                            self.assertEqual((outcome.code, outcome.details), (
                                grpc.StatusCode.PERMISSION_DENIED, "worker x was registered with another certificate than this one"))
            for method, message in calls.items():
                self.assertEqual(owner.call(f"/baleen.v1.Placement/{method}", message).code, grpc.StatusCode.OK)

    def test_plaintext_is_not_spoken(self):
        for process in self.servers:
            with grpc.insecure_channel(f"127.0.0.1:{process.grpc_port}") as channel:
                with self.assertRaises(grpc.RpcError) as refused:
                    channel.unary_unary(HEALTH + "Check")(b"", timeout=20)
                self.assertEqual(refused.exception.code(), grpc.StatusCode.UNAVAILABLE)

    def test_certificates_are_renewed_under_load(self):
        with self.load.on(self.cluster) as load:
            load.more()
            for _ in range(2):
                before = {process: served_certificate(process, self.certificates) for process in self.servers}
                self.certificates.renew()
                for process in self.servers:
                    wait_for(lambda: served_certificate(process, self.certificates) != before[process], f"{process.name}: the old one")
                load.more()
            # What connects from now on meets only new certificates.
            added = self.cluster.start_attention("decode", 1)
            self.cluster.wait_ready([added])
            load.more()


def logged(process, event):
    """The lines of a process's log about the event."""
    lines = process.log_path.read_text().splitlines()
    return [json.loads(line) for line in lines if f'"{event}"' in line]


class RevokedWorkerTest(unittest.TestCase):
    """A worker's certificate is revoked while streams go through it: they go on elsewhere, with the same tokens."""

    def run_with_revoked(self, victim, asked_by, **options):
        load = SteadyLoad()
        with Certificates() as certificates:
            identity, flags = certificates.of_its_own(role_of(victim))
            own_flags = lambda name: flags if name == victim else ()  # noqa: E731
            with Cluster(certificates=certificates, own_flags=own_flags, **options) as cluster, load.on(cluster) as running:
                running.more()
                certificates.revoke([identity])
                revoked, = cluster.named(victim)
                placement, = cluster.named("placement")
                wait_for(lambda: logged(placement, "revoked_callers_cut"), "placement still hears it")
                for process in cluster.named(asked_by):
                    wait_for(lambda: logged(process, "revoked_server_left"), f"{process.name} still asks it")
                    left = {line["address"] for line in logged(process, "revoked_server_left")}
                    self.assertEqual(left, {f"127.0.0.1:{revoked.grpc_port}"})
                running.more()

    def test_decode_worker(self):
        self.run_with_revoked("decode-1", "gateway", decode=2)

    def test_expert_shard(self):
        self.run_with_revoked("expert-1", "decode", replicas=2)


class EtcdTest(unittest.TestCase):
    def test_placements_elect_over_tls_and_nobody_else_is_let_in(self):
        with Certificates() as certificates, Etcd(certificates=certificates) as etcd:
            with Cluster(shards=1, prefill=0, placements=2, etcd=etcd.address, certificates=certificates) as cluster:
                both = cluster.named("placement")
                everybody = len(cluster.processes) - len(both)
                wait_for(lambda: sorted(metric(one, "baleen_placement_workers") or 0 for one in both) == [0, everybody], "nobody leads")
                for process in cluster.processes:
                    self.assertEqual(process.stop(), 0, f"{process.name} did not end in order:\n{process.log_tail()}")
            for role in ROLES:
                done = subprocess.run(
                    ["curl", "--silent", "--max-time", "20", "--cacert", str(certificates.current / "ca.crt"), "--cert",
                     str(certificates.current / f"{role}.crt"), "--key", str(certificates.current / f"{role}.key"),
                     f"https://{etcd.address}/version"], capture_output=True, timeout=60)
                # Nobody but placement.
                self.assertEqual(b"etcdserver" in done.stdout, role == "placement", role)


if __name__ == "__main__":
    unittest.main()
