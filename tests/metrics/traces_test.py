"""Spans of real requests arrive at an OTLP receiver that speaks OpenTelemetry's published types."""

import concurrent.futures
import json
import time
import unittest
import urllib.request

import grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2_grpc
from opentelemetry.proto.trace.v1 import trace_pb2

from tests.metrics.load import post
from tests.metrics.otlp import Receiver
from tests.testing.cluster import Cluster, free_port, http_get
from tests.testing.inference import Client, inference_pb2

TRACE, CALLER = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
TIMEOUT_S = 20
CANARY = "zanzibar"


def attributes(span):
    return {item.key: item.value.string_value or item.value.int_value for item in span.attributes}


def ask(cluster, text, traceparent, **body):
    """Header x-request-id of a chat that belongs to a trace."""
    body = {"model": "abacus", "messages": [{"role": "user", "content": text}], "max_tokens": 6, "ignore_eos": True, **body}
    headers = {"content-type": "application/json", "traceparent": traceparent}
    request = urllib.request.Request(f"{cluster.base_url}/chat/completions", json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=60) as answer:
        answer.read()
        return answer.headers["x-request-id"]


class TracesTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.receiver = Receiver()
        server = grpc.server(concurrent.futures.ThreadPoolExecutor(2))
        trace_service_pb2_grpc.add_TraceServiceServicer_to_server(cls.receiver, server)
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        cls.addClassCleanup(lambda: server.stop(0).wait())
        # Only requests with a sampled traceparent are traced.
        flags = [f"--otlp_endpoint=127.0.0.1:{port}", "--trace_sample=0"]
        cls.cluster = cls.enterClassContext(Cluster(shards=1, prefill=0, decode=1, worker_flags=["--role=both"], gateway_flags=flags))

    def test_a_request_joins_its_callers_trace(self):
        before = time.time_ns()
        request_id = ask(self.cluster, f"{CANARY} 1 + 1", f"00-{TRACE}-{CALLER}-01")
        spans = self.receiver.wait_for(TRACE, 3)
        self.assertEqual(set(spans), {"chat abacus", "first token", "decode"})
        whole = spans["chat abacus"]
        self.assertEqual(whole.parent_span_id.hex(), CALLER)
        self.assertEqual(whole.kind, trace_pb2.Span.SPAN_KIND_SERVER)
        self.assertEqual(attributes(whole)["baleen.request_id"], request_id)
        self.assertEqual(attributes(whole)["gen_ai.operation.name"], "chat")
        self.assertEqual(attributes(whole)["gen_ai.usage.output_tokens"], 6)
        self.assertGreater(attributes(whole)["gen_ai.usage.input_tokens"], 0)
        first, decode = spans["first token"], spans["decode"]
        for child in (first, decode):
            self.assertEqual(child.parent_span_id, whole.span_id)
            self.assertEqual(len(child.span_id), 8)
        self.assertLessEqual(before, first.start_time_unix_nano)
        self.assertEqual(first.start_time_unix_nano, whole.start_time_unix_nano)
        self.assertEqual(first.end_time_unix_nano, decode.start_time_unix_nano)
        self.assertEqual(decode.end_time_unix_nano, whole.end_time_unix_nano)
        self.assertLess(whole.start_time_unix_nano, whole.end_time_unix_nano)

    def test_grpc_requests_join_too(self):
        trace = TRACE[::-1]
        client = Client(self.cluster)
        list(client.stub.Chat(_chat_request(), metadata=[("traceparent", f"00-{trace}-{CALLER}-01")], timeout=60))
        self.assertIn("chat abacus", self.receiver.wait_for(trace, 3))

    def test_unsampled_and_untraced_requests_send_nothing_and_no_text_leaves(self):
        unsampled, last = "1" * 32, "2" * 32
        ask(self.cluster, f"{CANARY} 2 + 2", f"00-{unsampled}-{CALLER}-00")
        self.assertEqual(post(self.cluster, "completions", {"model": "abacus", "prompt": CANARY, "max_tokens": 2}), 200)
        ask(self.cluster, "3 + 3", f"00-{last}-{CALLER}-01")
        # Spans leave in order, so what came before the last request would be here.
        self.assertEqual(len(self.receiver.wait_for(last, 3)), 3)
        self.assertEqual(self.receiver.spans(unsampled), [])
        known = {TRACE, TRACE[::-1], last, "3" * 32}
        seen = {span.trace_id.hex() for request in self.receiver.requests for resource in request.resource_spans
                for scope in resource.scope_spans for span in scope.spans}
        self.assertLessEqual(seen, known)
        self.assertNotIn(CANARY, "".join(str(request) for request in self.receiver.requests))

    def test_the_service_is_named(self):
        trace = "3" * 32
        ask(self.cluster, "4 + 4", f"00-{trace}-{CALLER}-01")
        self.receiver.wait_for(trace, 3)
        names = {attributes(resource.resource)["service.name"] for request in self.receiver.requests for resource in request.resource_spans}
        self.assertEqual(names, {"baleen-gateway"})


class ReceiverAwayTest(unittest.TestCase):
    def test_requests_go_on_and_spans_are_counted(self):
        flags = [f"--otlp_endpoint=127.0.0.1:{free_port()}"]
        with Cluster(shards=1, prefill=0, decode=1, worker_flags=["--role=both"], gateway_flags=flags) as cluster:
            self.assertTrue(ask(cluster, "1 + 1", f"00-{TRACE}-{CALLER}-01"))
            dropped = 'baleen_trace_spans_total{result="dropped"} 3'
            deadline = time.monotonic() + TIMEOUT_S
            while dropped not in http_get(cluster.gateway.metrics_port, "/metrics")[1]:
                self.assertLess(time.monotonic(), deadline, "the spans were not counted as dropped")


def _chat_request():
    request = inference_pb2.ChatRequest(model="abacus", options=inference_pb2.GenerationOptions(max_tokens=4))
    request.messages.add(role="user", content="5 + 5")
    return request


if __name__ == "__main__":
    unittest.main()
