"""Every option of a request, streamed and not, over REST and over gRPC: always the same answer."""

import json
import pathlib
import shutil
import tempfile
import unittest

import openai

from tests.testing.cluster import MODEL, Cluster
from tests.testing.inference import Client, inference_pb2

QUESTION = [{"role": "user", "content": "What is 4821 + 1397?"}]
SCHEMA = {"type": "object", "properties": {"sum": {"type": "integer"}}, "required": ["sum"], "additionalProperties": False}
PARAMETERS = {"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}}, "required": ["a", "b"],
              "additionalProperties": False}
TOOLS = [{"type": "function", "function": {"name": "add", "description": "Adds two integers.", "parameters": PARAMETERS}}]
COMPACT = json.dumps(PARAMETERS, separators=(",", ":"))  # As REST renders it.
JSON_SCHEMA = {"type": "json_schema", "json_schema": {"name": "sum", "schema": SCHEMA}}

# What OpenAI's client takes as arguments of its own; the rest goes into the body as it is.
COMPLETION_ARGUMENTS = {"temperature", "top_p", "seed", "max_tokens", "n", "stop", "presence_penalty", "frequency_penalty", "logit_bias",
                        "logprobs", "echo"}
CHAT_ARGUMENTS = COMPLETION_ARGUMENTS - {"echo"} | {"max_completion_tokens", "top_logprobs", "response_format", "tools", "tool_choice"}

COMMON_ROWS = {
    "temperature": {"temperature": 0.7, "seed": 5},
    "top_p": {"temperature": 1.5, "top_p": 0.5, "seed": 5},
    "top_k": {"temperature": 1.5, "top_k": 2, "seed": 5},
    "min_p": {"temperature": 1.5, "min_p": 0.3, "seed": 5},
    "n": {"n": 3, "temperature": 2, "seed": 5, "ignore_eos": True},
    "stop": {"stop": ["8", "nowhere"]},
    "presence_penalty": {"presence_penalty": 2, "seed": 5},
    "frequency_penalty": {"frequency_penalty": 2, "seed": 5},
    "repetition_penalty": {"repetition_penalty": 5, "seed": 5},
    "logit_bias": {"logit_bias": {"20": 30}, "temperature": 0},
    "min_tokens": {"min_tokens": 30, "max_tokens": 40, "temperature": 0},
    "ignore_eos": {"ignore_eos": True, "temperature": 0},
    "max_completion_tokens": {"max_completion_tokens": 7, "temperature": 0},
}
CHAT_ROWS = {
    **COMMON_ROWS,
    "logprobs": {"logprobs": True, "top_logprobs": 2, "temperature": 0},
    "json_object": {"response_format": {"type": "json_object"}, "temperature": 0, "max_tokens": 400},
    "json_schema": {"response_format": JSON_SCHEMA, "temperature": 1, "seed": 6, "max_tokens": 400},
    "tool_choice required": {"tools": TOOLS, "tool_choice": "required", "temperature": 0, "max_tokens": 400},
    "tool_choice named": {"tools": TOOLS, "tool_choice": {"type": "function", "function": {"name": "add"}}, "seed": 6, "max_tokens": 400},
    "tool_choice none": {"tools": TOOLS, "tool_choice": "none", "temperature": 0},
}
COMPLETION_ROWS = {
    **COMMON_ROWS,
    "logprobs": {"logprobs": 2, "temperature": 0},
    "echo": {"echo": True, "temperature": 0},
    "echo n": {"echo": True, "n": 2, "temperature": 2, "seed": 5},
    "json_schema": {"response_format": JSON_SCHEMA, "temperature": 2, "seed": 6, "max_tokens": 400},
}


def arguments(row, own=CHAT_ARGUMENTS):
    row = {"max_tokens": 60, **row} if "max_completion_tokens" not in row else row
    return {**{name: value for name, value in row.items() if name in own},
            "extra_body": {name: value for name, value in row.items() if name not in own}}


def chat_answer(choice, message):
    calls = [(call.function.name, call.function.arguments) for call in message.tool_calls or []]
    return {"reasoning": getattr(message, "reasoning_content", None) or "", "content": message.content or "", "calls": calls,
            "finish": choice.finish_reason}


