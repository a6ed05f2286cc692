"""Pages of other origins in a real browser, at a gateway that asks for no key."""

import http.server
import threading
import unittest

from tests.page.browser import BrowserTest
from tests.testing.cluster import http_get

BODY = '{"model": "abacus", "messages": [{"role": "user", "content": "2"}], "max_tokens": 1}'
# What any page may send to any server, and read nothing of.
SEND = """([url, body]) => fetch(url, {method: "POST", mode: "no-cors", headers: {"content-type": "text/plain"}, body})
          .then(answer => answer.type)"""
READ = """([url, body]) => fetch(url, {method: "POST", headers: {"content-type": "application/json", "x-other": "1"}, body})
          .then(async answer => [answer.status, answer.headers.get("x-request-id"), (await answer.json()).object], String)"""
STATUS = "path => fetch(path).then(answer => answer.status)"


class _EmptyPage(http.server.BaseHTTPRequestHandler):

    def do_GET(self):
        self.send_response(200)
        self.send_header("content-type", "text/html")
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


class OriginTest(BrowserTest):

    SHARDS = 1
    BROWSER_ARGS = ("--host-resolver-rules=MAP rebind.example 127.0.0.1",)

    @classmethod
    def serve_empty_page(cls):
        """The origin of a web server whose pages are empty."""
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _EmptyPage)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        cls.addClassCleanup(thread.join)
        cls.addClassCleanup(server.server_close)
        cls.addClassCleanup(server.shutdown)
        return f"http://localhost:{server.server_port}"

    @classmethod
    def setUpClass(cls):
        cls.friend, cls.stranger = cls.serve_empty_page(), cls.serve_empty_page()
        cls.GATEWAY_FLAGS = [f"--allowed_origins={cls.friend}"]
        super().setUpClass()
        cls.chat = f"{cls.origin}/v1/chat/completions"

    def page_at(self, url):
        opened = self.browser.new_context()
        self.addCleanup(opened.close)
        page = opened.new_page()
        page.goto(url)
        return page

    def counted(self, series):
        lines = http_get(self.cluster.gateway.metrics_port, "/metrics")[1].splitlines()
        return sum(float(line.split()[-1]) for line in lines if line.startswith(series))

    def test_a_strange_page_spends_and_reads_nothing(self):
        page = self.page_at(self.stranger)
        refused = self.counted('baleen_request_refused_total{status="403"}')
        answered = self.counted("baleen_request_success_total")
        self.assertEqual(page.evaluate(SEND, [self.chat, BODY]), "opaque")
        self.assertIn("TypeError", page.evaluate(READ, [self.chat, BODY]))
        # The second one asks first, and is not sent.
        self.assertEqual(self.counted('baleen_request_refused_total{status="403"}'), refused + 2)
        self.assertEqual(self.counted("baleen_request_success_total"), answered)

    def test_an_allowed_page_reads_its_answer(self):
        status, request_id, kind = self.page_at(self.friend).evaluate(READ, [self.chat, BODY])
        self.assertEqual((status, kind), (200, "chat.completion"))
        self.assertEqual(len(request_id), 32)

    def test_a_name_that_leads_here_reads_nothing(self):
        own = self.page_at(f"http://localhost:{self.cluster.rest_port}/")
        self.assertEqual(own.evaluate(STATUS, "/v1/cluster"), 200)
        rebound = self.page_at(f"http://rebind.example:{self.cluster.rest_port}/")
        for path in ("/v1/cluster", "/v1/models"):
            self.assertEqual(rebound.evaluate(STATUS, path), 403)


if __name__ == "__main__":
    unittest.main()
