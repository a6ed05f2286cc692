"""`baleen chat`: asks one question over REST, streams the reasoning (dimmed) and the answer, then says what it took."""

import http.client
import json
import os
import sys
import time

import metrics
import remote
import state
from errors import UserError

DEFAULT_QUESTION = "What is 4821 + 1397?"
ROWS_METRIC = "baleen_expert_rows_total"
ANSWER_TIMEOUT_S = 300


def rows_by_shard(processes):
    """Rows that each expert shard has computed so far, by process id."""
    return {one.id: metrics.values(one, ROWS_METRIC)[0] or 0 for one in processes if one.role == "expert"}


def sse_events(response):
    """The JSON of each `data:` line up to [DONE]; UserError when the stream ends before it."""
    for raw in response:
        line = raw.decode("utf-8", "replace").strip()
        if not line.startswith("data:"):
            continue
        data = line[len("data:"):].strip()
        if data == "[DONE]":
            return
        event = json.loads(data)
        if "error" in event:
            raise UserError(f"the stream broke: {event['error'].get('message', data)}")
        yield event
    raise UserError("the stream ended early; see 'baleen logs'")


class Printer:
    """Writes reasoning dimmed and the answer plainly, each from a line of its own."""

    def __init__(self, out=sys.stdout):
        self._out = out
        self._part = None
        self._dim, self._plain = ("\033[2m", "\033[0m") if out.isatty() else ("", "")

    def write(self, part, text):
        if not text:
            return
        if part != self._part:
            self._out.write(self._plain + ("\n" if self._part else "") + (self._dim if part == "reasoning" else ""))
            self._part = part
        self._out.write(text)
        self._out.flush()

    def end(self):
        self._out.write(self._plain + "\n")


def _headers():
    return remote.key_headers(os.environ.get("API_KEY"))


def _model(base):
    try:
        return remote.get_json(f"{base}/v1/models", _headers())["data"][0]["id"]
    except (KeyError, IndexError, TypeError):
        raise UserError(f"{base} lists no model") from None


def ask(base, question):
    """Streams the answer. Returns (usage, seconds to first token, seconds from first to last token, x-request-id)."""
    body = {
        "model": _model(base),
        "messages": [{"role": "user", "content": question}],
        "stream": True,
        "stream_options": {"include_usage": True},
        "temperature": 0,
    }
    begin = time.monotonic()
    first = None
    usage = {}
    printer = Printer()
    try:
        with remote.open_url(f"{base}/v1/chat/completions", body, _headers(), ANSWER_TIMEOUT_S) as response:
            request_id = response.headers.get("x-request-id", "")
            for event in sse_events(response):
                usage = event.get("usage") or usage
                for choice in event.get("choices", []):
                    delta = choice.get("delta", {})
                    if first is None and (delta.get("reasoning_content") or delta.get("content")):
                        first = time.monotonic()
                    printer.write("reasoning", delta.get("reasoning_content"))
                    printer.write("answer", delta.get("content"))
    except (OSError, http.client.HTTPException) as error:
        raise UserError(f"the answer of {base} broke off: {error}") from None
    finally:
        printer.end()
    end = time.monotonic()
    first = first or end
    return usage, first - begin, end - first, request_id


def summary(usage, first_s, rest_s, request_id, rows):
    """What the answer took, in a few lines. `rows` is empty where the shards cannot be asked."""
    tokens = usage.get("completion_tokens", 0)
    reasoning = (usage.get("completion_tokens_details") or {}).get("reasoning_tokens", 0)
    rate = f"{(tokens - 1) / rest_s:.1f} tokens/s" if tokens > 1 and rest_s > 0 else "one token"
    shards = "\nrows per expert shard: " + ", ".join(f"{shard} {count:.0f}" for shard, count in rows.items()) if rows else ""
    return (
        f"usage: {usage.get('prompt_tokens', 0)} prompt + {tokens} completion tokens ({reasoning} of reasoning)\n"
        f"speed: first token after {first_s * 1000:.0f} ms, then {rate}\n"
        f"request: {request_id}{shards}"
    )


def run(arguments):
    question = " ".join(arguments.question) or os.environ.get("QUESTION") or DEFAULT_QUESTION
    processes = [] if remote.is_remote(arguments) else state.running()
    base = remote.gateway(arguments)
    before = rows_by_shard(processes)
    print(f"> {question}", flush=True)
    answer = ask(base, question)
    after = rows_by_shard(processes)
    print(summary(*answer, {shard: after[shard] - before[shard] for shard in after}))
    return 0
