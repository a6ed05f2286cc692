"""The command against fake services: a cluster comes up, answers, shows itself and leaves nothing behind."""

import hashlib
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import unittest
import unittest.mock

import bench
import certs
import gpu
import keys
import process
import remote
import request_trace
import state
import status
import topology
import up
from errors import UserError
from ports import Ports, check_free

HERE = pathlib.Path(__file__).resolve().parent


class FakeDriver:
    """Answers as NVIDIA's driver does."""

    def __init__(self, start=0, gpus=1, version=13000, capability=(9, 0)):
        self.start, self.gpus, self.version, self.capability = start, gpus, version, capability

    def cuInit(self, _flags):
        return self.start

    def _give(self, number, value):
        number._obj.value = value
        return 0

    def cuDeviceGetCount(self, number):
        return self._give(number, self.gpus)

    def cuDriverGetVersion(self, number):
        return self._give(number, self.version)

    def cuDeviceGetAttribute(self, number, attribute, _device):
        return self._give(number, dict(zip((gpu.MAJOR, gpu.MINOR), self.capability))[attribute])


class GpuTest(unittest.TestCase):
    def test_hopper_will_do(self):
        self.assertIsNone(gpu.problem(lambda _: FakeDriver()))

    def test_what_is_missing_is_named(self):
        def nothing(name):
            raise OSError(name)

        self.assertIn("libcuda.so.1 is not found", gpu.problem(nothing))
        for driver, words in (
            (FakeDriver(start=gpu.NO_DEVICE), "sees no GPU"),
            (FakeDriver(gpus=0), "sees no GPU"),
            (FakeDriver(start=999), "cuInit says 999"),
            (FakeDriver(version=12040), "CUDA 12.4"),
            (FakeDriver(capability=(8, 0)), "compute capability 8.0"),
        ):
            with self.subTest(words=words):
                self.assertIn(words, gpu.problem(lambda _: driver))

    def test_up_says_so(self):
        with unittest.mock.patch.object(gpu, "problem", lambda: "no GPU at all"):
            with self.assertRaisesRegex(UserError, "DEVICE=cuda: no GPU at all"):
                gpu.require()


class KeysTest(unittest.TestCase):
    def test_an_entry_has_the_digest_alone(self):
        key, entry = keys.make("ci")
        self.assertEqual(entry, {"sha256": hashlib.sha256(key.encode()).hexdigest(), "note": "ci"})
        self.assertGreater(len(key), 40)

    def test_no_two_are_the_same(self):
        self.assertEqual(len({keys.make()[0] for _ in range(100)}), 100)


