"""A resumable stream whose gateway dies, or whose connection breaks, goes on over another gateway with exactly the rest."""

import http.client
import json
import signal
import unittest
import uuid

from tests.testing.cluster import Cluster

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
                    event_id = int(text[4:])
                elif text.startswith("data: "):
                    yield event_id, text[6:]
        except (http.client.HTTPException, OSError):
            return

    def close(self):
        self.connection.close()
        self.answer.close()


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
