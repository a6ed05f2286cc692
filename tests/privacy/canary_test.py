"""Nothing that a user typed or got turns up in logs, metrics, traces, files, etcd, or other users' errors."""

import base64
import concurrent.futures
import contextlib
import http.client
import json
import os
import pathlib
import resource
import signal
import tempfile
import threading
import time
import unittest
import unittest.mock
import urllib.parse
import uuid

import grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2_grpc

from tests.metrics.otlp import Receiver
from tests.privacy.canary import Canary, Search
from tests.testing.cluster import Cluster, http_get
from tests.testing.etcd import Etcd
from tests.testing.inference import Client, inference_pb2

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
CARD = "4111 1111 1111 1111"


class CanaryTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        # Whatever a process leaves in its temporary directory is searched too, and so are logs and etcd's own files, which lie there.
        cls.files = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        cls.enterClassContext(unittest.mock.patch.dict(os.environ, {"TMPDIR": str(cls.files)}))
        cls.enterClassContext(unittest.mock.patch.object(tempfile, "tempdir", str(cls.files)))
        cls.started = time.time()
        cls.receiver = Receiver()
        server = grpc.server(concurrent.futures.ThreadPoolExecutor(2))
        trace_service_pb2_grpc.add_TraceServiceServicer_to_server(cls.receiver, server)
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        cls.addClassCleanup(lambda: server.stop(0).wait())
        etcd = cls.enterClassContext(Etcd())
        cls.cluster = cls.enterClassContext(
            Cluster(shards=1, prefill=1, decode=2, placements=2, etcd=etcd.address, worker_flags=["--trace_layer_steps=4"],
                    common_flags=["--log_level=debug", f"--otlp_endpoint=127.0.0.1:{port}"],
                    gateway_flags=["--trace_sample=1", "--guardrail=builtin"]))
        cls.client = Client(cls.cluster)
        cls.canaries = {}
        cls.use_every_field()
        cls.other_bodies = cls.others()
        cls.search = staticmethod(Search(cls.canaries.values(), cls.client.tokenize))

    @classmethod
    def canary(cls, name, plain=False):
        cls.canaries[name] = Canary(name, plain)
        return cls.canaries[name].text

    @classmethod
    def ask(cls, path, body, headers=(), method="POST"):
        """(status, body) of a request."""
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", cls.cluster.rest_port, timeout=120)) as connection:
            raw = body if isinstance(body, (bytes, type(None))) else json.dumps(body).encode()
            connection.request(method, path, raw, {"content-type": "application/json", "traceparent": f"00-{TRACE}-b7ad6b7169203331-01",
                                                   **dict(headers)})
            with connection.getresponse() as answer:
                return answer.status, answer.read().decode()

    @classmethod
    def chat(cls, messages, headers=(), **fields):
        return cls.ask("/v1/chat/completions", {"model": "abacus", "max_tokens": 48, "messages": messages, **fields}, headers)

    @classmethod
    def use_every_field(cls):
        cls.in_prompts()
        cls.in_output()
        cls.in_what_is_refused()
        cls.through_failures()

    @classmethod
    def in_prompts(cls):
        canary = cls.canary
        tool = {"type": "function", "function": {"name": "f", "description": canary("tool description"), "parameters": {
            "type": "object",
            "properties": {canary("tool property", plain=True): {"type": "string", "description": canary("tool schema")}}}}}
        status, _ = cls.chat(
            [{"role": "system", "content": canary("system")}, {"role": "user", "content": canary("prompt")},
             {"role": "assistant", "content": canary("earlier answer")}, {"role": "user", "content": "1 + 1"}],
            {"authorization": f"Bearer {canary('key', plain=True)}", "x-request-id": f"id-{canary('request id', plain=True)}",
             "user-agent": canary("agent", plain=True)}.items(), tools=[tool], user=canary("user"), stop=[canary("stop")])
        assert status == 200, status
        request = inference_pb2.ChatRequest(model="abacus", options=inference_pb2.GenerationOptions(max_tokens=8))
        request.messages.add(role="user", content=canary("gRPC prompt"))
        list(cls.client.stub.Chat(request, metadata=[("authorization", f"Bearer {canary('gRPC key', plain=True)}")], timeout=60))
        status, body = cls.chat([{"role": "user", "content": f"{canary('blocked prompt')} {CARD}"}])
        assert "content_filter" in body, (status, body)
        cls.ask("/tokenize", {"prompt": canary("tokenized")})

    @classmethod
    def in_output(cls):
        """abacus is made to say them: by echo, by a schema that allows nothing else, by a tool's only name."""
        for stream in (False, True):
            text = cls.canary(f"echo, stream {stream}")
            status, body = cls.ask("/v1/completions", {"model": "abacus", "prompt": text, "echo": True, "max_tokens": 4, "stream": stream})
            assert status == 200 and cls.canaries[f"echo, stream {stream}"].halves[1] in body, body
        text = cls.canary("output")
        schema = {"type": "object", "properties": {"v": {"const": text}}, "required": ["v"], "additionalProperties": False}
        fields = {"response_format": {"type": "json_schema", "json_schema": {"name": "v", "schema": schema}}, "max_tokens": 400,
                  "logprobs": True}
        status, body = cls.chat([{"role": "user", "content": "1 + 1"}], **fields)
        assert status == 200, body
        choice = json.loads(body)["choices"][0]
        cls.said = choice["message"]["content"] if choice["finish_reason"] == "stop" else ""
        name = cls.canary("tool name", plain=True)
        function = {"name": name, "parameters": {"type": "object", "properties": {}}}
        status, body = cls.chat([{"role": "user", "content": "1 + 1"}], max_tokens=400, tool_choice="required",
                                tools=[{"type": "function", "function": function}])
        assert status == 200, body

    @classmethod
    def in_what_is_refused(cls):
        canary = cls.canary
        refused = [
            cls.ask("/v1/chat/completions", b'{"model": "abacus", "messages": [' + canary("broken JSON").encode()),
            cls.chat([{"role": canary("role"), "content": "x"}]),
            cls.chat([{"role": "user", "content": "x"}], temperature=canary("number")),
            cls.ask("/v1/completions", {"model": canary("model"), "prompt": "x"}),
            cls.ask("/v1/completions", {"model": "abacus", "prompt": canary("long prompt") + "1" * 4000}),
            cls.chat([{"role": "user", "content": "x"}], response_format={"type": "json_schema", "json_schema": {
                "name": "x", "schema": {"type": canary("schema type")}}}),
            cls.ask(f"/v1/{canary('path', plain=True)}", None, method="GET"),
            cls.ask(f"/v1/requests/id-{canary('resumed id', plain=True)}/events", None,
                    {"last-event-id": canary("event id", plain=True)}.items(), method="GET"),
        ]
        assert all(400 <= status < 500 for status, _ in refused), refused

    @classmethod
    def through_failures(cls):
        """A client that leaves, and a resumable request whose worker dies."""
        body = {"model": "abacus", "prompt": cls.canary("abandoned prompt"), "max_tokens": 600, "stream": True, "ignore_eos": True}
        connection = http.client.HTTPConnection("127.0.0.1", cls.cluster.rest_port, timeout=60)
        connection.request("POST", "/v1/completions", json.dumps(body), {"content-type": "application/json"})
        connection.getresponse().read(64)
        connection.close()
        body["prompt"] = cls.canary("resumable prompt")
        headers = {"x-baleen-resumable": "1", "x-request-id": uuid.uuid4().hex}.items()
        done = []
        asking = threading.Thread(target=lambda: done.append(cls.ask("/v1/completions", body, headers)))
        asking.start()
        victim = cls.cluster.named("decode")[0]
        victim.stop(signal.SIGKILL)
        asking.join()
        assert done[0][0] == 200, done
        victim.start()
        cls.cluster.wait_ready([victim])

    @classmethod
    def others(cls):
        """What other users get afterwards, errors above all."""
        answers = [cls.ask("/v1/chat/completions", b"{"), cls.ask("/v1/nothing", None, method="GET"),
                   cls.ask("/v1/models", None, method="GET"),
                   cls.ask("/v1/completions", {"model": "abacus", "prompt": 7}), cls.chat([{"role": "user", "content": "2 + 2"}]),
                   cls.ask("/v1/completions", {"model": "other", "prompt": "x"}),
                   cls.ask(f"/v1/requests/{uuid.uuid4().hex}/events", None, method="GET")]
        return "\n".join(body for _, body in answers).encode()

    def assert_clean(self, place, data):
        self.assertEqual(self.search(data), [], place)

    def test_the_search_finds_every_form(self):
        canary = self.canaries["prompt"]
        text, ids = canary.text, self.client.tokenize(canary.text)
        for place in ("", "a", "ab"):
            around = f"{place}{text} and more"
            for written in (around, json.dumps(around), repr(around), urllib.parse.quote(around), around.encode().hex(), str(ids),
                            base64.b64encode(around.encode()).decode(), json.dumps({"ids": ids}, separators=(",", ":"))):
                halves = {form.split(",")[0] for name, form in self.search(written.encode()) if name == "prompt"}
                self.assertEqual(halves, {"first half", "second half"}, written)
        self.assertEqual(self.search(b"nothing of that kind"), [])

    def test_the_model_said_it(self):
        self.assertEqual(json.loads(self.said)["v"], self.canaries["output"].text)

    def test_logs_at_every_level(self):
        for process in self.cluster.processes:
            log = process.log_path.read_bytes()
            self.assertIn(b'"level": "info"', log, process.name)
            self.assert_clean(process.name, log)

    def test_metrics(self):
        for process in self.cluster.processes:
            status, page = http_get(process.metrics_port, "/metrics")
            self.assertEqual(status, 200)
            self.assert_clean(process.name, page.encode())

    def test_traces(self):
        everywhere = [(f"baleen-{service}", name) for service, name in (
            ("gateway", "chat abacus"), ("decode", "decode"), ("prefill", "KV hand-over"), ("expert", "expert compute"))]
        self.assertLessEqual(set(everywhere), set(self.receiver.wait_for(TRACE, *everywhere)))
        spans = b"".join(request.SerializeToString() for request in self.receiver.requests)
        self.assertIn(b"gen_ai", spans)
        self.assert_clean("spans", spans)

    def test_other_users_answers(self):
        self.assertIn(b"error", self.other_bodies)
        self.assert_clean("answers to others", self.other_bodies)

    def test_files_and_etcd(self):
        found = [path for path in self.files.rglob("*") if path.is_file()]
        self.assertTrue(any(path.suffix == ".wal" for path in found), "etcd's log is not among them")
        here = [path for path in pathlib.Path(".").rglob("*") if path.is_file() and path.stat().st_mtime > self.started]
        for path in found + here:
            self.assert_clean(path, path.read_bytes().rstrip(b"\0"))  # etcd lays its log out in zeros.

    def test_command_lines_and_environments(self):
        for process in self.cluster.processes:
            for name in ("cmdline", "environ"):
                with contextlib.suppress(PermissionError):  # Not dumpable: not even its user may look.
                    self.assert_clean(process.name, pathlib.Path(f"/proc/{process.process.pid}/{name}").read_bytes())


