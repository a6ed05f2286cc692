"""Takes the pictures of the README from a running cluster: screenshots.py DIRECTORY"""

import pathlib
import signal
import sys

from playwright.sync_api import expect

from tests.page.browser import BrowserTest

QUESTION = "What is 4821 + 1397?"


class Camera(BrowserTest):
    SHARDS, REPLICAS, DECODE = 3, 2, 2

    def playground(self, path):
        page = self.open(viewport={"width": 1200, "height": 640}, color_scheme="light")
        page.get_by_label("Seed").fill("7")
        for turn, question in enumerate((QUESTION, "Sort 31, 4, 15, 92, 6.")):
            page.get_by_label("Your message").fill(question)
            page.keyboard.press("Enter")
            expect(page.locator(".turn-end").nth(turn)).to_be_visible()
        page.locator("summary").last.click()
        page.locator("#scroll").evaluate("(scroll) => { scroll.scrollTop = scroll.scrollHeight; }")
        page.mouse.move(0, 0)
        page.screenshot(path=path)

    def shard_lost(self, path):
        page = self.open("cluster", viewport={"width": 1200, "height": 1190}, color_scheme="dark")
        page.get_by_role("button", name="Make traffic").click()
        shard = page.locator('.room[data-role="expert"]').nth(1)
        expect(shard.locator(".facts dd").first).not_to_have_text("0")
        page.wait_for_timeout(20_000)  # For the lines of the last minute.
        self.cluster.named("expert-1")[0].stop(signal.SIGKILL)
        expect(shard).to_have_attribute("data-state", "lost")
        page.wait_for_timeout(5_000)
        page.screenshot(path=path)


def main(directory):
    Camera.setUpClass()
    try:
        for name, take in (("playground", Camera.playground), ("cluster", Camera.shard_lost)):
            camera = Camera()
            take(camera, pathlib.Path(directory) / f"{name}.png")
            camera.doCleanups()
    finally:
        Camera.doClassCleanups()


if __name__ == "__main__":
    main(sys.argv[1])
