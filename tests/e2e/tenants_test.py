"""A gateway with a tenants file: who has no key gets nowhere, on any route and any method; keys come and go while it runs."""

import contextlib
import functools
import json
import pathlib
import subprocess
import tempfile
import time
import unittest
import urllib.error
import urllib.request

import grpc
import grpc_status.rpc_status
import openai
from google.rpc import error_details_pb2

from tests.testing.cluster import ROOT, Cluster, free_port, http_get
from tests.testing.inference import inference_pb2, inference_pb2_grpc
from tests.testing.steady_load import metric, wait_for
from tests.testing.tenants import new_key, write_tenants

QUESTION = [{"role": "user", "content": "What is 4821 + 1397?"}]
RELOAD_TIMEOUT_S = 30
# What answers without a key: probes, and the page, which holds nothing of anybody's and asks for the key itself.
OPEN = {"/livez": 200, "/readyz": 200, "/health": 200, "/": 200, "/page/{file}": 404}


class TenantsTest(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        cls.directory = cls.enterClassContext(tempfile.TemporaryDirectory())
        cls.file = pathlib.Path(cls.directory) / "tenants.json"
        (cls.acme, cls.acme_entry), (cls.initech, cls.initech_entry) = new_key("website"), new_key()
        cls.small, cls.small_entry = new_key()
        cls.single, cls.single_entry = new_key()
        cls.admin, cls.admin_entry = new_key("operators")
        cls.admin_port = free_port()
        cls.write()
        cls.cluster = cls.enterClassContext(Cluster(gateway_flags=[f"--tenants={cls.file}", f"--admin_port={cls.admin_port}",
                                                                           f"--prices={ROOT}/deploy/prices/deepseek-r1.json"]))

    @classmethod
    def write(cls, *more):
        """The file with its two tenants, and `more` keys of the first."""
        tenants = [{"name": "acme", "keys": [cls.acme_entry, *more]}, {"name": "initech", "keys": [cls.initech_entry]},
                   {"name": "single", "requests_per_min": 1, "keys": [cls.single_entry]},
                   {"name": "small", "requests_per_min": 3, "tokens_per_min": 2000, "concurrent_streams": 1, "keys": [cls.small_entry]}]
        write_tenants(cls.file, tenants, admin_keys=[cls.admin_entry])

    def client(self, key):
        return openai.OpenAI(base_url=self.cluster.base_url, api_key=key, max_retries=0)

    def ask(self, key, **extra):
        return self.client(key).chat.completions.create(model="abacus", messages=QUESTION, temperature=0, **extra)

    def wait_for(self, condition, what):
        deadline = time.monotonic() + RELOAD_TIMEOUT_S
        while not condition():
            self.assertLess(time.monotonic(), deadline, what)
            time.sleep(0.05)

    def accepts(self, key):
        try:
            self.client(key).models.list()
        except openai.AuthenticationError:
            return False
        return True

    def test_answers_who_has_a_key(self):
        self.assertTrue(self.ask(self.acme).choices[0].message.content)
        with self.assertRaises(openai.AuthenticationError) as refused:
            self.ask("baleen-" + "A" * 43)
        self.assertEqual(refused.exception.code, "invalid_api_key")

    def test_every_documented_route_is_closed(self):
        self.assertEqual(http_get(self.cluster.rest_port, "/openapi.json")[0], 401)
        document = json.loads(self.get("/openapi.json", self.acme)[1])
        for path, operations in document["paths"].items():
            for method in operations:
                with self.subTest(path=path, method=method):
                    status = self.status(method.upper(), path)
                    self.assertEqual(status, OPEN.get(path, 401))

    def get(self, path, key, port=None, method="GET", headers=(), body=None):
        """(status, body) of a GET under a key; of the REST port by default."""
        url = f"http://127.0.0.1:{port or self.cluster.rest_port}{path}"
        request = urllib.request.Request(url, body, headers={"Authorization": f"Bearer {key}", **dict(headers)}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def status(self, method, path):
        command = ["curl", "--silent", "--output", "/dev/null", "--write-out", "%{http_code}", "--request", method,
                   f"http://127.0.0.1:{self.cluster.rest_port}{path}"]
        return int(subprocess.run(command, capture_output=True, text=True, check=True, timeout=30).stdout)

    def test_every_grpc_method_is_closed(self):
        with grpc.insecure_channel(f"127.0.0.1:{self.cluster.gateway.grpc_port}") as channel:
            stub = inference_pb2_grpc.InferenceStub(channel)
            with self.assertRaises(grpc.RpcError) as refused:
                stub.ListModels(inference_pb2.ListModelsRequest())
            self.assertEqual(refused.exception.code(), grpc.StatusCode.UNAUTHENTICATED)
            models = stub.ListModels(inference_pb2.ListModelsRequest(), metadata=[("authorization", f"Bearer {self.acme}")])
            self.assertEqual(list(models.ids), ["abacus"])
            # Reflection has no messages here: a request without fields asks for nothing and is answered with an error, if at all.
            method = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"
            reflect = channel.stream_stream(method, request_serializer=bytes, response_deserializer=bytes)
            with self.assertRaises(grpc.RpcError) as refused:
                list(reflect(iter([b""])))
            self.assertEqual(refused.exception.code(), grpc.StatusCode.UNAUTHENTICATED)
            self.assertIn("API key", refused.exception.details())
            self.assertEqual(len(list(reflect(iter([b""]), metadata=[("authorization", f"Bearer {self.acme}")]))), 1)

    def grpc_refusal(self, call, *metadata):
        """(status code, ErrorInfo, RetryInfo) of a call that is refused; None for a detail that it lacks."""
        with self.assertRaises(grpc.RpcError) as refused:
            call(metadata=metadata)
        status = grpc_status.rpc_status.from_call(refused.exception)
        self.assertEqual(status.message, refused.exception.details())
        found = {error_details_pb2.ErrorInfo: None, error_details_pb2.RetryInfo: None}
        for detail in status.details:
            for kind in found:
                if detail.Is(kind.DESCRIPTOR):
                    found[kind] = kind.FromString(detail.value)
        return refused.exception.code(), *found.values()

    def test_grpc_refusals_say_which_and_when_to_come_back(self):
        with grpc.insecure_channel(f"127.0.0.1:{self.cluster.gateway.grpc_port}") as channel:
            stub = inference_pb2_grpc.InferenceStub(channel)
            tokenize = functools.partial(stub.Tokenize, inference_pb2.TokenizeRequest(model="abacus", text="a"))
            code, info, retry = self.grpc_refusal(tokenize)
            self.assertEqual((code, info.reason, info.domain, retry),
                             (grpc.StatusCode.UNAUTHENTICATED, "invalid_api_key", "baleen", None))
            single = ("authorization", f"Bearer {self.single}")
            tokenize(metadata=[single])
            code, info, retry = self.grpc_refusal(tokenize, single)
            self.assertEqual((code, info.reason), (grpc.StatusCode.RESOURCE_EXHAUSTED, "rate_limit_exceeded"))
            self.assertGreater(retry.retry_delay.seconds, 0)
            self.assertLessEqual(retry.retry_delay.seconds, 60)
            keyed = [("authorization", f"Bearer {self.acme}"), ("idempotency-key", "grpc refusals")]
            ask = lambda text, metadata: list(stub.Generate(  # noqa: E731
                inference_pb2.GenerateRequest(model="abacus", text=text, options={"max_tokens": 1}), metadata=metadata))
            ask("1+1=", keyed)
            code, info, retry = self.grpc_refusal(functools.partial(ask, "1+2="), *keyed)
            self.assertEqual((code, info.reason, retry), (grpc.StatusCode.ALREADY_EXISTS, "idempotency_key_reused", None))
            unknown = inference_pb2.TokenizeRequest(model="m" * 20000)
            code, info, retry = self.grpc_refusal(functools.partial(stub.Tokenize, unknown), keyed[0])
            self.assertEqual((code, info.reason, retry), (grpc.StatusCode.NOT_FOUND, "model_not_found", None))

    def test_keys_come_and_go_while_it_runs(self):
        key, entry = new_key()
        self.assertFalse(self.accepts(key))
        self.write(entry)
        self.wait_for(lambda: self.accepts(key), "the new key is not accepted")
        self.write()
        self.wait_for(lambda: not self.accepts(key), "the revoked key is still accepted")
        self.assertTrue(self.accepts(self.acme))

    def test_a_bad_file_leaves_the_last_one_in_force(self):
        self.file.write_text('{"tenants": [{"name": "acme", "kees": []}]}')
        self.addCleanup(self.write)
        self.wait_for(lambda: "'kees' is not a field" in self.cluster.gateway.log_path.read_text(), "the error is not logged")
        self.assertTrue(self.accepts(self.acme))

    def test_a_gateway_does_not_start_with_a_bad_file(self):
        bad = pathlib.Path(self.directory) / "bad.json"
        bad.write_text('{"tenants": [{"name": "acme", "keys": [{"sha256": "123"}]}]}')
        binary = ROOT / "services/gateway/baleen-gateway"
        command = [binary, f"--tenants={bad}", f"--model={self.cluster.model}", f"--rest_port={free_port()}"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn(f"{bad}: tenants[0]: keys[0]: 'sha256' must be 64 hex digits", done.stderr)

    def usage(self, key):
        return json.loads(self.get("/v1/usage", key)[1])

    def test_limits_hold_and_are_shown(self):
        answer = self.client(self.small).chat.completions.with_raw_response.create(model="abacus", messages=QUESTION, max_tokens=8)
        self.assertEqual((answer.headers["x-ratelimit-limit-requests"], answer.headers["x-ratelimit-remaining-requests"]), ("3", "2"))
        usage = answer.parse().usage
        self.assertGreaterEqual(int(answer.headers["x-ratelimit-remaining-tokens"]), 2000 - usage.total_tokens)
        with self.assertRaisesRegex(openai.RateLimitError, "may need .* tokens") as refused:
            self.ask(self.small, max_tokens=2000)
        self.assertNotIn("retry-after", refused.exception.response.headers)
        with contextlib.closing(self.ask(self.small, max_tokens=500, stream=True, extra_body={"ignore_eos": True})):
            with self.assertRaisesRegex(openai.RateLimitError, "requests") as refused:
                for _ in range(10):
                    self.ask(self.small, max_tokens=8)
        self.assertGreaterEqual(int(refused.exception.response.headers["retry-after"]), 1)
        self.assertTrue(self.ask(self.initech, max_tokens=8).choices)

    def test_usage_is_in_tokens_and_money(self):
        before, others = self.usage(self.acme), self.usage(self.initech)
        answers = [self.ask(self.acme, max_tokens=20, n=2).usage for _ in range(2)]
        after = self.usage(self.acme)
        spent = {name: after[name] - before[name] for name in after if name.endswith("tokens")}
        self.assertEqual(after["requests"] - before["requests"], 2)
        self.assertEqual(spent["output_tokens"], sum(usage.completion_tokens for usage in answers))
        self.assertEqual(spent["input_cache_hit_tokens"] + spent["input_cache_miss_tokens"], sum(usage.prompt_tokens for usage in answers))
        cost = 0.14 * spent["input_cache_hit_tokens"] + 0.55 * spent["input_cache_miss_tokens"] + 2.19 * spent["output_tokens"]
        self.assertAlmostEqual(after["cost"]["amount"] - before["cost"]["amount"], cost / 1e6, places=12)
        self.assertEqual(after["cost"]["currency"], "USD")
        self.assertEqual(self.usage(self.initech)["output_tokens"], others["output_tokens"])
        metrics = http_get(self.cluster.gateway.metrics_port, "/metrics")[1]
        self.assertIn(f'baleen_tenant_tokens_total{{kind="output",tenant="acme"}} {after["output_tokens"]}\n', metrics)

    def test_the_same_idempotency_key_has_the_same_answer(self):
        options = {"max_tokens": 40, "extra_headers": {"Idempotency-Key": "k-1"}, "extra_body": {"ignore_eos": True}}
        sampled = {"model": "abacus", "messages": QUESTION, "temperature": 1.5, **options}
        first = self.client(self.acme).chat.completions.create(**sampled)
        spent = self.usage(self.acme)["output_tokens"]
        self.assertEqual(self.client(self.acme).chat.completions.create(**sampled), first)
        self.assertEqual(self.usage(self.acme)["output_tokens"], spent)
        with self.assertRaises(openai.ConflictError) as refused:
            self.client(self.acme).chat.completions.create(**{**sampled, "max_tokens": 41})
        self.assertEqual(refused.exception.code, "idempotency_key_reused")
        self.assertNotEqual(self.client(self.initech).chat.completions.create(**sampled).id, first.id)

    def test_a_stream_is_repeated_event_by_event(self):
        body = {"model": "abacus", "messages": QUESTION, "temperature": 1.5, "stream": True, "max_tokens": 40, "ignore_eos": True,
                "stream_options": {"include_usage": True}}
        events = [self.post_raw(body, self.acme, {"Idempotency-Key": "k-2"}) for _ in range(2)]
        self.assertTrue(events[0].endswith("data: [DONE]\n\n"))
        self.assertEqual(events[0], events[1])

    def post_raw(self, body, key, headers):
        """The whole body of an answer to a chat."""
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json", **headers}
        request = urllib.request.Request(f"{self.cluster.base_url}/chat/completions", json.dumps(body).encode(), headers)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.read().decode()

    def test_operators_have_a_listener_of_their_own(self):
        self.assertEqual(self.get("/admin/tenants", self.admin)[0], 401)  # The public port has none.
        self.assertEqual(self.get("/admin/tenants", self.acme)[0], 404)
        self.assertEqual(self.get("/admin/tenants", self.acme, self.admin_port)[0], 401)
        self.assertEqual(http_get(self.admin_port, "/admin/placement")[0], 401)
        tenants = json.loads(self.get("/admin/tenants", self.admin, self.admin_port)[1])["tenants"]
        self.assertEqual([tenant["name"] for tenant in tenants], ["acme", "initech", "single", "small"])
        self.assertEqual(tenants[0]["keys"][0], {"sha256": self.acme_entry["sha256"][:8], "note": "website"})
        scale = json.loads(self.get("/admin/placement", self.admin, self.admin_port)[1])["scale"]
        self.assertEqual({role: counts["ready"] for role, counts in scale.items()}, {"gateway": 1, "prefill": 1, "decode": 1, "expert": 2})
        usage = json.loads(self.get("/admin/usage", self.admin, self.admin_port)[1])["usage"]
        self.assertEqual([one["tenant"] for one in usage], ["acme", "initech", "single", "small"])
        self.assertEqual(self.get("/admin/tenants/reload", self.admin, self.admin_port, "POST")[0], 200)

    def test_operators_say_how_many_shards_they_want(self):
        placement, = self.cluster.named("placement")
        for wanted in (5, 2):
            body = json.dumps({"expert_shards": wanted}).encode()
            self.assertEqual(self.get("/admin/scale", self.admin, self.admin_port, "POST", body=body)[0], 202)
            shown = json.loads(self.get("/admin/placement", self.admin, self.admin_port)[1])["scale"]["expert"]
            self.assertEqual(shown, {"workers": 2, "ready": 2, "wanted": wanted})
            wait_for(lambda: metric(placement, "baleen_placement_wanted_shards") == wanted, "the metric does not say it")
        status, body = self.get("/admin/scale", self.admin, self.admin_port, "POST", body=b'{"expert_shards": 5000}')
        self.assertEqual(status, 400)
        self.assertIn("4096", body)

    def test_a_gateway_drains_when_told(self):
        port = free_port()
        gateway, _ = self.cluster.start_gateway(admin_port=port)
        self.cluster.wait_ready([gateway])
        self.assertEqual(self.get("/admin/drain", self.admin, port, "POST")[0], 202)
        self.assertEqual(gateway.process.wait(timeout=60), 0)

    def test_a_request_is_resumed_by_its_tenant_alone(self):
        request_id = "0123456789abcdef" * 2
        headers = {"x-baleen-resumable": "1", "x-request-id": request_id}
        stream = self.ask(self.acme, stream=True, extra_headers=headers, extra_body={"ignore_eos": True}, max_tokens=400)
        with contextlib.closing(stream):
            next(iter(stream))
        events = f"/v1/requests/{request_id}/events"
        self.assertEqual(self.get(events, self.initech)[0], 404)
        for wrong in ("-1", "x", str(2**63 - 1), str(2**63)):
            self.assertEqual(self.get(events, self.acme, headers={"Last-Event-ID": wrong})[0], 400, wrong)
        status, body = self.get(events, self.acme)
        self.assertEqual(status, 200, body)
        self.assertTrue(body.endswith("data: [DONE]\n\n"))


if __name__ == "__main__":
    unittest.main()
