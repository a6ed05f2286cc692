"""A resumable stream whose gateway dies, or whose connection breaks, goes on over another gateway with exactly the rest."""

import http.client
import json
import random
import signal
import unittest
import uuid

import grpc

from tests.testing.cluster import Cluster
from tests.testing.inference import inference_pb2, inference_pb2_grpc

TOKENS = 300


def chat(seed, **options):
    messages = [{"role": "user", "content": "What is 17 * 3? Then count down from 30."}]
    return {"model": "abacus", "messages": messages, "stream": True, "stream_options": {"include_usage": True}, "temperature": 1.0,
            "seed": seed, "max_tokens": TOKENS, "ignore_eos": True, **options}


class Stream:
    """A server-sent event stream over a plain connection."""

    def __init__(self, port, method, path, headers, body=None):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self.connection.request(method, path, body=body, headers=headers)
        self.answer = self.connection.getresponse()
        self.status = self.answer.status

    def events(self):
        """(id, data) of each event, until the stream ends or breaks."""
        event_id = None
        try:
            for line in self.answer:
                text = line.decode().rstrip("\n")
                if text.startswith("id: "):
                    event_id = text[4:]
                elif text.startswith("data: "):
                    yield event_id, text[6:]
        except (http.client.HTTPException, OSError):
            return

    def close(self):
        self.connection.close()
        self.answer.close()


def generation(seed, choices, **options):
    sampling = inference_pb2.GenerationOptions(seed=seed, n=choices, temperature=1.0, max_tokens=TOKENS, ignore_eos=True, **options)
    return inference_pb2.GenerateRequest(model="abacus", text="Sort 17, 3, 99 and count the letter e in elephant.", options=sampling)


def by_choice(responses):
    """What no connection may change of gRPC's responses: choices go on beside each other, so only each one's have an order."""
    result = {}
    for response in responses:
        if response.token_ids or response.finish_reason:
            logprobs = [(each.token, each.logprob) for each in response.logprobs]
            result.setdefault(response.choice, []).append((response.text, list(response.token_ids), logprobs, response.finish_reason))
    return result


def events_by_choice(events):
    """The same of server-sent events; those of the whole request under None."""
    result = {}
    for _, body in comparable(events):
        choices = [] if body == "[DONE]" else body["choices"]
        result.setdefault(choices[0]["index"] if choices else None, []).append(body)
    return result


def comparable(events):
    """Events without what names the request or tells the time."""
    result = []
    for event_id, data in events:
        body = data if data == "[DONE]" else json.loads(data)
        if body != "[DONE]":
            body.pop("id")
            body.pop("created")
        result.append((event_id, body))
    return result


