"""The crowd's requests, samples and arrivals, against a server that plays a gateway, and against a cluster that refuses most of them."""

import http.server
import json
import socket
import sys
import threading
import time
import types
import unittest

from tests.chaos.open_load import TOKENS, Asker
from tests.testing.cluster import Cluster
from tests.testing.steady_load import metric

PATIENCE_S = 60
SHORT_S = 0.2
EVENTS = (b'data: {"text":"a"}\n\n', b"data: [DONE]\n\n")


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with self.server.changed:
            self.server.requests.append((self.path, self.headers, body))
            self.server.changed.notify_all()
        self.server.answer(self)

    def head(self, status, **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()

    def chunk(self, piece):
        self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))

    def stream(self, *events):
        self.head(200, Transfer_Encoding="chunked")
        for event in events:
            self.chunk(event)

    def log_message(self, *_):
        pass


def complete(handler):
    handler.stream(*EVENTS)
    handler.chunk(b"")


def refuse(handler):
    handler.head(503, Retry_After="3", Content_Length="0")


def refuse_and_close(handler):
    handler.head(429, Connection="close", Content_Length="0")


def break_off(handler):
    handler.stream(*EVENTS[:1])
    handler.close_connection = True


def _asker(port, patience_s=PATIENCE_S):
    gateway = types.SimpleNamespace(host="127.0.0.1")
    return Asker(types.SimpleNamespace(gateway=gateway, rest_port=port), "tenant", patience_s)


class StubGateway(http.server.ThreadingHTTPServer):
    """Answers every request by `answer(handler)`."""

    request_queue_size = 128

    def __init__(self, answer):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answer = answer
        self.requests, self.connections, self.changed = [], 0, threading.Condition()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def __exit__(self, *details):
        self.shutdown()
        super().__exit__(*details)

    def process_request(self, *details):
        self.connections += 1
        super().process_request(*details)

    def handle_error(self, *details):
        if not isinstance(sys.exc_info()[1], ConnectionError):  # Clients that give up, or are killed, break theirs.
            super().handle_error(*details)

    def asker(self, patience_s=PATIENCE_S):
        return _asker(self.server_port, patience_s)

    def wait_for_requests(self, count):
        with self.changed:
            if not self.changed.wait_for(lambda: len(self.requests) >= count, PATIENCE_S):
                raise AssertionError(f"{len(self.requests)} of {count} requests")


