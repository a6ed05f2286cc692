"""A guard that is a gRPC service of its own."""

import grpc

from tests.testing.inference import guardrail_pb2, guardrail_pb2_grpc


class WordGuard(guardrail_pb2_grpc.GuardrailServicer):
    """Blocks a word, holds each piece until the next one has come, and can be told to break off."""

    def __init__(self, word):
        self.word = word
        self.break_after = 0
        self.calls = 0

    def Check(self, requests, context):
        self.calls += 1
        texts, pieces = {}, {}
        for request in requests:
            if self.break_after > 0:
                self.break_after -= 1
                if self.break_after == 0:
                    context.abort(grpc.StatusCode.UNAVAILABLE, "restarting")
            if request.HasField("prompt"):
                yield guardrail_pb2.CheckResponse(verdict=guardrail_pb2.VERDICT_ALLOW)
                continue
            piece = request.output
            texts[piece.choice] = texts.get(piece.choice, "") + piece.text
            pieces[piece.choice] = pieces.get(piece.choice, 0) + 1
            # Of what the last pieces are a part is not known yet.
            held = 0 if piece.last else min(pieces[piece.choice], len(self.word))
            blocks = self.word in texts[piece.choice]
            yield guardrail_pb2.CheckResponse(
                verdict=guardrail_pb2.VERDICT_BLOCK if blocks else guardrail_pb2.VERDICT_ALLOW, category="words" if blocks else "",
                passed=pieces[piece.choice] - (len(self.word) if blocks else held))
