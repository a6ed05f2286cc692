"""The cluster view: a shard is killed, its room says so and the heat goes to its replicas; by keyboard, on a phone, in the dark."""

import json
import signal
import unittest

from playwright.sync_api import expect

from tests.page.browser import PHONE, BrowserTest
from tests.testing.cluster import http_get


class ClusterViewTest(BrowserTest):
    SHARDS, REPLICAS, DECODE = 3, 2, 2

    def rooms(self, page, state="ready"):
        return page.locator(f'.room[data-state="{state}"]')

    def all_ready(self, page):
        # Gateway, prefill, two decode workers, three shards, placement.
        expect(self.rooms(page)).to_have_count(8)

    def shard(self, page, domain):
        return page.locator('.room[data-role="expert"]').filter(has=page.get_by_text(domain, exact=True))

    def test_shown_by_the_document(self):
        status, body = http_get(self.cluster.rest_port, "/v1/cluster")
        self.assertEqual(status, 200)
        workers = json.loads(body)["workers"]
        self.assertEqual(sorted(worker["role"] for worker in workers), ["decode"] * 2 + ["expert"] * 3 + ["gateway", "prefill"])
        for process in self.cluster.processes:
            self.assertNotIn(f":{process.grpc_port}", body, "addresses are nobody's business")

    def test_death_of_a_shard(self):
        page = self.open("cluster")
        self.all_ready(page)
        page.get_by_role("button", name="Make traffic").click()
        rows = {domain: self.shard(page, domain).locator(".facts dd").first for domain in ("expert-0", "expert-1", "expert-2")}
        for rate in rows.values():
            expect(rate).not_to_have_text("0")
        readout = page.locator("#heat-readout")
        expect(readout).to_contain_text("Hottest: layer")
        dead = self.shard(page, "expert-1")
        name = dead.locator(".room-name").inner_text()
        self.cluster.named("expert-1")[0].stop(signal.SIGKILL)
        expect(dead).to_have_attribute("data-state", "lost")
        expect(rows["expert-1"]).to_have_text("0")
        expect(page.locator("#log")).to_contain_text(f"{name} is lost")
        # The two that are left hold everything, and get all the rows.
        for domain in ("expert-0", "expert-2"):
            expect(self.shard(page, domain)).to_contain_text("64 / 64")
            expect(rows[domain]).not_to_have_text("0")
        expect(readout).to_contain_text("Hottest: layer")
        self.assertNotIn(name, readout.inner_text())
        page.get_by_role("button", name="Stop traffic").click()
        self.cluster.named("expert-1")[0].start()
        expect(page.locator("#log")).to_contain_text(" joined")
        self.all_ready(page)

    def test_keyboard_reads_experts_out(self):
        page = self.open("cluster")
        self.all_ready(page)
        page.locator("#heat").focus()
        expect(page.locator("#heat-readout")).to_contain_text("layer 1, expert 0")
        page.keyboard.press("ArrowRight")
        page.keyboard.press("ArrowDown")
        expect(page.locator("#heat-readout")).to_contain_text("layer 2, expert 1")
        expect(page.locator("#heat-readout")).to_contain_text(", on expert ")

    def test_on_a_phone(self):
        page = self.open("cluster", **PHONE)
        self.all_ready(page)
        self.assert_fits(page)

    def test_dark(self):
        page = self.open("cluster", color_scheme="dark")
        self.all_ready(page)
        pixel = """() => { const heat = document.getElementById("heat");
            return [...heat.getContext("2d").getImageData(2, 2, 1, 1).data].slice(0, 3).reduce((a, b) => a + b); }"""
        self.assertLess(page.evaluate(pixel), 250)
        page.locator("#theme-button").click()
        self.assertGreater(page.evaluate(pixel), 500)
        # The browser's advice on reading pixels is for this test, not for the page.
        self.complaints = [complaint for complaint in self.complaints if "getImageData" not in complaint]

    def test_nothing_is_followed_that_nobody_sees(self):
        page = self.open("cluster")
        self.all_ready(page)
        with page.expect_event("requestfailed", lambda request: request.url.endswith("/v1/cluster")):
            page.get_by_role("link", name="Playground", exact=True).click()


if __name__ == "__main__":
    unittest.main()
