"""Guards in front of a real cluster: the embedded one by a policy file, and one that is a gRPC service of its own."""

import concurrent.futures
import http.client
import json
import pathlib
import tempfile
import unittest
import uuid

import grpc
import openai

from tests.testing.cluster import Cluster, free_port, http_get
from tests.testing.inference import guardrail_pb2_grpc, inference_pb2, inference_pb2_grpc
from tests.testing.steady_load import metric, wait_for
from tests.testing.word_guard import WordGuard

# abacus' answer to QUESTION holds SECRET.
QUESTION, SECRET = "What is 4821 + 1397?", "6218"
POLICY = {"rules": [{"name": "sum", "category": "sums", "on": ["output"], "action": "block", "run": "[0-9]", "pattern": SECRET},
                    {"name": "card", "category": "payment", "on": ["prompt"], "action": "block", "run": "[0-9 ]", "check": "luhn",
                     "pattern": "\\b(?:[0-9] ?){16}\\b"}]}
CONTENT_FILTER = 3  # FinishReason of common.proto.


def serve(guard, port):
    server = grpc.server(concurrent.futures.ThreadPoolExecutor(8))
    guardrail_pb2_grpc.add_GuardrailServicer_to_server(guard, server)
    if server.add_insecure_port(f"127.0.0.1:{port}") != port:
        raise RuntimeError("the guard's port is taken")
    server.start()
    return server


