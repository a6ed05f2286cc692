"""Keeps the answers that schemathesis asks for short; the wrong parts of its requests stay wrong."""

import schemathesis

MAX_TOKENS = 4
MAX_CHOICES = 2


@schemathesis.hook
def map_body(_, body):
    """Bounds length and number of choices where they are absent or valid."""
    if isinstance(body, dict) and ("messages" in body or "prompt" in body):
        for name in ("max_tokens", "max_completion_tokens"):
            value = body.get(name)
            if value is None or (type(value) is int and value > MAX_TOKENS):
                body[name] = MAX_TOKENS
        if type(body.get("n")) is int and MAX_CHOICES < body["n"] <= 16:
            body["n"] = MAX_CHOICES
    return body