class StubTest(unittest.TestCase):

    def gateway(self, answer):
        return self.enterContext(StubGateway(answer))

    def test_a_complete_answer(self):
        begun = time.monotonic()
        gateway = self.gateway(complete)
        sample = gateway.asker().ask()
        self.assertEqual((sample.status, sample.answered, sample.refused, sample.tokens), (200, True, False, TOKENS))
        self.assertTrue(0 < sample.first_s <= sample.took_s)
        self.assertTrue(begun <= sample.begun and sample.ended <= time.monotonic())

    def test_refusals(self):
        for answer, status, retry_after in ((refuse, 503, 3), (refuse_and_close, 429, None)):
            sample = self.gateway(answer).asker().ask()
            self.assertEqual((sample.status, sample.retry_after), (status, retry_after))
            self.assertEqual((sample.answered, sample.refused, sample.tokens, sample.first_s), (False, True, 0, None))

    def test_an_answer_that_breaks_off(self):
        sample = self.gateway(break_off).asker().ask()
        self.assertEqual((sample.status, sample.answered, sample.refused), (200, False, False))
        self.assertIsNotNone(sample.first_s)

    def test_a_request_is_given_up(self):
        release = threading.Event()
        self.addCleanup(release.set)
        sample = self.gateway(lambda handler: release.wait()).asker(SHORT_S).ask()
        self.assertEqual((sample.status, sample.answered), (0, False))
        self.assertGreaterEqual(sample.took_s, SHORT_S)

    def test_nobody_listens(self):
        with socket.socket() as deaf:
            deaf.bind(("127.0.0.1", 0))
            sample = _asker(deaf.getsockname()[1]).ask()
        self.assertEqual((sample.status, sample.answered), (0, False))

    def test_streams_ask_again_over_the_same_connections(self):
        gateway = self.gateway(complete)
        run = gateway.asker().streams(3, 0.5)
        samples = run.samples()
        self.assertEqual([sample.status for sample in samples], [200] * len(gateway.requests))
        self.assertGreater(len(samples), 3)
        self.assertEqual(gateway.connections, 3)
        self.assertGreater(run.cpu_s, 0)

    def test_streams_run_until_they_are_stopped(self):
        gateway = self.gateway(complete)
        with gateway.asker().streams(2, 3600) as run:
            gateway.wait_for_requests(6)
            run.stop()
            samples = run.samples()
        self.assertEqual(len(samples), len(gateway.requests))
        self.assertTrue(all(sample.answered for sample in samples))

    def test_a_run_ends_with_its_context(self):
        gateway = self.gateway(complete)
        with gateway.asker().streams(2, 3600) as run:
            gateway.wait_for_requests(2)
        with self.assertRaisesRegex(RuntimeError, "ended with -9"):
            run.samples()

    def test_requests_say_who_asks_what(self):
        gateway = self.gateway(complete)
        asker = gateway.asker()
        asker.streams(2, 0.2).samples()
        asker.ask()
        for path, headers, body in gateway.requests:
            self.assertEqual((path, headers["Authorization"]), ("/v1/completions", "Bearer tenant"))
            self.assertEqual({**body, "prompt": ""}, {"model": "abacus", "prompt": "", "max_tokens": TOKENS, "temperature": 0,
                                                      "ignore_eos": True, "stream": True})
        self.assertEqual(len({body["prompt"] for _, _, body in gateway.requests}), len(gateway.requests))

    def test_a_seed_gives_the_same_arrivals(self):
        gateway = self.gateway(refuse)
        counts = [len(gateway.asker().arrivals(300, 0.5, seed).samples()) for seed in ("a 1", "a 1", "a 2")]
        self.assertEqual(sum(counts), len(gateway.requests))
        self.assertEqual(counts[0], counts[1])
        self.assertNotEqual(counts[0], counts[2])

    def test_arrivals_do_not_wait_for_each_other(self):
        # Every answer waits until all requests are there.
        together = threading.Event()
        gateway = self.gateway(lambda handler: together.wait(PATIENCE_S) and refuse(handler))
        with gateway.asker().arrivals(40, 0.5, "together") as run:
            gateway.wait_for_requests(10)
            together.set()
            samples = run.samples()
        self.assertTrue(all(sample.refused for sample in samples))

    def test_what_is_wrong_is_said(self):
        with self.assertRaisesRegex(RuntimeError, "ended with 1: crowd: --rate: expected more than 0"):
            self.gateway(refuse).asker().arrivals(-1, 1, "seed").samples()


class ClusterTest(unittest.TestCase):

    def test_a_crowd_beyond_what_a_cluster_answers(self):
        flags = dict(worker_flags=["--max_num_seqs=4"], gateway_flags=["--max_expected_wait=0s"])
        with Cluster(**flags) as cluster:
            samples = Asker(cluster, "crowd", PATIENCE_S).arrivals(400, 2, "crowd").samples()
            answered, refused = ([sample for sample in samples if getattr(sample, kind)] for kind in ("answered", "refused"))
            self.assertEqual(len(answered) + len(refused), len(samples))
            self.assertGreater(min(len(answered), len(refused)), 0)
            self.assertTrue(all(sample.retry_after >= 1 for sample in refused))
            self.assertEqual(metric(cluster.gateway, "baleen_admission_refused_total"), len(refused))
            self.assertEqual(metric(cluster.named("decode")[0], "baleen_generation_tokens_total"), len(answered) * TOKENS)


if __name__ == "__main__":
    unittest.main()
