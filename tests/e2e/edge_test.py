"""The edge under TLS, as curl, the openai package and grpcio use it, and the limits of what a request may be."""

import http.client
import json
import math
import socket
import ssl
import subprocess
import unittest

import grpc
import openai

from tests.testing.certificates import Certificates
from tests.testing.cluster import Cluster
from tests.testing.steady_load import wait_for

QUESTION = [{"role": "user", "content": "What is 4821 + 1397?"}]
HEADER_LIMIT = 16 << 10
BODY_LIMIT = 4 << 20
DEPTH_LIMIT = 32
LISTS = {"logit_bias": 1024, "tools": 128, "messages": 4096, "stop": 16}


class EdgeTest(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        cls.certificates = cls.enterClassContext(Certificates())
        current = cls.certificates.current
        flags = [f"--edge_tls_cert={current / 'edge.crt'}", f"--edge_tls_key={current / 'edge.key'}"]
        cls.cluster = cls.enterClassContext(Cluster(shards=1, prefill=0, decode=1, gateway_flags=flags, certificates=cls.certificates))
        cls.ca = str(cls.certificates.path / "ca.crt")
        cls.context = ssl.create_default_context(cafile=cls.ca)
        cls.url = f"https://localhost:{cls.cluster.rest_port}"

    def curl(self, *words):
        command = ["curl", "--silent", "--show-error", "--max-time", "60", "--cacert", self.ca, *words]
        return subprocess.run(command, capture_output=True, text=True, timeout=90)

    def test_curl_asks_and_streams(self):
        listed = self.curl(f"{self.url}/v1/models")
        self.assertEqual((listed.returncode, json.loads(listed.stdout)["data"][0]["id"]), (0, "abacus"), listed.stderr)
        body = json.dumps({"model": "abacus", "messages": QUESTION, "max_tokens": 8, "stream": True})
        streamed = self.curl("--no-buffer", "--data", body, "--header", "content-type: application/json", f"{self.url}/v1/chat/completions")
        self.assertEqual(streamed.returncode, 0, streamed.stderr)
        self.assertTrue(streamed.stdout.endswith("data: [DONE]\n\n"), streamed.stdout)

    def test_old_protocols_strange_authorities_and_plain_http_get_nothing(self):
        self.assertNotEqual(self.curl("--tls-max", "1.1", f"{self.url}/v1/models").returncode, 0)
        self.assertEqual(self.curl("--tls-max", "1.2", f"{self.url}/v1/models").returncode, 0)
        stranger = subprocess.run(["curl", "--silent", "--max-time", "60", f"{self.url}/v1/models"], capture_output=True, timeout=90)
        self.assertEqual((stranger.returncode, stranger.stdout), (60, b""))  # CURLE_PEER_FAILED_VERIFICATION
        self.assertNotEqual(self.curl(f"http://localhost:{self.cluster.rest_port}/v1/models").returncode, 0)

    def test_openai_client(self):
        web = openai.DefaultHttpxClient(verify=self.context)
        with openai.OpenAI(base_url=f"{self.url}/v1", api_key="unused", max_retries=0, http_client=web) as client:
            ask = dict(model="abacus", messages=QUESTION, temperature=0)
            whole = client.chat.completions.create(**ask).choices[0].message.content
            pieces = [chunk.choices[0].delta.content or "" for chunk in client.chat.completions.create(**ask, stream=True)]
        self.assertTrue(whole)
        self.assertEqual("".join(pieces), whole)

    def test_grpc(self):
        port = self.cluster.gateway.grpc_port
        with grpc.secure_channel(f"localhost:{port}", grpc.ssl_channel_credentials(self.certificates.ca)) as channel:
            serving = channel.unary_unary("/grpc.health.v1.Health/Check")(b"", timeout=20)
            self.assertEqual(serving, b"\x08\x01")
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel, self.assertRaises(grpc.RpcError):
            channel.unary_unary("/grpc.health.v1.Health/Check")(b"", timeout=20)

    def served(self, port):
        with socket.create_connection(("localhost", port), timeout=10) as plain:
            with self.context.wrap_socket(plain, server_hostname="localhost") as secured:
                return secured.getpeercert(binary_form=True)

    def test_certificates_are_renewed_while_it_serves(self):
        ports = (self.cluster.rest_port, self.cluster.gateway.grpc_port)
        before = {port: self.served(port) for port in ports}
        kept = http.client.HTTPSConnection("localhost", self.cluster.rest_port, timeout=60, context=self.context)
        self.addCleanup(kept.close)
        self.assertEqual(self.get(kept), 200)
        self.certificates.renew()
        for port in ports:
            wait_for(lambda: self.served(port) != before[port], f"port {port} serves the old certificate")
        self.assertEqual(self.get(kept), 200)

    @staticmethod
    def get(connection, **headers):
        connection.request("GET", "/v1/models", headers=headers)
        with connection.getresponse() as answer:
            answer.read()
            return answer.status

    def connect(self):
        connection = http.client.HTTPSConnection("localhost", self.cluster.rest_port, timeout=60, context=self.context)
        self.addCleanup(connection.close)
        return connection

    def post(self, body, path="/v1/chat/completions"):
        connection = self.connect()
        connection.request("POST", path, body, {"content-type": "application/json"})
        with connection.getresponse() as answer:
            return answer.status, json.loads(answer.read())

    def chat(self, fields):
        return self.post('{"model": "abacus", "messages": [{"role": "user", "content": "2"}], "max_tokens": 1' + fields + "}")

    def test_header_is_bounded(self):
        self.assertEqual(self.get(self.connect(), **{"x-long": "a" * (HEADER_LIMIT - 1024)}), 200)
        self.assertEqual(self.get(self.connect(), **{"x-long": "a" * HEADER_LIMIT}), 431)

    def test_body_is_bounded(self):
        small = b'{"model": "abacus", "messages": [{"role": "user", "content": "2"}], "max_tokens": 1}'
        self.assertEqual(self.post(small + b" " * (BODY_LIMIT - len(small)))[0], 200)
        # Refused by its announced length: a body under way would meet a closed connection.
        connection = self.connect()
        connection.putrequest("POST", "/v1/chat/completions")
        connection.putheader("content-length", str(BODY_LIMIT + 1))
        connection.endheaders()
        with connection.getresponse() as answer:
            self.assertEqual(answer.status, 413)

    def test_depth_is_bounded(self):
        nested = lambda depth: ', "unknown": ' + "[" * (depth - 1) + "]" * (depth - 1)  # noqa: E731 - the object is a level too.
        self.assertEqual(self.chat(nested(DEPTH_LIMIT))[0], 200)
        self.assertEqual(self.chat(nested(DEPTH_LIMIT + 1))[0], 400)

    def test_numbers_are_bounded(self):
        extremes = [-(2**63), -(2**31), -2, 2**31, 2**63, 2**64, 1e308, math.nan, math.inf]
        for field in ("max_tokens", "n", "top_k", "top_logprobs", "min_tokens", "temperature", "top_p", "min_p", "repetition_penalty"):
            for value in extremes:
                with self.subTest(field=field, value=value):
                    status, answer = self.chat(f', "{field}": {json.dumps(value)}')
                    self.assertEqual(status, 400, answer)
                    self.assertTrue(answer["error"]["message"])

    def test_lists_are_bounded(self):
        tool = {"type": "function", "function": {"name": "f"}}
        message = {"role": "user", "content": "2"}
        # One more than there may be.
        lists = {
            "logit_bias": {str(token): 1 for token in range(LISTS["logit_bias"] + 1)},
            "tools": [tool] * (LISTS["tools"] + 1),
            "messages": [message] * (LISTS["messages"] + 1),
            "stop": ["x"] * (LISTS["stop"] + 1),
        }
        for field, value in lists.items():
            with self.subTest(field=field):
                body = {"model": "abacus", "messages": [message], "max_tokens": 1, field: value}
                status, answer = self.post(json.dumps(body))
                self.assertEqual((status, answer["error"]["param"]), (400, field))


if __name__ == "__main__":
    unittest.main()
