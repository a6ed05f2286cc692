"""Spans of real requests arrive at an OTLP receiver that speaks OpenTelemetry's published types, from every process on their way."""

import json
import threading
import time
import unittest
import urllib.request

from opentelemetry.proto.trace.v1 import trace_pb2

from tests.metrics.load import post
from tests.metrics.otlp import Receiver, attributes
from tests.testing.cluster import Cluster, free_port, http_get
from tests.testing.inference import Client, inference_pb2
from tests.testing.prefill import await_prefill_worker

TRACE, CALLER = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
TIMEOUT_S = 20
CANARY = "zanzibar"
# Above what decode workers fill by themselves.
LONG = f"{CANARY} " + "and then " * 20
GATEWAY, PREFILL, DECODE, EXPERT = (f"baleen-{role}" for role in ("gateway", "prefill", "decode", "expert"))
WHOLE = (GATEWAY, "chat abacus")
LAST = (WHOLE, (DECODE, "decode"))


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
        cls.receiver = cls.enterClassContext(Receiver())
        # Only requests with a sampled traceparent are traced.
        cls.cluster = cls.enterClassContext(Cluster(
            shards=2, prefill=1, decode=1, gateway_flags=["--trace_sample=0"], worker_flags=["--trace_layer_steps=2"],
            common_flags=[f"--otlp_endpoint=127.0.0.1:{cls.receiver.port}"]))
        await_prefill_worker(cls.cluster, Client(cls.cluster))

    def _one(self, spans, *key):
        self.assertEqual(len(spans.get(key, ())), 1, f"{key} among {sorted(spans)}")
        return spans[key][0]

    def _inside(self, child, parent):
        self.assertEqual(child.parent_span_id, parent.span_id, f"{child.name} is not in {parent.name}")
        self.assertEqual(len(child.span_id), 8)
        self.assertLessEqual(child.start_time_unix_nano, child.end_time_unix_nano)

    def test_a_request_joins_its_callers_trace_at_every_process(self):
        before = time.time_ns()
        request_id = ask(self.cluster, LONG, f"00-{TRACE}-{CALLER}-01")
        spans = self.receiver.wait_for(TRACE, *LAST, (PREFILL, "KV hand-over"), (EXPERT, "expert compute"))
        whole = self._one(spans, *WHOLE)
        self.assertEqual(whole.parent_span_id.hex(), CALLER)
        self.assertEqual(whole.kind, trace_pb2.Span.SPAN_KIND_SERVER)
        self.assertEqual(attributes(whole)["baleen.request_id"], request_id)
        self.assertEqual(attributes(whole)["gen_ai.operation.name"], "chat")
        self.assertEqual(attributes(whole)["gen_ai.usage.output_tokens"], 6)
        self.assertGreater(attributes(whole)["gen_ai.usage.input_tokens"], 0)
        self.assertLessEqual(before, whole.start_time_unix_nano)

        admission, attempt, first, tokens = (self._one(spans, GATEWAY, name) for name in ("admission", "attempt", "first token", "tokens"))
        for child in (admission, attempt, first, tokens):
            self._inside(child, whole)
        self.assertEqual(first.start_time_unix_nano, whole.start_time_unix_nano)
        self.assertEqual(first.end_time_unix_nano, tokens.start_time_unix_nano)
        self.assertEqual(tokens.end_time_unix_nano, whole.end_time_unix_nano)
        self.assertRegex(attributes(attempt)["baleen.worker"], r"^decode-[0-9a-f]{12}$")

        queue, prefill, decode = (self._one(spans, DECODE, name) for name in ("queue", "prefill", "decode"))
        for child in (queue, prefill, decode):
            self._inside(child, attempt)
        self.assertEqual(queue.end_time_unix_nano, prefill.start_time_unix_nano)
        self.assertEqual(prefill.end_time_unix_nano, decode.start_time_unix_nano)
        self.assertGreater(attributes(prefill)["baleen.prompt_tokens"], 32)
        self.assertEqual(attributes(decode)["baleen.generated_tokens"], 6)

        remote = self._one(spans, DECODE, "remote prefill")
        self._inside(remote, prefill)
        for name in ("queue", "prefill", "KV hand-over"):
            self._inside(self._one(spans, PREFILL, name), remote)
        self.assertGreater(attributes(self._one(spans, PREFILL, "KV hand-over"))["baleen.bytes"], 0)
        self._check_layers(spans, {span.span_id: span for span in (prefill, decode)})

    def _check_layers(self, spans, parents):
        steps = spans[DECODE, "step"]
        # Every second one of the step that ends the prefill and five more.
        self.assertEqual(len(steps), 3)
        self.assertTrue(all(step.parent_span_id in parents for step in steps))
        for name in ("attention", "experts"):
            layers = [span for span in spans[DECODE, name] if span.parent_span_id == steps[0].span_id]
            self.assertEqual(len({attributes(span)["baleen.layer"] for span in layers}), len(layers), name)
            self.assertGreater(len(layers), 1, name)
        waiting = {span.span_id for service in (DECODE, PREFILL) for span in spans[service, "experts"]}
        for name in ("expert queue", "expert compute"):
            self.assertTrue({span.parent_span_id for span in spans[EXPERT, name]} <= waiting, name)

    def test_grpc_requests_join_too(self):
        trace = TRACE[::-1]
        client = Client(self.cluster)
        list(client.stub.Chat(_chat_request(), metadata=[("traceparent", f"00-{trace}-{CALLER}-01")], timeout=60))
        spans = self.receiver.wait_for(trace, *LAST)
        self._inside(self._one(spans, GATEWAY, "attempt"), self._one(spans, *WHOLE))

    def test_choices_are_attempts_of_one_request(self):
        trace = "4" * 32
        ask(self.cluster, "6 + 6", f"00-{trace}-{CALLER}-01", n=2)
        spans = self.receiver.wait_for(trace, *LAST)
        self.assertEqual({attributes(span)["baleen.choice"] for span in spans[GATEWAY, "attempt"]}, {0, 1})
        self.assertEqual(attributes(self._one(spans, *WHOLE))["gen_ai.usage.output_tokens"], 12)

    def test_a_client_that_leaves_is_seen(self):
        trace = "5" * 32
        body = {"model": "abacus", "prompt": "1 + 1", "max_tokens": 1500, "stream": True, "ignore_eos": True}
        headers = {"content-type": "application/json", "traceparent": f"00-{trace}-{CALLER}-01"}
        with urllib.request.urlopen(urllib.request.Request(f"{self.cluster.base_url}/completions", json.dumps(body).encode(), headers),
                                    timeout=60) as answer:
            answer.read(64)
        whole = self._one(self.receiver.wait_for(trace, (GATEWAY, "text_completion abacus")), GATEWAY, "text_completion abacus")
        self.assertEqual(whole.status.code, trace_pb2.Status.STATUS_CODE_ERROR)
        self.assertEqual(attributes(whole)["error.type"], "CANCELLED")

    def test_unsampled_and_untraced_requests_send_nothing_and_no_text_leaves(self):
        unsampled, last = "1" * 32, "2" * 32
        ask(self.cluster, f"{CANARY} 2 + 2", f"00-{unsampled}-{CALLER}-00")
        self.assertEqual(post(self.cluster, "completions", {"model": "abacus", "prompt": CANARY, "max_tokens": 2}), 200)
        ask(self.cluster, "3 + 3", f"00-{last}-{CALLER}-01")
        # Spans leave a process in order, so what came before the last request would be here.
        self.assertLessEqual(set(LAST), set(self.receiver.wait_for(last, *LAST)))
        self.assertEqual(self.receiver.spans(unsampled), [])
        known = {TRACE, TRACE[::-1], last, "4" * 32, "5" * 32}
        self.assertLessEqual({span.trace_id.hex() for _, span in self.receiver.spans()}, known)
        self.assertNotIn(CANARY, "".join(str(request) for request in self.receiver.requests))


