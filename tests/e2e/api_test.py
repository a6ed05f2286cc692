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
        answers = [self.chat(seed=seed, **sampling).choices[0].message for seed in (7, 7, 8)]
        self.assertEqual(answers[0], answers[1])
        self.assertNotEqual(answers[0], answers[2])

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
        answer = self.chat(logprobs=True, top_logprobs=3, max_tokens=4).choices[0]
        self.assertEqual(len(answer.logprobs.content), 4)
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
