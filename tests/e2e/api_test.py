"""The REST API as its clients use it: the openai package, and plain HTTP where a request is meant to be wrong."""

import contextlib
import http.client
import json
import unittest

import openai

from tests.testing.cluster import Cluster

QUESTION = [{"role": "user", "content": "What is 4821 + 1397?"}]


class ApiTest(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        cls.cluster = cls.enterClassContext(Cluster())
        cls.client = openai.OpenAI(base_url=cls.cluster.base_url, api_key="unused", max_retries=0)

    def chat(self, **extra):
        return self.client.chat.completions.create(model="abacus", messages=QUESTION, **extra)

    def post(self, path, body):
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.cluster.rest_port, timeout=30)) as connection:
            connection.request("POST", path, body, {"content-type": "application/json"})
            with connection.getresponse() as answer:
                return answer.status, json.loads(answer.read())

    def test_whole_answer_has_reasoning_apart(self):
        answer = self.chat()
        message = answer.choices[0].message
        self.assertEqual(answer.choices[0].finish_reason, "stop")
        self.assertTrue(message.reasoning_content)
        self.assertTrue(message.content)
        self.assertNotIn("</think>", message.content + message.reasoning_content)
        usage = answer.usage
        self.assertEqual(usage.total_tokens, usage.prompt_tokens + usage.completion_tokens)
        self.assertEqual(usage.prompt_tokens, usage.prompt_cache_hit_tokens + usage.prompt_cache_miss_tokens)
        self.assertGreater(usage.completion_tokens_details.reasoning_tokens, 0)

    def test_stream_carries_the_same_text(self):
        whole = self.chat().choices[0].message
        reasoning, content, finish, usage = "", "", None, None
        for chunk in self.chat(stream=True, stream_options={"include_usage": True}):
            usage = chunk.usage or usage
            if not chunk.choices:
                continue
            delta = chunk.choices[0].delta
            reasoning += getattr(delta, "reasoning_content", None) or ""
            content += delta.content or ""
            finish = chunk.choices[0].finish_reason or finish
        self.assertEqual((reasoning, content), (whole.reasoning_content, whole.content))
        self.assertEqual(finish, "stop")
        self.assertGreater(usage.completion_tokens, 1)

    def test_seed_fixes_a_sampled_answer(self):
        sampling = {"temperature": 2, "max_tokens": 200, "extra_body": {"ignore_eos": True}}
        whole = [self.chat(seed=seed, **sampling) for seed in (7, 7, 8)]
        answers = [answer.choices[0].message for answer in whole]
        self.assertEqual(answers[0], answers[1])
        self.assertNotEqual(answers[0], answers[2])
        self.assertRegex(whole[0].system_fingerprint, "^fp_cpu-")
        self.assertEqual(len({answer.system_fingerprint for answer in whole}), 1)

    def test_stop_string_ends_the_answer(self):
        whole = self.chat().choices[0].message.content
        stop = whole[len(whole) // 2:len(whole) // 2 + 2]
        answer = self.chat(stop=[stop]).choices[0]
        self.assertEqual(answer.message.content, whole[:whole.index(stop)])
        self.assertEqual(answer.finish_reason, "stop")

    def test_max_tokens_ends_with_length(self):
        answer = self.chat(max_tokens=5)
        self.assertEqual(answer.choices[0].finish_reason, "length")
        self.assertEqual(answer.usage.completion_tokens, 5)

    def test_ignore_eos_and_min_tokens_go_on(self):
        answer = self.chat(max_tokens=300, extra_body={"ignore_eos": True})
        self.assertEqual(answer.usage.completion_tokens, 300)
        answer = self.chat(max_tokens=300, extra_body={"min_tokens": 290})
        self.assertGreaterEqual(answer.usage.completion_tokens, 290)

    def test_logprobs(self):
        answer = self.chat(logprobs=True, top_logprobs=3).choices[0]
        self.assertEqual("".join(token.token for token in answer.logprobs.content), answer.message.content)
        reasoning = "".join(token["token"] for token in answer.logprobs.reasoning_content)
        self.assertEqual(reasoning.strip("\n"), answer.message.reasoning_content)
        for token in answer.logprobs.content:
            self.assertLessEqual(token.logprob, 0)
            self.assertEqual(len(token.top_logprobs), 3)
            self.assertEqual(token.top_logprobs[0].token, token.token)

    def test_completion_takes_text_and_token_ids(self):
        status, tokens = self.post("/tokenize", json.dumps({"model": "abacus", "prompt": "12 + 7"}))
        self.assertEqual(status, 200)
        by_ids = self.client.completions.create(model="abacus", prompt=tokens["tokens"], max_tokens=8, temperature=0)
        by_text = self.client.completions.create(model="abacus", prompt="12 + 7", max_tokens=8, temperature=0)
        self.assertEqual(by_ids.choices[0].text, by_text.choices[0].text)
        self.assertEqual(by_ids.usage.prompt_tokens, tokens["count"])

    def test_tokenize_and_back(self):
        text = "Grüße, 你好 🙂 <｜User｜> 123"
        _, tokens = self.post("/tokenize", json.dumps({"model": "abacus", "prompt": text, "add_special_tokens": False}))
        _, back = self.post("/detokenize", json.dumps({"model": "abacus", "tokens": tokens["tokens"]}))
        self.assertEqual(back["prompt"], text)

    def test_n_choices_differ_and_repeat(self):
        # Text that no chat begins with leaves the model in doubt, so choices differ.
        request = {"model": "abacus", "prompt": "q zu 7x", "temperature": 2, "seed": 3, "max_tokens": 60,
                   "extra_body": {"ignore_eos": True}}
        first, second, alone = (self.client.completions.create(n=n, **request) for n in (3, 3, 1))
        texts = [choice.text for choice in first.choices]
        self.assertEqual([choice.index for choice in first.choices], [0, 1, 2])
        self.assertEqual(len(set(texts)), 3)
        self.assertEqual(texts, [choice.text for choice in second.choices])
        self.assertEqual(first.usage.completion_tokens, 180)
        self.assertEqual(alone.choices[0].text, texts[0])

    def test_n_choices_stream(self):
        whole = self.chat(n=2, temperature=2, seed=9, max_tokens=30)
        texts, finishes = ["", ""], {}
        for chunk in self.chat(n=2, temperature=2, seed=9, max_tokens=30, stream=True):
            choice = chunk.choices[0]
            texts[choice.index] += getattr(choice.delta, "reasoning_content", None) or ""
            finishes[choice.index] = choice.finish_reason or finishes.get(choice.index)
        self.assertEqual(texts, [choice.message.reasoning_content or "" for choice in whole.choices])
        self.assertEqual(finishes, {choice.index: choice.finish_reason for choice in whole.choices})

    def test_logit_bias_bans_and_forces(self):
        token = self.token_of("7")
        forced = self.client.completions.create(model="abacus", prompt="1", max_tokens=5, temperature=0, logit_bias={token: 100})
        self.assertEqual(forced.choices[0].text, "77777")
        banned = self.chat(temperature=0, max_tokens=200, logit_bias={token: -100}).choices[0].message
        self.assertNotIn("7", banned.reasoning_content)

    def test_penalties_and_min_p(self):
        token = self.token_of("7")
        plain = {"model": "abacus", "prompt": "1", "max_tokens": 40, "temperature": 0, "logit_bias": {token: 30}}
        self.assertEqual(self.client.completions.create(**plain).choices[0].text, "7" * 40)
        for penalty in ({"frequency_penalty": 2}, {"extra_body": {"repetition_penalty": 50}}):
            text = self.client.completions.create(**plain, **penalty).choices[0].text
            self.assertNotEqual(text, "7" * 40, penalty)
            self.assertEqual(text, self.client.completions.create(**plain, **penalty).choices[0].text)
        whole = self.chat(temperature=0).choices[0].message
        sharp = self.chat(temperature=1, seed=4, extra_body={"min_p": 1}).choices[0].message
        self.assertEqual(sharp.content, whole.content)

    def token_of(self, text):
        _, tokens = self.post("/tokenize", json.dumps({"model": "abacus", "prompt": text, "add_special_tokens": False}))
        self.assertEqual(tokens["count"], 1)
        return str(tokens["tokens"][0])

    def test_max_completion_tokens(self):
        self.assertEqual(self.chat(max_completion_tokens=3).usage.completion_tokens, 3)

    def test_echo_begins_with_the_prompt(self):
        answer = self.client.completions.create(model="abacus", prompt="12 + 7", max_tokens=4, temperature=0, echo=True)
        plain = self.client.completions.create(model="abacus", prompt="12 + 7", max_tokens=4, temperature=0)
        self.assertEqual(answer.choices[0].text, "12 + 7" + plain.choices[0].text)

    def test_completion_logprobs_have_offsets(self):
        answer = self.client.completions.create(model="abacus", prompt="12 + 7", max_tokens=4, temperature=0, logprobs=2)
        logprobs = answer.choices[0].logprobs
        self.assertEqual("".join(logprobs.tokens), answer.choices[0].text)
        self.assertEqual(logprobs.text_offset, [0, 1, 2, 3])
        self.assertEqual([len(top) for top in logprobs.top_logprobs], [2] * 4)

    def test_prefix_is_gone_on_from(self):
        whole = self.chat(temperature=0).choices[0].message
        half = len(whole.content) // 2
        messages = QUESTION + [{"role": "assistant", "reasoning_content": whole.reasoning_content, "content": whole.content[:half],
                                "prefix": True}]
        rest = self.client.chat.completions.create(model="abacus", messages=messages, temperature=0).choices[0].message
        self.assertEqual(whole.content[:half] + rest.content, whole.content)

    def test_json_schema_holds_after_free_reasoning(self):
        schema = {"type": "object", "properties": {"sum": {"type": "integer"}, "sure": {"type": "boolean"}},
                  "required": ["sum", "sure"], "additionalProperties": False}
        response_format = {"type": "json_schema", "json_schema": {"name": "sum", "schema": schema}}
        whole = self.chat(response_format=response_format).choices[0]
        self.assertEqual(whole.finish_reason, "stop")
        self.assertTrue(whole.message.reasoning_content)
        answer = json.loads(whole.message.content)
        self.assertEqual(set(answer), {"sum", "sure"})
        self.assertIsInstance(answer["sum"], int)
        self.assertIsInstance(answer["sure"], bool)
        content = ""
        for chunk in self.chat(response_format=response_format, stream=True):
            content += chunk.choices[0].delta.content or ""
        self.assertEqual(content, whole.message.content)

    def test_json_holds_at_any_temperature(self):
        schema = {"type": "array", "items": {"enum": ["red", "green", "blue"]}, "minItems": 2, "maxItems": 4}
        response_format = {"type": "json_schema", "json_schema": {"name": "colours", "schema": schema}}
        for seed in range(8):
            answer = self.client.completions.create(
                model="abacus", prompt="1", max_tokens=200, temperature=2, seed=seed, extra_body={"response_format": response_format})
            colours = json.loads(answer.choices[0].text)
            self.assertTrue(2 <= len(colours) <= 4 and set(colours) <= {"red", "green", "blue"}, colours)

    def test_required_tool_is_called_with_valid_arguments(self):
        parameters = {"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}}, "required": ["a", "b"],
                      "additionalProperties": False}
        tools = [{"type": "function", "function": {"name": "add", "description": "Adds two integers.", "parameters": parameters}}]
        choice = {"type": "function", "function": {"name": "add"}}
        whole = self.chat(tools=tools, tool_choice=choice).choices[0]
        self.assertEqual(whole.finish_reason, "tool_calls")
        call = whole.message.tool_calls[0]
        self.assertEqual(call.function.name, "add")
        self.assertEqual(set(json.loads(call.function.arguments)), {"a", "b"})
        name, arguments = "", ""
        for chunk in self.chat(tools=tools, tool_choice=choice, stream=True):
            for delta in chunk.choices[0].delta.tool_calls or []:
                name += delta.function.name or ""
                arguments += delta.function.arguments or ""
        self.assertEqual((name, arguments), ("add", call.function.arguments))
        follow_up = QUESTION + [whole.message.model_dump(include={"role", "content", "tool_calls"}),
                                {"role": "tool", "tool_call_id": call.id, "content": "6218"}]
        answer = self.client.chat.completions.create(model="abacus", messages=follow_up, tools=tools, max_tokens=5)
        self.assertGreater(answer.usage.completion_tokens, 0)

    def test_openapi_names_every_route(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.cluster.rest_port, timeout=30)
        with contextlib.closing(connection):
            connection.request("GET", "/openapi.json")
            document = json.loads(connection.getresponse().read())
        self.assertIn("/v1/chat/completions", document["paths"])
        self.assertIn("/v1/models/{model}", document["paths"])

    def test_models(self):
        self.assertEqual([model.id for model in self.client.models.list()], ["abacus"])
        self.assertEqual(self.client.models.retrieve("abacus").id, "abacus")

    def test_refusals_say_what_is_wrong(self):
        long_prompt = json.dumps({"model": "abacus", "messages": [{"role": "user", "content": "1" * 100000}]})
        cases = [
            ("/v1/chat/completions", "{", 400, "JSON"),
            ("/v1/chat/completions", "{}", 400, "model"),
            ("/v1/chat/completions", '{"model":"gpt","messages":[{"role":"user","content":"x"}]}', 404, "abacus"),
            ("/v1/chat/completions", '{"model":"abacus","messages":[]}', 400, "messages"),
            ("/v1/chat/completions", long_prompt, 400, "context"),
            ("/v1/completions", '{"model":"abacus","prompt":[99999]}', 400, "99999"),
            ("/v1/nothing", "{}", 404, "/v1/nothing"),
            ("/v1/completions", '{"model":"abacus","prompt":"1","n":1000000}', 400, "'n'"),
            ("/v1/completions", '{"model":"abacus","prompt":"1","logit_bias":{"99999":1}}', 400, "99999"),
            ("/v1/completions", '{"model":"abacus","prompt":"1","echo":true,"logprobs":1}', 400, "echo"),
            ("/v1/completions", '{"model":"abacus","prompt":"1","response_format":{"type":"json_schema","json_schema":'
             '{"name":"x","schema":{"pattern":"(a+)+"}}}}', 400, "'pattern' is not supported"),
            ("/v1/chat/completions", '{"model":"abacus","messages":[{"role":"user","content":"x"}],"tool_choice":"required"}', 400,
             "tools"),
        ]
        for path, body, status, word in cases:
            with self.subTest(path=path, body=body[:60]):
                got, answer = self.post(path, body)
                self.assertEqual(got, status)
                self.assertIn(word, answer["error"]["message"])
                self.assertIn("type", answer["error"])

    def test_request_id_comes_back(self):
        answer = self.client.chat.completions.with_raw_response.create(model="abacus", messages=QUESTION, max_tokens=1)
        self.assertIn(answer.headers["x-request-id"], answer.text)