class ResumeTest(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        cls.cluster = Cluster(decode=2)
        cls.cluster.__enter__()
        cls.addClassCleanup(cls.cluster.__exit__)

    def post(self, port, body, request_id=None, resumable=True):
        headers = {"content-type": "application/json", "x-request-id": request_id or uuid.uuid4().hex}
        if resumable:
            headers["x-baleen-resumable"] = "1"
        stream = Stream(port, "POST", "/v1/chat/completions", headers, json.dumps(body))
        self.assertEqual(stream.status, 200)
        self.assertEqual(stream.answer.headers["x-request-id"], headers["x-request-id"])
        return stream

    def resume(self, port, request_id, last_event):
        headers = {"last-event-id": str(last_event)} if last_event is not None else {}
        return Stream(port, "GET", f"/v1/requests/{request_id}/events", headers)

    def read(self, stream, count):
        events = []
        for event in stream.events():
            events.append(event)
            if len(events) == count:
                return events
        self.fail(f"the stream ended after {len(events)} events")

    def other_gateway(self):
        process, port = self.cluster.start_gateway()
        self.cluster.wait_ready([process])
        return process, port

    def test_a_killed_gateways_client_gets_exactly_the_rest(self):
        for body in (chat(5), chat(6, logprobs=True, top_logprobs=2)):
            with self.subTest(logprobs="logprobs" in body):
                expected = list(self.post(self.cluster.rest_port, body).events())
                victim, port = self.other_gateway()
                request_id = uuid.uuid4().hex
                stream = self.post(port, body, request_id)
                begun = self.read(stream, 40)
                victim.stop(signal.SIGKILL)
                begun += list(stream.events())
                rest = list(self.resume(self.cluster.rest_port, request_id, begun[-1][0]).events())
                self.assertEqual(comparable(begun + rest), comparable(expected))

    def generate(self, port, request, request_id=None):
        """Responses of a resumable call, until it ends or breaks."""
        channel = grpc.insecure_channel(f"127.0.0.1:{port}")
        self.addCleanup(channel.close)
        metadata = [("x-baleen-resumable", "1"), *([("x-request-id", request_id)] if request_id else [])]
        try:
            yield from inference_pb2_grpc.InferenceStub(channel).Generate(request, timeout=60, metadata=metadata)
        except grpc.RpcError as error:
            self.assertEqual(error.code(), grpc.StatusCode.UNAVAILABLE, error.details())

    def test_several_choices_go_on_where_each_of_them_was(self):
        rng = random.Random(11)
        for options in (dict(n=3), dict(n=2, logprobs=True, top_logprobs=1)):
            with self.subTest(**options):
                body = chat(12, **options)
                expected = list(self.post(self.cluster.rest_port, body).events())
                victim, port = self.other_gateway()
                request_id = uuid.uuid4().hex
                stream = self.post(port, body, request_id)
                begun = self.read(stream, rng.randrange(body["n"] + 1, TOKENS))  # The first of each choice has no id.
                victim.stop(signal.SIGKILL)
                begun += list(stream.events())
                rest = list(self.resume(self.cluster.rest_port, request_id, begun[-1][0]).events())
                self.assertEqual(events_by_choice(begun + rest), events_by_choice(expected))
                self.assertEqual(rest[-1], expected[-1])

    def test_a_grpc_call_goes_on_with_exactly_the_rest(self):
        rng = random.Random(13)
        for choices, options in ((1, {}), (3, {}), (2, {"logprobs": 1})):
            with self.subTest(choices=choices):
                request = generation(14, choices, **options)
                expected = list(self.generate(self.cluster.gateway.grpc_port, request))
                victim, _ = self.other_gateway()
                begun, dies_after = [], rng.randrange(1, TOKENS * choices)
                for response in self.generate(victim.grpc_port, request, uuid.uuid4().hex):
                    begun.append(response)
                    if len(begun) == dies_after:
                        victim.stop(signal.SIGKILL)
                point = inference_pb2.ResumePoint(request_id=begun[-1].request_id, last_event_id=begun[-1].event_id)
                rest = list(self.generate(self.cluster.gateway.grpc_port, inference_pb2.GenerateRequest(resume=point)))
                self.assertEqual(by_choice(begun + rest), by_choice(expected))
                self.assertEqual((begun + rest)[-1].usage.completion_tokens, TOKENS * choices)

    def test_a_broken_connection_is_resumed_anywhere_even_twice(self):
        body = chat(7)
        expected = list(self.post(self.cluster.rest_port, body).events())
        _, other_port = self.other_gateway()
        request_id = uuid.uuid4().hex
        stream = self.post(self.cluster.rest_port, body, request_id)
        events = self.read(stream, 30)
        for port in (other_port, self.cluster.rest_port):
            stream.close()
            stream = self.resume(port, request_id, events[-1][0])
            self.assertEqual(stream.status, 200)
            events += self.read(stream, 30)
        events += list(stream.events())
        self.assertEqual(comparable(events), comparable(expected))

    def test_a_finished_answer_can_be_read_again_within_the_window(self):
        request_id = uuid.uuid4().hex
        events = list(self.post(self.cluster.rest_port, chat(8), request_id).events())
        again = list(self.resume(self.cluster.rest_port, request_id, None).events())
        self.assertEqual(comparable(again), comparable(events))

    def test_what_was_not_resumable_is_not_found(self):
        request_id = uuid.uuid4().hex
        stream = self.post(self.cluster.rest_port, chat(9), request_id, resumable=False)
        self.read(stream, 10)
        stream.close()
        self.assertEqual(self.resume(self.cluster.rest_port, request_id, 9).status, 404)
        self.assertEqual(self.resume(self.cluster.rest_port, uuid.uuid4().hex, 9).status, 404)


if __name__ == "__main__":
    unittest.main()
