"""The page at a gateway that wants a key: asked for, typed, kept to the tab; and costs by the gateway's own prices."""

import json
import pathlib
import tempfile
import unittest

from playwright.sync_api import expect

from tests.page.browser import BrowserTest
from tests.testing.tenants import new_key

QUESTION = "What is 4821 + 1397?"
PRICES = {"currency": "EUR", "input_cache_hit_per_million": 100, "input_cache_miss_per_million": 500, "output_per_million": 2000}


class KeyTest(BrowserTest):

    @classmethod
    def setUpClass(cls):
        directory = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        cls.key, entry = new_key()
        (directory / "tenants.json").write_text(json.dumps({"tenants": [{"name": "acme", "keys": [entry]}]}))
        (directory / "prices.json").write_text(json.dumps(PRICES))
        cls.GATEWAY_FLAGS = [f"--tenants={directory}/tenants.json", f"--prices={directory}/prices.json"]
        super().setUpClass()

    def give_key(self, page):
        dialog = page.get_by_role("dialog", name="API key")
        expect(dialog).to_be_visible()
        page.locator("#key").fill(self.key)
        page.keyboard.press("Enter")
        expect(dialog).to_be_hidden()
        # The browser's own note of the answer that made the page ask.
        self.assertTrue(all("401" in complaint for complaint in self.complaints), self.complaints)
        self.complaints.clear()

    def test_the_page_asks_for_a_key_and_goes_on_with_it(self):
        page = self.open()
        self.give_key(page)
        expect(page.locator("#model-name")).to_have_text("abacus")
        page.get_by_label("Your message").fill(QUESTION)
        page.get_by_role("button", name="Send").click()
        expect(page.locator(".turn-end")).to_be_visible()
        expect(page.locator(".answer-text")).to_contain_text("6218")
        page.get_by_role("link", name="Cluster").click()
        expect(page.locator("#cluster")).to_contain_text("expert")
        page.reload()
        expect(page.locator("#model-name")).to_have_text("abacus")

    def test_a_refused_key_is_said_to_be_one(self):
        page = self.open()
        dialog = page.get_by_role("dialog", name="API key")
        expect(dialog).to_contain_text("This gateway wants an API key.")
        page.locator("#key").fill("baleen-" + "A" * 43)
        page.keyboard.press("Enter")
        expect(dialog).to_contain_text("This API key is not known here, or not any more.")
        expect(page.locator("#key")).to_have_value("baleen-" + "A" * 43)
        self.give_key(page)
        expect(page.locator("#model-name")).to_have_text("abacus")
        page.get_by_role("button", name="API key").click()
        expect(dialog).not_to_contain_text("not known")

    def test_costs_are_those_that_the_gateway_bills(self):
        page = self.open()
        self.give_key(page)
        expect(page.locator("#price-note")).to_contain_text("This gateway's price table, EUR per million tokens.")
        for name, value in (("hit", "100"), ("miss", "500"), ("output", "2000")):
            expect(page.locator(f"#price-{name}")).to_have_value(value)
            expect(page.locator(f"#price-{name}")).not_to_be_editable()
        ask = "key => fetch('/v1/usage', {headers: {authorization: `Bearer ${key}`}}).then(answer => answer.json())"
        before = page.evaluate(ask, self.key)["cost"]["amount"]
        page.get_by_label("Your message").fill(QUESTION)
        page.get_by_role("button", name="Send").click()
        expect(page.locator(".turn-end")).to_be_visible()
        after = page.evaluate(ask, self.key)
        self.assertEqual(after["cost"]["currency"], "EUR")
        expect(page.locator("#total-cost")).to_have_text(f"€{after['cost']['amount'] - before:.2f}")

    def test_leaving_the_dialog_keeps_the_key(self):
        page = self.open()
        self.give_key(page)
        expect(page.locator("#model-name")).to_have_text("abacus")
        for leave in (lambda: page.keyboard.press("Escape"), lambda: page.get_by_role("button", name="Cancel").click()):
            page.get_by_role("button", name="API key").click()
            page.locator("#key").fill("another")
            leave()
            expect(page.get_by_role("dialog")).to_have_count(0)
            self.assertEqual(page.evaluate("sessionStorage.getItem('baleen-key')"), self.key)


if __name__ == "__main__":
    unittest.main()