class CoreTest(unittest.TestCase):
    """Memory does not go to disk."""

    def test_no_process_leaves_a_core(self):
        # What the processes start with allows as much as this user may have.
        soft, hard = resource.getrlimit(resource.RLIMIT_CORE)
        resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))
        self.addCleanup(resource.setrlimit, resource.RLIMIT_CORE, (soft, hard))
        with Cluster(shards=1, prefill=1, decode=1) as cluster:
            for process in cluster.processes:
                pid = process.process.pid
                limits = pathlib.Path(f"/proc/{pid}/limits").read_text()
                self.assertRegex(limits, r"Max core file size +0 +0 ", process.name)
                if os.geteuid() != 0:
                    with self.assertRaises(PermissionError, msg=process.name):
                        pathlib.Path(f"/proc/{pid}/mem").open("rb")
            for process in cluster.named("decode") + cluster.named("prefill"):
                self.assertGreaterEqual(self._undumped_bytes(process.process.pid), 60 << 20, process.name)
            for process in cluster.processes:
                process.process.send_signal(signal.SIGQUIT)
                _, status = os.waitpid(process.process.pid, 0)
                process.process.returncode = -signal.SIGQUIT
                self.assertTrue(os.WIFSIGNALED(status), process.name)
                self.assertFalse(os.WCOREDUMP(status), process.name)

    def _undumped_bytes(self, pid):
        """Of mappings that a core file leaves out; the KV pool has 64 MiB."""
        try:
            smaps = pathlib.Path(f"/proc/{pid}/smaps").read_text()
        except PermissionError:
            return 1 << 40  # Nobody but root sees it, and no core is written at all.
        total = size = 0
        for line in smaps.splitlines():
            if line.startswith("Size:"):
                size = int(line.split()[1]) << 10
            elif line.startswith("VmFlags:") and "dd" in line.split():
                total += size
        return total


if __name__ == "__main__":
    unittest.main()