class CertsTest(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.path = pathlib.Path(directory.name, "certs")
        self.assertTrue(certs.ensure(self.path))

    def openssl(self, *words):
        return subprocess.run(["openssl", *words], capture_output=True, text=True, check=True, timeout=60).stdout

    def test_each_role_has_its_uri_and_its_own_key(self):
        for role in certs.ROLES:
            made = self.path / "current" / role
            names = self.openssl("x509", "-in", f"{made}.crt", "-noout", "-ext", "subjectAltName")
            self.assertIn(f"URI:spiffe://baleen/{role}/local", names)
            self.assertEqual(names.count("URI:"), 1)
            self.openssl("verify", "-x509_strict", "-CAfile", str(self.path / "ca.crt"), f"{made}.crt")
            self.assertEqual(pathlib.Path(f"{made}.key").stat().st_mode & 0o777, 0o600)
        self.assertEqual((self.path / "ca.key").stat().st_mode & 0o777, 0o600)

    def test_renewal_changes_all_in_one_step(self):
        self.assertFalse(certs.ensure(self.path))
        read = lambda: {name: (self.path / "current" / f"{name}.crt").read_text() for name in certs.NAMES}  # noqa: E731
        authority = (self.path / "ca.crt").read_text()
        for _ in range(3):
            before, held_open = read(), (self.path / "current").resolve()
            certs.renew(self.path)
            self.assertTrue(all(before[name] != text for name, text in read().items()))
            self.assertTrue(held_open.is_dir(), "who reads the old ones at this moment reads all of them")
        self.assertEqual(len(list((self.path / "generations").iterdir())), 2)
        self.assertEqual((self.path / "current" / "ca.crt").read_text(), authority)


    def test_the_revoked_are_listed_and_stay_so(self):
        listed = lambda: self.openssl("crl", "-in", str(self.path / "crl.pem"), "-noout", "-text").count("Serial Number")  # noqa: E731
        self.assertEqual(listed(), 0)
        certs.revoke(self.path, [self.path / "current" / "expert.crt"])
        certs.renew(self.path)
        certs.revoke(self.path, [self.path / "current" / "expert.crt", self.path / "current" / "gateway.crt"])
        self.assertEqual(listed(), 3)
        self.openssl("crl", "-in", str(self.path / "crl.pem"), "-CAfile", str(self.path / "ca.crt"), "-noout")
        with self.assertRaisesRegex(UserError, "could not revoke"):
            certs.revoke(self.path, [self.path / "nothing.crt"])


class ProcessTest(unittest.TestCase):
    def test_a_pid_of_somebody_else_is_left_alone(self):
        other = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"])
        self.addCleanup(other.wait)
        self.addCleanup(other.kill)
        impostor = process.Process("expert", "expert-0", other.pid, process.start_time(other.pid) + 1, 0, 0, None, "")
        self.assertFalse(impostor.alive())
        self.assertEqual(process.stop([impostor], 1), [])
        self.assertIsNone(other.poll())

    def test_taken_ports_are_named(self):
        ports = Ports("free")
        self.addCleanup(ports.release)
        with self.assertRaisesRegex(UserError, "REST of gateway-0"):
            check_free(ports.free(), "REST of gateway-0")

    def test_table(self):
        shown = remote.table([status.COLUMNS, ("a", "b-0", "1", "2", "3", "no: x y")])
        self.assertEqual(shown.split("\n")[1], "a     b-0  1    2     3        no: x y")


class RemoteTest(unittest.TestCase):
    def told(self, answer):
        """What the command says of a gateway that answers these bytes and closes."""
        listener = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(listener.close)

        def serve():
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(answer)

        serving = threading.Thread(target=serve)
        serving.start()
        self.addCleanup(serving.join)
        with self.assertRaises(UserError) as raised:
            remote.get_json(f"http://127.0.0.1:{listener.getsockname()[1]}/v1/cluster")
        return str(raised.exception)

    def test_what_is_wrong_with_an_answer_is_said(self):
        self.assertIn("did not answer", self.told(b"\0\0\x18\4\0 settings of HTTP/2\n"))
        self.assertIn("broke off", self.told(b"HTTP/1.0 200 OK\r\nContent-Length: 9\r\n\r\n{"))
        self.assertIn("answered no JSON", self.told(b"HTTP/1.0 200 OK\r\n\r\nno"))


def _span(identity, parent, name, start, end, **more):
    return {"traceId": "ab" * 16, "spanId": identity, "parentSpanId": parent, "name": name, "startTimeUnixNano": str(start),
            "endTimeUnixNano": str(end), **more}


class TraceTest(unittest.TestCase):
    def document(self, service, *spans):
        name = {"key": "service.name", "value": {"stringValue": service}}
        return {"resourceSpans": [{"resource": {"attributes": [name]}, "scopeSpans": [{"spans": list(spans)}]}]}

    def documents(self):
        request = {"key": "baleen.request_id", "value": {"stringValue": "cd" * 16}}
        rows = {"key": "baleen.rows", "value": {"intValue": "3"}}
        return [self.document("baleen-decode", _span("03", "02", "prefill", 2_000_000, 5_000_000, attributes=[rows])),
                self.document("baleen-gateway", _span("02", "01", "attempt", 1_000_000, 9_000_000, status={"code": 2}),
                              _span("01", "ff", "chat abacus", 0, 9_500_000, attributes=[request])),
                self.document("baleen-decode", {**_span("09", "", "other", 0, 1), "traceId": "ef" * 16})]

    def test_spans_stand_under_their_parents_with_their_process(self):
        pairs = [pair for document in self.documents() for pair in request_trace.spans_of(document)]
        for name in ("ab" * 16, "cd" * 16):
            rows = request_trace.tree(request_trace.find(pairs, name))
            self.assertEqual([row[:4] for row in rows], [("0.0", "9.5", "gateway", "chat abacus"), ("1.0", "8.0", "gateway", "  attempt"),
                                                         ("2.0", "3.0", "decode", "    prefill")])
            self.assertEqual([row[4] for row in rows], [f"request_id={'cd' * 16}", "FAILED", "rows=3"])
        self.assertEqual(request_trace.find(pairs, "00" * 16), [])

    def test_stores_wrap_it_differently(self):
        spans = list(request_trace.spans_of(self.documents()[0]))
        self.assertEqual(list(request_trace.spans_of({"result": self.documents()[0]})), spans)
        self.assertEqual(list(request_trace.spans_of({"batches": self.documents()[0]["resourceSpans"]})), spans)

    def test_files_of_a_directory_are_one_store(self):
        with tempfile.TemporaryDirectory() as directory:
            for number, document in enumerate(self.documents()):
                # The last line is still being written.
                pathlib.Path(directory, f"{number}.jsonl").write_text(json.dumps(document) + '\n{"resource')
            self.assertEqual(len(request_trace.read_files(pathlib.Path(directory))), 4)
            pathlib.Path(directory, "x.jsonl").write_text("no JSON\n")
            with self.assertRaisesRegex(UserError, "not OTLP JSON"):
                request_trace.read_files(pathlib.Path(directory))
        with self.assertRaisesRegex(UserError, "no traces there"):
            request_trace.read_files(pathlib.Path("/nonexistent"))


class BenchTest(unittest.TestCase):
    def test_percentiles_are_values_that_were_seen(self):
        values = list(range(1, 101))
        self.assertEqual([bench.percentile(values, share) for share in (0.5, 0.95, 0.99, 1)], [50, 95, 99, 100])
        self.assertEqual(bench.percentile([7], 0.99), 7)
        self.assertIsNone(bench.percentile([], 0.5))

    def test_failures_are_counted_and_not_measured(self):
        good, bad = bench.Measured(), bench.Measured()
        good.first_s, good.gaps_s, good.tokens = 0.5, [0.1], 2
        bad.failure, bad.first_s = "gone", 0.001
        figures = bench.summary([good, bad], 2)
        self.assertEqual((figures["requests"], figures["failed"], figures["tokens_per_s"]), (2, 1, 1))
        self.assertEqual(figures["first_token_s"]["p50"], 0.5)


class CommandTest(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.root = pathlib.Path(temporary.name)
        self.model = self.root / "model"
        self.model.mkdir()
        (self.model / "config.json").write_text("{}")
        for binary in topology.BINARIES.values():
            path = self.root / "bin" / binary
            path.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(HERE / "fake_service.py", path)
        self.environment = {
            "PATH": os.environ["PATH"],
            "PYTHONDONTWRITEBYTECODE": "1",
            "MODEL": str(self.model),
            "CLUSTER_DIR": str(self.root / "cluster"),
            "BALEEN_BIN": str(self.root / "bin"),
            "PORT_BASE": "free",
        }
        self.addCleanup(self.baleen, "down")

    def baleen(self, *words, **changes):
        environment = {**self.environment, **changes}
        return subprocess.run(
            [sys.executable, str(HERE / "baleen"), *words], env=environment, capture_output=True, text=True, timeout=120, check=False
        )

    def up(self):
        done = self.baleen("up")
        self.assertEqual(done.returncode, 0, done.stderr)
        return done

    def pids(self):
        self.enterContext(unittest.mock.patch.dict(os.environ, self.environment))
        return [one.pid for one in state.load()]

    def test_a_clusters_life(self):
        self.assertIn("no cluster is up", self.baleen("status").stderr)
        up = self.up()
        self.assertIn("REST on http://127.0.0.1:", up.stdout)
        pids = self.pids()
        self.assertEqual(len(pids), 6)

        again = self.baleen("up")
        self.assertEqual(again.returncode, 1)
        self.assertIn("is up already", again.stderr)

        shown = self.baleen("status")
        self.assertEqual(shown.returncode, 0)
        rows = [line.split() for line in shown.stdout.splitlines()]
        self.assertEqual(rows[0], ["role", "id", "pid", "port", "metrics", "ready"])
        self.assertEqual([row[0] for row in rows[1:]], ["gateway", "prefill", "decode", "expert", "expert", "placement"])
        self.assertEqual({row[5] for row in rows[1:]}, {"yes"})

        os.kill(pids[3], signal.SIGKILL)
        self.assertRegex(self.baleen("status").stdout, r"expert-0 .*dead")

        down = self.baleen("down")
        self.assertEqual(down.returncode, 0, down.stderr)
        self.assertEqual([pid for pid in pids if process.start_time(pid) is not None], [])
        self.assertFalse((self.root / "cluster" / "state.json").exists())
        self.assertEqual(self.baleen("down").returncode, 0)

    def shards(self):
        self.enterContext(unittest.mock.patch.dict(os.environ, self.environment))
        return {one.id: one for one in state.load() if one.role == "expert"}

    def test_scale_up_and_down(self):
        self.up()
        before = self.shards()
        grown = self.baleen("scale", SHARDS="4")
        self.assertEqual(grown.returncode, 0, grown.stderr)
        self.assertIn("4 expert shards", grown.stdout)
        after = self.shards()
        self.assertEqual(list(after), ["expert-0", "expert-1", "expert-2", "expert-3"])
        self.assertEqual([after[name] for name in before], list(before.values()))
        ports = [port for one in after.values() for port in (one.port, one.metrics)]
        self.assertEqual(len(set(ports)), 8)
        own = ("--grpc_port", "--metrics_port", "--log_level_file")
        flags = {tuple(flag for flag in one.flags if not flag.startswith(own)) for one in after.values()}
        self.assertEqual(len(flags), 1)
        self.assertEqual(self.baleen("status").stdout.count("expert-"), 4)

        os.kill(after["expert-1"].pid, signal.SIGKILL)
        self.assertEqual(self.baleen("scale", "2").returncode, 0)
        self.assertEqual(list(self.shards()), ["expert-0", "expert-2"])
        self.assertFalse(after["expert-3"].alive())
        self.assertIn("SHARDS=none", self.baleen("scale", SHARDS="none").stderr)

    def test_no_other_start_takes_ports_before_their_processes_listen(self):
        self.enterContext(unittest.mock.patch.dict(os.environ, self.environment))

        def look(processes, _timeout_s):
            for one in processes:  # The fakes never listen on their gRPC ports.
                with socket.socket() as other, self.assertRaises(OSError):
                    other.bind(("127.0.0.1", one.port))

        with unittest.mock.patch.object(up, "wait_ready", look):
            self.assertEqual(up.run(None), 0)

    def test_one_change_at_a_time(self):
        self.up()
        self.enterContext(unittest.mock.patch.dict(os.environ, self.environment))
        changes = (("scale", "4"), ("scale", "decode=2"), ("drain", "prefill-0"))
        commands = [[sys.executable, str(HERE / "baleen"), *words] for words in changes]
        with state.changing():
            at_once = [subprocess.Popen(command, env=self.environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
                       for command in commands]
            for one in at_once:
                self.assertIn("waiting for another command", one.stderr.readline())
        words = [one.communicate(timeout=120)[1] for one in at_once]
        self.assertEqual([one.returncode for one in at_once], [0, 0, 0], words)
        rows = [line.split()[1] for line in self.baleen("status").stdout.splitlines()[1:]]
        self.assertEqual(rows, ["gateway-0", "decode-0", "decode-1", "expert-0", "expert-1", "expert-2", "expert-3", "placement-0"])

    def test_of_two_that_start_at_once_one_does(self):
        self.enterContext(unittest.mock.patch.dict(os.environ, self.environment))
        with state.changing():
            at_once = [subprocess.Popen([sys.executable, str(HERE / "baleen"), "up"], env=self.environment, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.PIPE, text=True) for _ in range(2)]
            for one in at_once:
                self.assertIn("waiting for another command", one.stderr.readline())
        words = [one.communicate(timeout=120)[1] for one in at_once]
        self.assertEqual(sorted(one.returncode for one in at_once), [0, 1], words)
        self.assertIn("is up already", "".join(words))

    def test_scale_of_every_role(self):
        self.up()
        grown = self.baleen("scale", "gateway=2", "prefill=2", "decode=3", "3")
        where, *counts = grown.stdout.splitlines()
        self.assertEqual(counts, ["2 gateways", "2 prefill workers", "3 decode workers", "3 expert shards"], grown.stderr)
        rows = [line.split()[1] for line in self.baleen("status").stdout.splitlines()[1:]]
        self.assertEqual(rows, [f"{role}-{number}" for role, count in (("gateway", 2), ("prefill", 2), ("decode", 3), ("expert", 3),
                                                                       ("placement", 1)) for number in range(count)])
        self.enterContext(unittest.mock.patch.dict(os.environ, self.environment))
        running = state.load()
        gateway = next(one for one in running if one.id == "gateway-1")
        self.assertEqual(where, f"REST on http://127.0.0.1:{gateway.rest}, gRPC on 127.0.0.1:{gateway.port}")
        listening = [port for one in running for port in (one.port, one.metrics, one.rest) if port is not None]
        listening += [flag for one in running for flag in one.flags if flag.startswith("--admin_port=")]
        self.assertEqual(len(set(listening)), 2 * 11 + 2 + 2)
        self.assertEqual(self.baleen("scale", "gateway=1", "decode=1").returncode, 0)
        self.assertEqual([one.id for one in state.load() if one.role in ("gateway", "decode")], ["gateway-0", "decode-0"])
        self.assertIn("placement=2: expected gateway, ", self.baleen("scale", "placement=2").stderr)
        self.assertIn("decode=0: expected 1", self.baleen("scale", "decode=0").stderr)

    def test_scale_follows_what_placement_wants(self):
        self.up()
        following = subprocess.Popen([sys.executable, str(HERE / "baleen"), "scale", "--follow"], env=self.environment, text=True,
                                     stdout=subprocess.PIPE)
        self.addCleanup(following.stdout.close)
        self.addCleanup(following.wait)
        self.addCleanup(following.kill)
        for wanted, words in (("3", "3 expert shards"), ("1", "1 expert shard")):
            (self.model / "wanted").write_text(wanted)
            self.assertEqual(following.stdout.readline(), f"{words}\n")
            self.assertEqual(len(self.shards()), int(wanted))
        following.send_signal(signal.SIGINT)
        self.assertEqual(following.wait(timeout=60), 130)

    def test_drain_and_placement(self):
        self.up()
        shown = self.baleen("placement").stdout
        self.assertRegex(shown, r"expert-1 +- +\d+ +-")
        self.assertRegex(shown, "placement-0: .*moves pending 0")
        self.assertEqual(self.baleen("drain", "expert-1").returncode, 0)
        self.assertEqual(list(self.shards()), ["expert-0"])
        self.assertIn("no process expert-9", self.baleen("drain", "expert-9").stderr)
        self.assertIn("expert-0: would leave expert=0, expected 1 at least", self.baleen("drain", "prefill-0", "expert-0").stderr)
        self.assertTrue(self.shards()["expert-0"].alive())

    def test_chat_streams_and_counts(self):
        self.up()
        told = self.baleen("chat", "six times seven")
        self.assertEqual(told.returncode, 0, told.stderr)
        self.assertIn("> six times seven\nthinking\nsix times seven? 42\n", told.stdout)
        self.assertIn("5 prompt + 3 completion tokens", told.stdout)
        self.assertIn("rows per expert shard: expert-0 7, expert-1 7", told.stdout)
        self.assertIn("> from the environment", self.baleen("chat", QUESTION="from the environment").stdout)
        cut = self.baleen("chat", "be cut")
        self.assertEqual(cut.returncode, 1)
        self.assertIn("ended early", cut.stderr)

    def test_a_cluster_known_by_its_url_alone(self):
        self.up()
        self.enterContext(unittest.mock.patch.dict(os.environ, self.environment))
        url = f"http://127.0.0.1:{state.load()[0].rest}"
        elsewhere = {"CLUSTER_DIR": str(self.root / "elsewhere"), "BALEEN_URL": url, "BALEEN_ADMIN_URL": url}
        shown = self.baleen("status", **elsewhere)
        self.assertEqual(shown.returncode, 1)
        self.assertRegex(shown.stdout, r"expert +expert-b +0 +3 +120 ms +no", shown.stderr)
        shown = self.baleen("--url", f"{url}/v1/", "placement", CLUSTER_DIR=elsewhere["CLUSTER_DIR"]).stdout
        self.assertRegex(shown, r"expert-a +2 +11 +3\n")
        self.assertIn("epoch 7, moves pending 2", shown)
        self.assertIn("six times seven? 42\n", self.baleen("chat", "six times seven", **elsewhere).stdout)
        told = self.baleen("drain", "gateway", "placement", "expert-a", **elsewhere)
        self.assertEqual(told.stdout.splitlines(), ["the gateway drains", "the placement drains", "expert-a left"], told.stderr)
        self.assertIn("no worker expert-a; there are expert-b, gateway-a", self.baleen("drain", "expert-a", **elsewhere).stderr)
        few = self.baleen("scale", "4", "gateway=1", **elsewhere)
        self.assertEqual(few.returncode, 1)
        self.assertIn("expert: 1 of 4; 3 more are to be started", few.stdout, few.stderr)
        self.assertIn("starts and stops local processes", self.baleen("scale", "--follow", **elsewhere).stderr)
        nobody = self.baleen("--url", "http://127.0.0.1:1", "status")
        self.assertEqual(nobody.returncode, 1)
        self.assertIn("did not answer", nobody.stderr)

    def test_bench_measures_every_request(self):
        self.up()
        told = self.baleen("bench", "--requests=6", "--users=3", "--json")
        self.assertEqual(told.returncode, 0, told.stderr)
        figures = json.loads(told.stdout)
        self.assertEqual((figures["requests"], figures["failed"], figures["tokens"]), (6, 0, 18))
        self.assertGreater(figures["first_token_s"]["p99"], 0)
        self.assertRegex(self.baleen("bench", "--requests=2").stdout, r"2 requests, 0 failed, .* tokens/s")
        self.assertIn("--users=0", self.baleen("bench", "--users=0").stderr)

    def test_log_level_writes_what_processes_watch(self):
        self.up()
        self.assertEqual(self.baleen("log-level", "debug", "expert-1").returncode, 0)
        self.enterContext(unittest.mock.patch.dict(os.environ, self.environment))
        watched = {one.id: next(flag for flag in one.flags if flag.startswith("--log_level_file=")) for one in state.load()}
        self.assertEqual(pathlib.Path(watched["expert-1"].split("=", 1)[1]).read_text(), "debug\n")
        self.assertFalse(pathlib.Path(watched["expert-0"].split("=", 1)[1]).exists())
        self.assertIn("no process expert-9", self.baleen("log-level", "debug", "expert-9").stderr)
        self.assertNotEqual(self.baleen("log-level", "loud").returncode, 0)

    def test_a_death_at_start_shows_its_log_and_stops_the_rest(self):
        (self.model / "behaviour").write_text("die decode")
        up = self.baleen("up")
        self.assertEqual(up.returncode, 1)
        self.assertIn("decode-0 died", up.stderr)
        self.assertIn("decode was told to die", up.stderr)
        self.assertEqual(self.pids(), [])

    def test_logs(self):
        self.up()
        self.assertIn("==> expert-1", self.baleen("logs", "expert-1").stdout)
        self.assertIn("no process nobody-0", self.baleen("logs", "nobody-0").stderr)


if __name__ == "__main__":
    unittest.main()
