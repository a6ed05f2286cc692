"""The page in a real browser: Debian's Chromium, driven by Playwright."""

import contextlib
import shutil
import tempfile
import unittest
import urllib.parse

from playwright.sync_api import expect, sync_playwright

from tests.testing.cluster import Cluster

# A busy machine is slow; nothing here is a measurement.
PATIENCE_MS = 60_000
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True, "device_scale_factor": 2}


class BrowserTest(unittest.TestCase):
    """A cluster and a browser for the class, a fresh page for each test.

    Every test ends with two checks: the browser had nothing to complain of, and nothing was asked of anyone but the gateway.
    """

    SHARDS, REPLICAS, DECODE = 2, 1, 1
    GATEWAY_FLAGS = ()
    BROWSER_ARGS = ()

    @classmethod
    def setUpClass(cls):
        cls.cluster = cls.enterClassContext(Cluster(shards=cls.SHARDS, replicas=cls.REPLICAS, decode=cls.DECODE,
                                                   gateway_flags=cls.GATEWAY_FLAGS))
        cls.origin = f"http://127.0.0.1:{cls.cluster.rest_port}"
        home = cls.enterClassContext(tempfile.TemporaryDirectory())
        playwright = cls.enterClassContext(sync_playwright())
        cls.browser = cls.enterClassContext(
            contextlib.closing(
                playwright.chromium.launch(executable_path=shutil.which("chromium"),
                                           args=["--no-sandbox", "--disable-dev-shm-usage", *cls.BROWSER_ARGS],
                                           env={"HOME": home, "PATH": "/usr/bin:/bin"})))
        expect.set_options(timeout=PATIENCE_MS)

    def open(self, view="playground", **context):
        """A page of its own, with the complaints and the requests it causes noted."""
        self.complaints, self.requests = [], []
        opened = self.browser.new_context(**context)
        self.addCleanup(opened.close)
        opened.grant_permissions(["clipboard-read", "clipboard-write"])
        page = opened.new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.on("console", lambda message: message.type in ("error", "warning") and self.complaints.append(message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", lambda request: self.requests.append(request.url))
        page.goto(f"{self.origin}/#/{view}")
        return page

    def doCleanups(self):
        if hasattr(self, "requests"):
            with self.subTest("no complaints"):
                self.assertEqual(self.complaints, [])
            with self.subTest("nobody else is asked"):
                own = urllib.parse.urlsplit(self.origin).netloc
                self.assertEqual({urllib.parse.urlsplit(url).netloc for url in self.requests}, {own})
        return super().doCleanups()

    def assert_fits(self, page):
        """No sideways scrolling, and nothing cut off at the right."""
        width = page.evaluate("innerWidth")
        self.assertLessEqual(page.evaluate("document.documentElement.scrollWidth"), width)
        cut = page.evaluate("""() => [...document.querySelectorAll("main *")].filter((element) => {
            const box = element.getBoundingClientRect();
            return box.width > 1 && box.right > innerWidth + 1;
        }).map((element) => element.tagName + "." + element.className)""")
        self.assertEqual(cut, [])
