"""HTTP as real clients speak it: curl, a raw socket, and the openai package under DeepSeek's base URLs."""

import email.utils
import json
import pathlib
import socket
import subprocess
import tempfile
import time
import unittest

import openai

from tests.testing.cluster import MODEL, Cluster

NAME = "Deep Seek é"
QUESTION = [{"role": "user", "content": "What is 4821 + 1397?"}]
JSON = ("--header", "content-type: application/json")
# Beyond this size curl waits for "100 Continue" before it sends a body.
CURL_WAITS_BYTES = 1 << 20


class HttpTest(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        model = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory())) / NAME
        model.symlink_to(MODEL.resolve())
        cls.cluster = cls.enterClassContext(Cluster(shards=1, prefill=0, decode=1, model=model))
        cls.url = f"http://127.0.0.1:{cls.cluster.rest_port}"
        cls.chat = json.dumps({"model": NAME, "messages": QUESTION, "max_tokens": 1})

    def curl(self, *words):
        command = ["curl", "--silent", "--show-error", "--max-time", "60", *words]
        done = subprocess.run(command, capture_output=True, text=True, timeout=90)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done

    def status(self, *words):
        return self.curl("--output", "/dev/null", "--write-out", "%{http_code}", *words).stdout

    def test_deepseeks_base_urls(self):
        answers = set()
        for root in ("", "/beta", "/v1"):
            with self.subTest(root=root), openai.OpenAI(base_url=self.url + root, api_key="unused", max_retries=0) as client:
                self.assertEqual([model.id for model in client.models.list()], [NAME])
                self.assertEqual(client.models.retrieve(NAME).id, NAME)
                answers.add(client.chat.completions.create(model=NAME, messages=QUESTION, temperature=0).choices[0].message.content)
                prefix = [*QUESTION, {"role": "assistant", "content": "The sum is", "prefix": True}]
                chat = client.chat.completions.create(model=NAME, messages=prefix, max_tokens=4)
                self.assertEqual(chat.usage.completion_tokens, 4)
                text = client.completions.create(model=NAME, prompt="1", max_tokens=2, extra_body={"ignore_eos": True})
                self.assertEqual(text.usage.completion_tokens, 2)
        self.assertEqual(len(answers), 1)

    def test_curl_is_told_to_send_its_body(self):
        padded = self.chat + " " * CURL_WAITS_BYTES
        with tempfile.NamedTemporaryFile("w") as body:
            body.write(padded)
            body.flush()
            done = self.curl("--verbose", "--expect100-timeout", "50", *JSON, "--data-binary", f"@{body.name}",
                             f"{self.url}/v1/chat/completions")
        self.assertIn("< HTTP/1.1 100 Continue", done.stderr)
        self.assertIn("< HTTP/1.1 200 OK", done.stderr)
        self.assertEqual(json.loads(done.stdout)["model"], NAME)

    def test_a_refused_head_asks_for_no_body(self):
        for header, status in (("Content-Length: 99999999\r\nExpect: 100-continue", b"413"), ("Content-Length: 9\r\nExpect: tea", b"417")):
            with self.subTest(header=header), socket.create_connection(("127.0.0.1", self.cluster.rest_port), timeout=60) as raw:
                raw.sendall(f"POST /v1/completions HTTP/1.1\r\nHost: localhost\r\n{header}\r\n\r\n".encode())
                answer = raw.makefile("rb").read()
                self.assertEqual(answer.split()[1], status, answer)
                self.assertIn(b"message", answer)

    def test_head_is_get_without_the_body(self):
        for path in ("/", "/health", "/livez", "/readyz", "/v1/models", "/openapi.json", "/models"):
            with self.subTest(path=path):
                length = len(self.curl(self.url + path).stdout.encode())
                head = self.curl("--head", self.url + path).stdout.lower()
                self.assertTrue(head.startswith("http/1.1 200 ok"), head)
                self.assertIn(f"content-length: {length}\n", head)

    def test_answers_are_dated(self):
        head = self.curl("--head", f"{self.url}/livez").stdout
        dated = next(line for line in head.splitlines() if line.lower().startswith("date: "))
        then = email.utils.parsedate_to_datetime(dated.split(": ", 1)[1]).timestamp()
        self.assertLess(abs(time.time() - then), 60)

    def test_targets_in_other_forms(self):
        self.assertEqual(self.status(f"{self.url}/v1/models/Deep%20Seek%20%C3%A9"), "200")
        self.assertEqual(self.status(f"{self.url}/v1/mo%64els"), "200")
        self.assertEqual(self.status(f"{self.url}/v1/models/%zz"), "400")
        self.assertEqual(self.status("--request-target", "http://localhost/v1/models", self.url), "200")
        # The guard sees through it: the authority counts, not the header.
        self.assertEqual(self.status("--request-target", "http://rebind.example/v1/models", self.url), "403")

    def test_a_form_is_no_json(self):
        chat = f"{self.url}/v1/chat/completions"
        self.assertEqual(self.status("--data", self.chat, chat), "415")
        self.assertEqual(self.status("--form", "model=x", chat), "415")
        self.assertEqual(self.status(*JSON, "--data", self.chat, chat), "200")


if __name__ == "__main__":
    unittest.main()
