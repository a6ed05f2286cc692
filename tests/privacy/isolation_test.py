"""What one tenant has is no other's: cached prompts, over both APIs, and requests to be resumed."""

import contextlib
import http.client
import json
import random
import unittest
import uuid

from tests.testing.cluster import Cluster
from tests.testing.inference import Client, inference_pb2

PROMPTS, BLOCK = 12, 64


class IsolationTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cluster = cls.enterClassContext(Cluster(shards=1, prefill=0, decode=1, worker_flags=["--role=both"]))
        cls.client = Client(cls.cluster)
        cls.random = random.Random(7)

    def prompt(self):
        """Four blocks that nobody has asked for before."""
        return "".join(self.random.choice("abcdefghijklmnopqrstuvwxyz ") for _ in range(4 * BLOCK + 8))

    def hits(self, prompt, key=None, **fields):
        """Prompt tokens that were cached for this caller."""
        headers = {"content-type": "application/json"} | ({"authorization": f"Bearer {key}"} if key else {})
        request = json.dumps({"model": "abacus", "prompt": prompt, "max_tokens": 1, **fields})
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.cluster.rest_port, timeout=60)) as connection:
            connection.request("POST", "/v1/completions", request, headers)
            with connection.getresponse() as answer:
                body = json.loads(answer.read())
                self.assertEqual(answer.status, 200, body)
                return body["usage"]["prompt_cache_hit_tokens"]

    def grpc_hits(self, prompt, key, **fields):
        options = inference_pb2.GenerationOptions(max_tokens=1, **fields)
        request = inference_pb2.GenerateRequest(model="abacus", text=prompt, options=options)
        pieces = list(self.client.stub.Generate(request, metadata=[("authorization", f"Bearer {key}")], timeout=60))
        return pieces[-1].usage.prompt_cache_hit_tokens

    def test_the_same_tenant_hits_and_another_never_does(self):
        for _ in range(PROMPTS):
            prompt = self.prompt()
            self.assertEqual(self.hits(prompt, "one"), 0)
            self.assertEqual(self.hits(prompt, "one"), 4 * BLOCK)
            for other in ("two", None):
                self.assertEqual(self.hits(prompt, other), 0)
                self.assertEqual(self.hits(prompt, other), 4 * BLOCK)

    def test_a_tenant_is_the_same_over_both_apis(self):
        prompt = self.prompt()
        self.assertEqual(self.grpc_hits(prompt, "one"), 0)
        self.assertEqual(self.hits(prompt, "one"), 4 * BLOCK)
        self.assertEqual(self.grpc_hits(prompt, "two"), 0)

    def test_nothing_in_a_request_chooses_another_tenant(self):
        for fields in ({"user": "alice"}, {"cache_salt": ""}, {"cache_salt": "one"}, {"tenant": "one"}):
            prompt = self.prompt()
            self.hits(prompt, "one", user="alice")
            self.assertEqual(self.hits(prompt, "two", **fields), 0, fields)

    def test_a_salt_parts_a_tenants_requests(self):
        for hits in (self.hits, self.grpc_hits):
            prompt = self.prompt()
            self.assertEqual(hits(prompt, "one", cache_salt="mine"), 0)
            self.assertEqual(hits(prompt, "one"), 0)
            self.assertEqual(hits(prompt, "two", cache_salt="mine"), 0)
            self.assertEqual(hits(prompt, "one", cache_salt="mine"), 4 * BLOCK)

    def test_generated_blocks_are_the_tenants_too(self):
        prompt = self.prompt()
        self.assertEqual(self.hits(prompt, "one", max_tokens=130, ignore_eos=True), 0)
        self.assertEqual(self.hits(prompt, "two", max_tokens=130, ignore_eos=True), 0)

    def test_who_did_not_ask_does_not_even_stop_a_request(self):
        request_id = uuid.uuid4().hex
        body = json.dumps({"model": "abacus", "prompt": "1 + 1", "max_tokens": 400, "ignore_eos": True, "stream": True})
        headers = {"x-request-id": request_id, "x-baleen-resumable": "1", "authorization": "Bearer one"}
        port = self.cluster.rest_port
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as owner, \
                contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as other:
            owner.request("POST", "/v1/completions", body, headers)
            answer = owner.getresponse()
            self.assertEqual(answer.status, 200)
            begun = answer.readline()
            other.request("GET", f"/v1/requests/{request_id}/events", headers={"authorization": "Bearer two"})
            with other.getresponse() as refused:
                self.assertEqual(refused.status, 404)
            rest = (begun + answer.read()).decode()
            answer.close()
        self.assertIn('"finish_reason":"length"', rest)
        self.assertIn("data: [DONE]", rest)

    def test_a_request_is_resumed_only_by_who_asked(self):
        def call(method, path, key, body=None, **headers):
            with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.cluster.rest_port, timeout=60)) as connection:
                connection.request(method, path, body, headers | ({"authorization": f"Bearer {key}"} if key else {}))
                with connection.getresponse() as answer:
                    return answer.status, answer.read()
        request_id = uuid.uuid4().hex
        body = json.dumps({"model": "abacus", "prompt": "1 + 1", "max_tokens": 8, "stream": True})
        headers = {"x-request-id": request_id, "x-baleen-resumable": "1"}
        self.assertEqual(call("POST", "/v1/completions", "one", body, **headers)[0], 200)
        for key, status in (("two", 404), (None, 404), ("one", 200)):
            with self.subTest(key=key):
                self.assertEqual(call("GET", f"/v1/requests/{request_id}/events", key)[0], status)


if __name__ == "__main__":
    unittest.main()