class Gathered:
    """A choice put together from a stream's pieces."""

    def __init__(self):
        self.reasoning = self.content = ""
        self.calls, self.logprobs, self.finish = [], [], None

    def add(self, choice):
        delta = choice.delta
        self.reasoning += getattr(delta, "reasoning_content", None) or ""
        self.content += delta.content or ""
        for call in delta.tool_calls or []:
            if call.index == len(self.calls):
                self.calls.append(("", ""))
            name, text = self.calls[call.index]
            self.calls[call.index] = (name + (call.function.name or ""), text + (call.function.arguments or ""))
        if choice.logprobs:
            self.logprobs += choice.logprobs.content
        self.finish = choice.finish_reason or self.finish

    def answer(self):
        return {"reasoning": self.reasoning, "content": self.content, "calls": self.calls, "finish": self.finish}


class RowsTest(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        cls.cluster = cls.enterClassContext(Cluster())
        cls.client = openai.OpenAI(base_url=cls.cluster.base_url, api_key="unused", max_retries=0)
        cls.grpc = Client(cls.cluster)

    def stream_of_chat(self, **options):
        gathered, usage = {}, None
        for chunk in self.client.chat.completions.create(model="abacus", stream=True, stream_options={"include_usage": True}, **options):
            usage = chunk.usage or usage
            for choice in chunk.choices:
                gathered.setdefault(choice.index, Gathered()).add(choice)
        return [gathered[index] for index in sorted(gathered)], usage

    def test_chats(self):
        for name, row in CHAT_ROWS.items():
            with self.subTest(row=name):
                options = {"messages": QUESTION, **arguments(row)}
                whole = self.client.chat.completions.create(model="abacus", **options)
                streamed, usage = self.stream_of_chat(**options)
                self.assertEqual([one.answer() for one in streamed], [chat_answer(choice, choice.message) for choice in whole.choices])
                self.assertEqual(usage.completion_tokens, whole.usage.completion_tokens)
                for one, choice in zip(streamed, whole.choices):
                    self.assertEqual(one.logprobs, choice.logprobs.content if choice.logprobs else [])
                if "response_format" in row:
                    json.loads(whole.choices[0].message.content)

    def test_openais_own_helper_puts_choices_together(self):
        options = {"messages": QUESTION, **arguments({"n": 3, "temperature": 1, "seed": 5, "logprobs": True, "max_tokens": 1000})}
        whole = self.client.chat.completions.create(model="abacus", **options)
        with self.client.chat.completions.stream(model="abacus", **options) as events:
            for _ in events:
                pass
            streamed = events.get_final_completion()
        for one, choice in zip(streamed.choices, whole.choices, strict=True):
            self.assertEqual(chat_answer(one, one.message), chat_answer(choice, choice.message))
            self.assertEqual(one.logprobs.content, choice.logprobs.content)

    def test_completions(self):
        for name, row in COMPLETION_ROWS.items():
            with self.subTest(row=name):
                options = {"model": "abacus", "prompt": "12 + 7", **arguments(row, COMPLETION_ARGUMENTS)}
                whole = self.client.completions.create(**options)
                texts, finishes, tokens = {}, {}, []
                for chunk in self.client.completions.create(stream=True, **options):
                    choice = chunk.choices[0]
                    texts[choice.index] = texts.get(choice.index, "") + choice.text
                    finishes[choice.index] = choice.finish_reason or finishes.get(choice.index)
                    tokens += choice.logprobs.tokens if choice.logprobs else []
                self.assertEqual(texts, {choice.index: choice.text for choice in whole.choices})
                self.assertEqual(finishes, {choice.index: choice.finish_reason for choice in whole.choices})
                self.assertEqual(tokens, whole.choices[0].logprobs.tokens if whole.choices[0].logprobs else [])

    def test_grpc_has_the_same_power(self):
        options = {"temperature": 1.5, "top_p": 0.9, "top_k": 9, "min_p": 0.01, "seed": 5, "n": 2, "presence_penalty": 0.5,
                   "frequency_penalty": 0.5, "repetition_penalty": 1.1, "min_tokens": 5, "max_tokens": 30, "stop": ["88"],
                   "ignore_eos": True, "logit_bias": {20: 1.0}, "user": "somebody"}
        rest = self.client.completions.create(model="abacus", prompt="12 + 7", **arguments(options, COMPLETION_ARGUMENTS))
        request = inference_pb2.GenerateRequest(model="abacus", text="12 + 7", options=inference_pb2.GenerationOptions(**options))
        texts = ["", ""]
        for piece in self.grpc.stub.Generate(request, timeout=60):
            texts[piece.choice] += piece.text
        self.assertEqual(texts, [choice.text for choice in rest.choices])

    def test_grpc_chats_say_what_rest_says(self):
        for row in ("json_schema", "tool_choice named", "temperature"):
            with self.subTest(row=row):
                asked = CHAT_ROWS[row]
                rest, _ = self.stream_of_chat(messages=QUESTION, **arguments(asked))
                options = inference_pb2.GenerationOptions(max_tokens=asked.get("max_tokens", 60), seed=asked["seed"])
                if "temperature" in asked:
                    options.temperature = asked["temperature"]
                if "response_format" in asked:
                    options.response_format.json_schema = json.dumps(SCHEMA)
                request = inference_pb2.ChatRequest(model="abacus", options=options)
                request.messages.add(role="user", content=QUESTION[0]["content"])
                if "tools" in asked:
                    request.tools.add(name="add", description="Adds two integers.", parameters_json_schema=COMPACT)
                    request.tool_choice_name = "add"
                reasoning, content, calls = "", "", []
                for piece in self.grpc.stub.Chat(request, timeout=60):
                    reasoning += piece.reasoning_content
                    content += piece.content
                    for call in piece.tool_calls:
                        calls += [("", "")] if call.index == len(calls) else []
                        calls[call.index] = (calls[call.index][0] + call.name, calls[call.index][1] + call.arguments)
                said = rest[0].answer()
                self.assertEqual((reasoning, content, calls), (said["reasoning"], said["content"], said["calls"]))

    def test_prefix_streams(self):
        messages = QUESTION + [{"role": "assistant", "reasoning_content": "4821 + 1397", "content": "The sum is 62", "prefix": True}]
        whole = self.client.chat.completions.create(model="abacus", messages=messages, temperature=0, max_tokens=20)
        streamed, _ = self.stream_of_chat(messages=messages, temperature=0, max_tokens=20)
        self.assertEqual(streamed[0].answer(), chat_answer(whole.choices[0], whole.choices[0].message))
        self.assertEqual(streamed[0].reasoning, "")


class ThinkingTest(unittest.TestCase):
    """The switch of a template that has one: abacus under V3.1's."""

    @classmethod
    def setUpClass(cls):
        directory = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory()), "abacus")
        shutil.copytree(MODEL, directory)
        (directory / "chat_template.jinja").write_text("{% if thinking %}{% endif %}<｜Assistant｜>")
        cls.cluster = cls.enterClassContext(Cluster(shards=1, prefill=0, worker_flags=["--role=both"], model=directory))
        cls.client = openai.OpenAI(base_url=cls.cluster.base_url, api_key="unused", max_retries=0)

    def test_thinking_is_switched_on_and_off(self):
        self.assertEqual(self.client.models.retrieve("abacus").thinking, "optional")
        on = {"thinking": {"type": "enabled"}}
        rows = [(on, True), ({"chat_template_kwargs": {"thinking": True}}, True), ({"thinking": {"type": "disabled"}}, False), ({}, False)]
        for body, thinks in rows:
            options = {"model": "abacus", "messages": QUESTION, "temperature": 0, "max_tokens": 24,
                       "extra_body": {"ignore_eos": True, **body}}
            with self.subTest(body=body):
                message = self.client.chat.completions.create(**options).choices[0].message
                self.assertEqual(bool(getattr(message, "reasoning_content", None)), thinks, message)
                first = next(chunk.choices[0].delta for chunk in self.client.chat.completions.create(stream=True, **options)
                             if chunk.choices[0].delta.content or getattr(chunk.choices[0].delta, "reasoning_content", None))
                self.assertEqual(bool(getattr(first, "reasoning_content", None)), thinks)

    def test_a_switch_that_is_none_is_refused_with_a_sentence(self):
        with self.assertRaisesRegex(openai.BadRequestError, "enabled or disabled"):
            self.client.chat.completions.create(model="abacus", messages=QUESTION, extra_body={"thinking": {"type": "maybe"}})


if __name__ == "__main__":
    unittest.main()
