"""More is asked than the cluster runs well: who finds no place in time is refused at once, and no tenant takes another one's place."""

import concurrent.futures
import json
import threading
import time
import unittest
import urllib.error
import urllib.request

from tests.testing.cluster import Cluster
from tests.testing.steady_load import metric

MAX_NUM_SEQS = 4
CLIENTS = 12    # Of the tenant that floods.
REQUESTS = 20   # Of the other one.
PATIENCE_S = 60
TOKENS = 64


class OverloadTest(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        cls.cluster = cls.enterClassContext(
            Cluster(worker_flags=[f"--max_num_seqs={MAX_NUM_SEQS}"], gateway_flags=["--max_expected_wait=0s"]))

    def ask(self, tenant):
        """(status, headers, body) of a completion; its text depends on nothing but the request."""
        body = {"model": "abacus", "prompt": "What is 4821 + 1397?", "max_tokens": TOKENS, "temperature": 0, "ignore_eos": True}
        request = urllib.request.Request(f"{self.cluster.base_url}/completions", json.dumps(body).encode(),
                                         {"Content-Type": "application/json", "Authorization": f"Bearer {tenant}"})
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
                return answer.status, answer.headers, json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, error.headers, json.load(error)

    def test_a_flood_is_refused_and_the_polite_tenant_is_served(self):
        expected = self.ask("polite")[2]["choices"][0]["text"]
        stop = threading.Event()
        refused = threading.Event()

        def flood():
            answers = []
            while not stop.is_set():
                answers.append(self.ask("flood"))
                if answers[-1][0] != 200:
                    refused.set()
                    time.sleep(0.05)
            return answers

        with concurrent.futures.ThreadPoolExecutor(CLIENTS) as pool:
            floods = [pool.submit(flood) for _ in range(CLIENTS)]
            try:
                self.assertTrue(refused.wait(PATIENCE_S), "nobody was refused")
                for _ in range(REQUESTS):
                    status, _, body = self.ask("polite")
                    self.assertEqual(status, 200, body)
                    self.assertEqual(body["choices"][0]["text"], expected)
                    running = metric(self.cluster.named("decode")[0], "baleen_num_requests_running")
                    self.assertLessEqual(running, MAX_NUM_SEQS)
            finally:
                stop.set()
        answers = [answer for each in floods for answer in each.result()]
        self.assertIn(200, {status for status, _, _ in answers}, "the flood has its own share")
        for status, headers, body in answers:
            self.assertIn(status, (200, 503), body)
            if status == 200:
                self.assertEqual(body["choices"][0]["text"], expected)
            else:
                self.assertGreaterEqual(int(headers["Retry-After"]), 1)
                self.assertIn("overloaded", body["error"]["message"])
        self.assertEqual(metric(self.cluster.gateway, "baleen_admission_max_num_seqs"), MAX_NUM_SEQS)
        self.assertEqual(metric(self.cluster.gateway, "baleen_admission_refused_total"), sum(status == 503 for status, _, _ in answers))
        self.assertEqual(metric(self.cluster.gateway, "baleen_admission_running_sequences"), 0)


if __name__ == "__main__":
    unittest.main()
