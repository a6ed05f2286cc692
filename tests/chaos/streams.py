"""One request under way, over gRPC or as a resumable stream of server-sent events, and what of its answer no fault may change."""

import collections
import dataclasses
import http.client
import json
import time
import uuid

from tests.chaos.requests import SCHEMA
from tests.testing.cluster import http_get
from tests.testing.inference import inference_pb2

_TIMEOUT_S = 120
_PATIENCE_S = 30  # The window within which a request may be resumed.
_PAUSE_S = 0.1
_SILENCE_S = 0.7  # Without a byte, once there was an event, before the client asks another gateway; comments come every 0.25 s.
_GOES_ON_S = 2.0  # For the first byte of what another gateway goes on with.


class Failed(Exception):
    """The service ended the request with an error, or nobody would take it."""


@dataclasses.dataclass(frozen=True)
class Answer:
    """Tokens (or, over REST, events) of each choice, why each ended, prompt and completion tokens."""

    pieces: tuple
    finish: tuple
    usage: tuple[int, int]


def difference(request, answer, expected):
    """Where two answers part, in one line; None when they are the same as far as two runs can be."""
    if answer.finish != expected.finish or answer.usage != expected.usage:
        return f"finish {answer.finish}, usage {answer.usage}; without faults {expected.finish}, {expected.usage}"
    if not request.comparable:
        return None
    for place, (got, wanted) in enumerate(zip(answer.pieces, expected.pieces)):
        if got != wanted:
            return f"piece {place} is {got}, without faults {wanted}"
    return None if len(answer.pieces) == len(expected.pieces) else f"{len(answer.pieces)} pieces, without faults {len(expected.pieces)}"


def run_grpc(client, request, on_token):
    """The answer. `on_token(choice, count)` hears how many tokens of a choice there are."""
    options = inference_pb2.GenerationOptions(**{"logprobs": 0, **request.options})
    if request.constrained:
        options.response_format.json_schema = SCHEMA
    message = inference_pb2.GenerateRequest(model="abacus", options=options)
    message.token_ids.ids.extend(request.prompt)
    pieces, finish, usage = {}, {}, (0, 0)
    for response in client.stub.Generate(message, timeout=_TIMEOUT_S):
        for token in response.logprobs:
            pieces.setdefault(response.choice, []).append((token.token, token.logprob))
        if response.logprobs:
            on_token(response.choice, len(pieces[response.choice]))
        if response.finish_reason:
            finish[response.choice] = response.finish_reason
        if response.HasField("usage"):
            usage = (response.usage.prompt_tokens, response.usage.completion_tokens)
    flat = tuple((choice, piece) for choice in sorted(pieces) for piece in pieces[choice])
    return Answer(flat, tuple(sorted(finish.items())), usage)


