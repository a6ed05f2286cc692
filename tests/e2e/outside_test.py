"""Servers outside of the cluster, a guard and a receiver of traces, are reached over TLS, or not at all."""

import concurrent.futures
import subprocess
import unittest

import grpc
import openai
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2_grpc

from tests.metrics.otlp import Receiver
from tests.testing.certificates import Certificates
from tests.testing.cluster import MODEL, ROOT, Cluster
from tests.testing.inference import guardrail_pb2_grpc
from tests.testing.word_guard import WordGuard

QUESTION = "What is 4821 + 1397?"
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
WHOLE = ("baleen-gateway", "chat abacus")


def serve(port_credentials, guard, receiver):
    """(server, port) of both services behind one port."""
    server = grpc.server(concurrent.futures.ThreadPoolExecutor(8))
    guardrail_pb2_grpc.add_GuardrailServicer_to_server(guard, server)
    trace_service_pb2_grpc.add_TraceServiceServicer_to_server(receiver, server)
    port = server.add_secure_port("127.0.0.1:0", port_credentials)
    server.start()
    return server, port


class OutsideTest(unittest.TestCase):
    def setUp(self):
        self.certificates = self.enterContext(Certificates())
        self.elsewhere = self.enterContext(Certificates())
        self.guard, self.receiver = WordGuard("6218"), Receiver()
        server = self.elsewhere.role("edge")
        credentials = grpc.ssl_server_credentials([(server.key, server.cert)], self.certificates.ca, require_client_auth=True)
        self.server, self.port = serve(credentials, self.guard, self.receiver)
        self.addCleanup(lambda: self.server.stop(0).wait())

    def ask(self, authority):
        """The finish reason of a chat whose gateway holds both servers to this authority."""
        ca = authority.current / "ca.crt"
        flags = [f"--guardrail=127.0.0.1:{self.port}", f"--guardrail_ca={ca}", f"--otlp_endpoint=127.0.0.1:{self.port}", f"--otlp_ca={ca}"]
        with Cluster(shards=1, prefill=0, worker_flags=["--role=both"], gateway_flags=flags, certificates=self.certificates) as cluster:
            client = openai.OpenAI(base_url=cluster.base_url, api_key="none", max_retries=0)
            answer = client.chat.completions.create(model="abacus", messages=[{"role": "user", "content": QUESTION}], temperature=0,
                                                    extra_headers={"traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"})
            self.receiver.wait_for(TRACE, WHOLE)
            return answer.choices[0].finish_reason

    def test_both_are_shown_the_gateways_certificate(self):
        self.assertEqual(self.ask(self.elsewhere), "content_filter")
        self.assertIn(WHOLE, self.receiver.wait_for(TRACE, WHOLE))

    def test_a_server_of_another_authority_gets_no_text(self):
        with self.assertRaises(openai.InternalServerError):
            self.ask(self.certificates)
        self.assertEqual(self.guard.calls, 0)

    def test_plaintext_beyond_this_machine_is_refused(self):
        for flag in ("--guardrail", "--otlp_endpoint"):
            gateway = [str(ROOT / "services/gateway/baleen-gateway"), f"--model={MODEL}", "--placement=127.0.0.1:1", "--rest_port=0"]
            done = subprocess.run([*gateway, f"{flag}=192.0.2.1:4317"], capture_output=True, text=True, timeout=60)
            self.assertEqual(done.returncode, 1)
            self.assertIn(f"{flag}=192.0.2.1:4317: would be reached without TLS", done.stderr)


if __name__ == "__main__":
    unittest.main()