class FailoverTest(unittest.TestCase):
    def test_a_workers_death_is_a_failed_attempt_and_a_failover(self):
        trace = "6" * 32
        with Receiver() as receiver, Cluster(shards=1, prefill=0, decode=2, gateway_flags=["--trace_sample=0"],
                                             common_flags=[f"--otlp_endpoint=127.0.0.1:{receiver.port}"]) as cluster:
            request = threading.Thread(target=ask, args=(cluster, LONG, f"00-{trace}-{CALLER}-01"), kwargs={"max_tokens": 1200})
            request.start()
            deadline = time.monotonic() + TIMEOUT_S
            while (busy := _busy(cluster)) is None:
                self.assertLess(time.monotonic(), deadline, "no decode worker has the request")
            busy.process.kill()
            request.join(60)
            spans = receiver.wait_for(trace, *LAST)
        (lost,), (whole,) = spans[GATEWAY, "attempt"], spans[WHOLE]
        # More than one where the machine is too busy for the next worker to answer in time.
        *again, failover = sorted(spans[GATEWAY, "failover"], key=lambda span: span.start_time_unix_nano)
        for span in (lost, *again):
            self.assertEqual(span.status.code, trace_pb2.Status.STATUS_CODE_ERROR)
            self.assertEqual(attributes(span)["error.type"], "UNAVAILABLE")
        self.assertNotEqual(failover.status.code, trace_pb2.Status.STATUS_CODE_ERROR)
        self.assertNotEqual(attributes(lost)["baleen.worker"], attributes(failover)["baleen.worker"])
        self.assertEqual(attributes(whole)["baleen.failovers"], 1 + len(again))
        self.assertIn(failover.span_id, {span.parent_span_id for span in spans[DECODE, "decode"]})


class ReceiverAwayTest(unittest.TestCase):
    def test_requests_go_on_and_spans_are_counted(self):
        flags = [f"--otlp_endpoint=127.0.0.1:{free_port()}"]
        with Cluster(shards=1, prefill=0, decode=1, worker_flags=["--role=both"], common_flags=flags) as cluster:
            self.assertTrue(ask(cluster, "1 + 1", f"00-{TRACE}-{CALLER}-01"))
            deadline = time.monotonic() + TIMEOUT_S
            # The whole, admission, one attempt, first token, tokens; queue, prefill, decode.
            for process, count in ((cluster.gateway, 5), (cluster.named("decode")[0], 3)):
                dropped = f'baleen_trace_spans_total{{result="dropped"}} {count}'
                while dropped not in http_get(process.metrics_port, "/metrics")[1]:
                    self.assertLess(time.monotonic(), deadline, f"{process.name}: the spans were not counted as dropped")


def _busy(cluster):
    """The decode worker that has generated tokens and is running; None when there is none."""
    for process in cluster.named("decode"):
        text = http_get(process.metrics_port, "/metrics")[1]
        if "\nbaleen_num_requests_running 1\n" in text and "\nbaleen_generation_tokens_total 0\n" not in text:
            return process
    return None


def _chat_request():
    request = inference_pb2.ChatRequest(model="abacus", options=inference_pb2.GenerationOptions(max_tokens=4))
    request.messages.add(role="user", content="5 + 5")
    return request


if __name__ == "__main__":
    unittest.main()