class ResumableStream:
    """A completion over REST whose client goes on at another gateway when its own is gone. `gateways`: (host, REST port) of each;
    `may_end()`: whether one of them may end a stream before its end."""

    def __init__(self, gateways, first, request, on_token, may_end):
        self._gateways, self._at = gateways, first
        self._request, self._on_token, self._may_end = request, on_token, may_end
        self._counts = [0] * request.options.get("n", 1)  # Events of each choice.
        self._events = []  # (id, body)
        self._tokens = collections.Counter()  # Of each choice.
        self._tries = []  # (events before, seconds, what a gateway made of the connection)

    def run(self):
        """The answer; Failed when the service ends it, or when no gateway goes on with it within the window."""
        request_id, give_up = None, time.monotonic() + _TIMEOUT_S
        lost_at = None
        while time.monotonic() < give_up:
            before, begun = len(self._events), time.monotonic()
            if not self._events:
                request_id = uuid.uuid4().hex
            try:
                if self._read(request_id):
                    return self._answer()
            except Failed as failed:
                raise Failed(f"{failed}; connections before: {self._tries}") from None
            self._tries.append((before, round(time.monotonic() - begun, 2), self._gateways[self._at]))
            # Its gateway went; only silence counts against the window.
            lost_at = time.monotonic() if lost_at is None or len(self._events) > before else lost_at
            if time.monotonic() - lost_at > _PATIENCE_S:
                raise Failed(f"no gateway goes on after {len(self._events)} events")
            self._at = (self._at + 1) % len(self._gateways)
            time.sleep(_PAUSE_S)
        raise Failed(f"not finished after {_TIMEOUT_S} s")

    def _open(self, connection, request_id):
        if self._events:
            connection.request("GET", f"/v1/requests/{request_id}/events", headers={"last-event-id": self._events[-1][0]})
            return
        body = {"model": "abacus", "prompt": list(self._request.prompt), "stream": True, "stream_options": {"include_usage": True},
                "logprobs": 0, **self._request.options}
        if self._request.constrained:
            body["response_format"] = {"type": "json_schema", "json_schema": {"name": "answer", "schema": json.loads(SCHEMA)}}
        headers = {"content-type": "application/json", "x-baleen-resumable": "1", "x-request-id": request_id}
        connection.request("POST", "/v1/completions", json.dumps(body), headers)

    def _read(self, request_id):
        """Whether the stream came to its end; False when the connection broke or the gateway could not go on yet."""
        host, port = self._gateways[self._at]
        # A gateway that took the connection may be one that stands still.
        connection = http.client.HTTPConnection(host, port, timeout=_GOES_ON_S if self._events else _PATIENCE_S)
        try:
            connection.connect()
            socket = connection.sock  # The connection may let go of it while the answer is read.
            self._open(connection, request_id)
            answer = connection.getresponse()
            if answer.status != 200:
                return self._refused(answer.status, answer.read().decode(errors="replace"), host, port)
            return self._take(answer, socket)
        except (http.client.HTTPException, OSError):
            return False
        finally:
            connection.close()

    def _refused(self, status, body, host, port):
        # A client outside is not sent to a gateway that says it is not ready. What it answers on the way of a resume may be asked again.
        retryable = status == 503 and (self._events or http_get(port, "/readyz", host)[0] != 200)
        if not retryable:
            raise Failed(f"{status} after {len(self._events)} events: {body[:300]}")
        return False

    def _take(self, answer, socket):
        event_id = None
        socket.settimeout(_SILENCE_S if self._events else _PATIENCE_S)
        for line in answer:
            text = line.decode().rstrip("\n")
            if text.startswith("id: "):
                event_id = text[4:]
            elif text == "data: [DONE]":
                return True
            elif text.startswith("data: "):
                self._event(event_id, json.loads(text[6:]))
                socket.settimeout(_SILENCE_S)
        if not self._may_end():
            raise Failed(f"a gateway that nothing had happened to ended its stream after {len(self._events)} events")
        return False

    def _event(self, event_id, body):
        if "error" in body:
            raise Failed(f"{body['error']} after {len(self._events)} events")
        # A lone choice's events are numbered from 0; several have the number of each one's events so far.
        counts = [int(event_id) + 1] if len(self._counts) == 1 else [int(count) for count in event_id.split(".")]
        if sorted(now - had for now, had in zip(counts, self._counts, strict=True)) != [0] * (len(counts) - 1) + [1]:
            raise Failed(f"event {event_id} came after {self._counts} events")
        self._counts = counts
        self._events.append((event_id, body))
        for choice in body["choices"]:
            if tokens := len((choice["logprobs"] or {}).get("tokens", ())):
                self._tokens[choice["index"]] += tokens
                self._on_token(choice["index"], self._tokens[choice["index"]])

    def _answer(self):
        pieces, finish, usage = collections.defaultdict(list), [], (0, 0)
        for _, body in self._events:
            for choice in body["choices"]:
                pieces[choice["index"]].append((choice["text"], json.dumps(choice["logprobs"])))
                if choice["finish_reason"]:
                    finish.append((choice["index"], choice["finish_reason"]))
            if body.get("usage"):
                usage = (body["usage"]["prompt_tokens"], body["usage"]["completion_tokens"])
        flat = tuple((choice, piece) for choice in sorted(pieces) for piece in pieces[choice])
        return Answer(flat, tuple(sorted(finish)), usage)