def events(port, body, headers=(), path="/v1/chat/completions", method="POST", limit=None):
    """(id, body without what names the request) of each event of a stream; at most `limit`, then the client leaves."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request(method, path, json.dumps(body) if body else None, {"content-type": "application/json", **dict(headers)})
    found, event_id = [], None
    for line in connection.getresponse():
        text = line.decode().rstrip("\n")
        if text.startswith("id: "):
            event_id = int(text[4:])
        elif text.startswith("data: ") and text != "data: [DONE]":
            data = json.loads(text[6:])
            found.append((event_id, {key: value for key, value in data.items() if key not in ("id", "created")}))
            if len(found) == limit:
                break
    connection.close()
    return found


def said(choice):
    """Reasoning and answer of a choice."""
    return (getattr(choice.message, "reasoning_content", None) or "") + (choice.message.content or "")


class GuardrailTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cluster = cls.enterClassContext(Cluster(shards=1, prefill=0, decode=1, worker_flags=["--role=both"]))
        policy = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory())) / "policy.json"
        policy.write_text(json.dumps(POLICY))
        cls.guard_port = free_port()
        cls.guard = WordGuard(SECRET)
        cls.server = serve(cls.guard, cls.guard_port)
        cls.addClassCleanup(lambda: cls.server.stop(0).wait())
        cls.ports, cls.processes = {"off": cls.cluster.rest_port}, {"off": cls.cluster.gateway}
        remote = [f"--guardrail=127.0.0.1:{cls.guard_port}", "--guardrail_timeout=20s"]
        absent = [f"--guardrail=127.0.0.1:{free_port()}", "--guardrail_timeout=300ms"]
        for name, flags in (("builtin", ["--guardrail=builtin", f"--guardrail_policy={policy}"]), ("remote", remote), ("closed", absent),
                            ("open", [*absent, "--guardrail_failure=open"])):
            cls.cluster.gateway_flags = flags
            cls.processes[name], cls.ports[name] = cls.cluster.start_gateway()
        cls.cluster.wait_ready(cls.processes.values())

    def chat(self, name, text=QUESTION, **options):
        client = openai.OpenAI(base_url=f"http://127.0.0.1:{self.ports[name]}/v1", api_key="unused", max_retries=0)
        options = {"temperature": 0, "max_tokens": 300, **options}
        return client.chat.completions.create(model="abacus", messages=[{"role": "user", "content": text}], **options)

    def metric(self, name, line):
        page = http_get(self.processes[name].metrics_port, "/metrics")[1]
        return sum(float(row.split()[-1]) for row in page.splitlines() if row.startswith(line))

    def test_what_passes_is_what_an_unguarded_gateway_says(self):
        plain = self.chat("off", "What is 2 + 2?", n=2, logprobs=True, seed=3, temperature=1)
        for name in ("builtin", "remote", "open"):
            with self.subTest(name):
                guarded = self.chat(name, "What is 2 + 2?", n=2, logprobs=True, seed=3, temperature=1)
                self.assertEqual([choice.model_dump() for choice in guarded.choices], [choice.model_dump() for choice in plain.choices])
                self.assertEqual(guarded.usage.completion_tokens, plain.usage.completion_tokens)

    def test_a_blocked_answer_ends_before_what_was_found(self):
        plain = self.chat("off", logprobs=True).choices[0]
        self.assertIn(SECRET, said(plain))
        for name in ("builtin", "remote"):
            with self.subTest(name):
                answer = self.chat(name, logprobs=True, n=2)
                for choice in answer.choices:
                    self.assertEqual(choice.finish_reason, "content_filter")
                    self.assertTrue(said(plain).startswith(said(choice)))
                    self.assertGreater(len(said(choice)), 10)
                    self.assertNotIn(SECRET, said(choice))
                    tokens = [token.token for token in choice.logprobs.content]
                    self.assertEqual(tokens, [token.token for token in plain.logprobs.content][:len(tokens)])
                    self.assertNotIn(SECRET, "".join(tokens))
                self.assertGreaterEqual(answer.usage.completion_tokens, 2 * len(tokens))
                category = "sums" if name == "builtin" else "words"
                self.assertGreater(self.metric(name, f'baleen_guardrail_blocks_total{{category="{category}"'), 0)

    def test_streams_and_grpc_end_alike(self):
        body = {"model": "abacus", "messages": [{"role": "user", "content": QUESTION}], "temperature": 0, "max_tokens": 300, "stream": True}
        plain = events(self.ports["off"], body)
        for name in ("builtin", "remote"):
            with self.subTest(name):
                found = events(self.ports[name], body)
                self.assertEqual(found[:-1], plain[:len(found) - 1])
                self.assertEqual(found[-1][1]["choices"][0]["finish_reason"], "content_filter")
                self.assertEqual(found[-1][1]["choices"][0]["delta"], {})
                self.assertEqual(events(self.ports[name], body), found)
                request = inference_pb2.ChatRequest(model="abacus", options=inference_pb2.GenerationOptions(temperature=0, max_tokens=300))
                request.messages.add(role="user", content=QUESTION)
                pieces = list(self._grpc(name).Chat(request, timeout=60))
                self.assertEqual(pieces[-1].finish_reason, CONTENT_FILTER)
                self.assertNotIn(SECRET, "".join(piece.reasoning_content + piece.content for piece in pieces))

    def _grpc(self, name):
        channel = self.enterContext(grpc.insecure_channel(f"127.0.0.1:{self.processes[name].grpc_port}"))
        return inference_pb2_grpc.InferenceStub(channel)

    def test_a_blocked_prompt_runs_nowhere(self):
        decode = self.cluster.named("decode")[0]
        def sampled():
            return metric(decode, "baleen_generation_tokens_total")
        # A worker hears of a blocked answer's end a little later.
        wait_for(lambda: metric(decode, "baleen_num_requests_running") == 0, "the answers before go on")
        before = sampled()
        answer = self.chat("builtin", "Charge 4111 1111 1111 1111.", n=2)
        self.assertEqual([choice.finish_reason for choice in answer.choices], ["content_filter"] * 2)
        self.assertEqual([choice.message.content for choice in answer.choices], ["", ""])
        self.assertEqual(answer.usage.total_tokens, 0)
        self.assertEqual(sampled(), before)

    def test_a_resumed_stream_is_blocked_at_the_same_place(self):
        body = {"model": "abacus", "messages": [{"role": "user", "content": QUESTION}], "temperature": 0, "max_tokens": 300, "stream": True}
        whole = events(self.ports["builtin"], body)
        self.assertEqual(whole[-1][1]["choices"][0]["finish_reason"], "content_filter")
        request_id = uuid.uuid4().hex
        first = events(self.ports["builtin"], body, {"x-request-id": request_id, "x-baleen-resumable": "1"}.items(), limit=5)
        rest = events(self.ports["builtin"], None, {"last-event-id": str(first[-1][0])}.items(), f"/v1/requests/{request_id}/events", "GET")
        self.assertEqual(first + rest, whole)

    def test_a_guard_may_restart_under_a_request(self):
        plain = self.chat("off", "What is 2 + 2?").choices[0]
        calls = self.guard.calls
        self.guard.break_after = 12
        self.assertEqual(said(self.chat("remote", "What is 2 + 2?").choices[0]), said(plain))
        self.assertEqual(self.guard.calls, calls + 2)
        self.assertEqual(self.metric("remote", "baleen_guardrail_failures_total"), 0)

    def test_a_guard_that_is_away_closes_or_opens(self):
        with self.assertRaises(openai.InternalServerError) as refused:
            self.chat("closed")
        self.assertEqual(refused.exception.status_code, 503)
        self.assertEqual(said(self.chat("open").choices[0]), said(self.chat("off").choices[0]))
        self.assertGreater(self.metric("open", "baleen_guardrail_failures_total"), 0)
        self.assertGreater(self.metric("closed", "baleen_guardrail_failures_total"), 0)
        for name in ("closed", "open"):
            self.assertIn('"event": "guard_failed"', self.processes[name].log_path.read_text())


if __name__ == "__main__":
    unittest.main()
