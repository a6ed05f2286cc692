"""The playground: asking, thinking apart, stopping, figures, the request to copy; by keyboard, on a phone, in the dark."""

import contextlib
import json
import signal
import subprocess
import threading
import unittest

from playwright.sync_api import expect

from tests.page.browser import PHONE, BrowserTest

QUESTION = "What is 4821 + 1397?"
ANSWER = "6218"
NUMBER = {"type": "integer", "minimum": 0, "maximum": 9999}
ADD = {"name": "add", "description": "Adds two integers.",
       "parameters": {"type": "object", "properties": {"a": NUMBER, "b": NUMBER}, "required": ["a", "b"], "additionalProperties": False}}


class PlaygroundTest(BrowserTest):

    def ask(self, page, question=QUESTION):
        page.get_by_label("Your message").fill(question)
        page.get_by_role("button", name="Send").click()

    def answered(self, page, turn=0):
        """The turn, once it has ended."""
        item = page.locator(".turn").nth(turn)
        expect(item.locator(".turn-end")).to_be_visible()
        return item

    def test_a_question_is_answered_with_its_thinking_apart(self):
        page = self.open()
        self.ask(page)
        thinking = page.locator(".thinking-text")
        expect(thinking).not_to_be_empty()
        turn = self.answered(page)
        expect(turn.locator(".answer-text")).to_contain_text(ANSWER)
        # Folded away by the time there is an answer, and there for who asks.
        expect(thinking).to_be_hidden()
        turn.locator("summary").click()
        expect(thinking).to_be_visible()
        self.assertNotEqual(thinking.inner_text(), turn.locator(".answer-text").inner_text())
        figures = turn.locator(".figures")
        for figure in ("First token", "tokens/s", "In", "Out", "Cost"):
            expect(figures).to_contain_text(figure)
        expect(page.locator("#total-cost")).not_to_have_text("$0")

    def test_the_conversation_goes_on(self):
        page = self.open()
        self.ask(page)
        self.answered(page)
        with page.expect_request("**/v1/chat/completions") as sent:
            self.ask(page, "Sort 31, 4, 15.")
        messages = sent.value.post_data_json["messages"]
        self.assertEqual([message["role"] for message in messages], ["user", "assistant", "user"])
        self.assertIn(ANSWER, messages[1]["content"])
        expect(self.answered(page, 1).locator(".answer-text")).to_contain_text("4, 15, 31")
        page.get_by_role("link", name="Skip to content").focus()
        page.keyboard.press("Enter")
        expect(page.locator("#main")).to_be_focused()
        page.get_by_role("button", name="New chat").click()
        expect(page.locator(".turn")).to_have_count(0)
        expect(page.locator("#welcome")).to_be_visible()

    @contextlib.contextmanager
    def slow_decoding(self):
        """Decode workers run one part in twenty of the time, in turns far shorter than what counts as death."""
        workers = [process.process for process in self.cluster.processes if process.name.startswith("decode")]
        over = threading.Event()

        def pulse():
            while not over.wait(0.002):
                for signal_number in (signal.SIGSTOP, signal.SIGCONT):
                    for worker in workers:
                        worker.send_signal(signal_number)
                    if signal_number == signal.SIGSTOP:
                        over.wait(0.04)

        thread = threading.Thread(target=pulse)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def test_a_stream_is_stopped(self):
        page = self.open()
        # As soon as there is a token: by the time that a click came from outside, the worker might be done.
        page.evaluate("""() => new MutationObserver((_, observer) => {
            if (!document.querySelector(".thinking-text")?.textContent) return;
            observer.disconnect();
            document.getElementById("stop").click();
        }).observe(document.getElementById("turns"), {subtree: true, childList: true})""")
        with self.slow_decoding():
            self.ask(page)
            expect(page.locator(".answer")).to_have_attribute("data-state", "stopped")
        expect(page.locator(".answer-text")).to_contain_text("Stopped.")
        expect(page.get_by_role("button", name="Send")).to_be_visible()
        self.ask(page)
        expect(self.answered(page, 1).locator(".answer-text")).to_contain_text(ANSWER)

    def test_settings_are_sent_and_can_be_copied(self):
        page = self.open()
        for label, value in (("Temperature", "0.7"), ("Top p", "0.9"), ("Seed", "11"), ("Max tokens", "60")):
            page.get_by_label(label).fill(value)
        with page.expect_request("**/v1/chat/completions") as sent:
            self.ask(page, "What's \"5\" + 6?")
        body = sent.value.post_data_json
        self.assertEqual({name: body[name] for name in ("temperature", "top_p", "seed", "max_tokens")},
                         {"temperature": 0.7, "top_p": 0.9, "seed": 11, "max_tokens": 60})
        turn = self.answered(page)
        turn.get_by_role("button", name="Request").click()
        page.get_by_role("dialog").get_by_role("button", name="Copy").click()
        curl = page.evaluate("navigator.clipboard.readText()")
        page.get_by_role("button", name="Python").click()
        python = page.locator("#snippet").inner_text()
        page.keyboard.press("Escape")
        # What was copied is what was sent: the same seed gives the same tokens.
        shown = turn.locator(".thinking-text").text_content() + turn.locator(".answer-text").text_content()
        self.assertEqual(self.text_of(subprocess.run(["bash", "-c", curl], capture_output=True, text=True, check=True).stdout), shown)
        run = subprocess.run(["python3", "-c", f"import ast, sys; ast.parse(sys.stdin.read())"], input=python, text=True, check=False)
        self.assertEqual(run.returncode, 0, python)

    def test_fields_take_what_the_server_takes(self):
        page = self.open()
        valid = "input => input.checkValidity()"
        for field, values in {"temperature": ("0.33", "2"), "top_p": ("0.001", "0.955", "1"), "price-hit": ("0.014", "0")}.items():
            for value in values:
                page.locator(f"#{field}").fill(value)
                self.assertTrue(page.locator(f"#{field}").evaluate(valid), (field, value))
        for field, value in (("temperature", "2.1"), ("top_p", "0"), ("price-hit", "-1")):
            page.locator(f"#{field}").fill(value)
            self.assertFalse(page.locator(f"#{field}").evaluate(valid), (field, value))

    @staticmethod
    def text_of(stream):
        """Thinking and answer out of a stream of events."""
        deltas = [choice["delta"] for line in stream.splitlines() if line.startswith("data: {")
                  for choice in json.loads(line[6:])["choices"]]
        return "".join(delta.get("reasoning_content") or "" for delta in deltas) + "".join(delta.get("content") or "" for delta in deltas)

    def test_a_tool_call_is_shown(self):
        page = self.open()
        page.get_by_label("Functions it may call").fill(json.dumps([ADD]))
        page.get_by_label("Must call one").check()
        page.get_by_label("Temperature").fill("0")
        with page.expect_request("**/v1/chat/completions") as sent:
            self.ask(page)
        body = sent.value.post_data_json
        self.assertEqual((body["tools"], body["tool_choice"]), ([{"type": "function", "function": ADD}], "required"))
        turn = self.answered(page)
        call = turn.get_by_role("list", name="Tool calls").get_by_role("listitem").first
        expect(call.locator("strong")).to_have_text("add")
        self.assertEqual(sorted(json.loads(call.locator("pre").inner_text())), ["a", "b"])
        expect(turn.locator(".figures")).to_contain_text("waits for its tools")
        self.assert_fits(page)

    def test_a_tools_result_is_given_back(self):
        page = self.open()
        page.get_by_label("Functions it may call").fill(json.dumps([ADD]))
        page.get_by_label("Must call one").check()
        page.get_by_label("Temperature").fill("0")
        page.get_by_label("Max tokens").fill("200")
        self.ask(page)
        called = self.answered(page)
        button = called.get_by_role("button", name="Give results")
        button.click()
        expect(page.locator(".turn")).to_have_count(1)
        expect(called.get_by_label("What add returned")).to_be_focused()
        for result in (ANSWER, "6219"):
            called.get_by_label("What add returned").fill(result)
            with page.expect_request("**/v1/chat/completions") as sent:
                button.click()
            body = sent.value.post_data_json
            user, call, tool = body["messages"]
            self.assertEqual((user["content"], call["role"], tool["role"]), (QUESTION, "assistant", "tool"))
            self.assertEqual((call["tool_calls"][0]["id"], result), (tool["tool_call_id"], tool["content"]))
            self.assertNotIn("tool_choice", body)
            self.assertEqual(sent.value.response().status, 200)
            self.answered(page, 1)
            expect(page.locator(".turn")).to_have_count(2)
        expect(page.locator(".turn").nth(1).locator(".asked-text")).to_have_text("add: 6219")
        expect(page.locator(".problem:visible")).to_have_count(0)
        self.assert_fits(page)

    def answer_with(self, page, text):
        """The next answers are this text, which abacus would not say."""
        chunks = [{"index": 0, "delta": {"content": text}, "finish_reason": None}, {"index": 0, "delta": {}, "finish_reason": "stop"}]
        body = "".join(f"data: {json.dumps({'choices': [chunk]})}\n\n" for chunk in chunks) + "data: [DONE]\n\n"
        page.route("**/v1/chat/completions", lambda route: route.fulfill(content_type="text/event-stream", body=body))

    def test_formulas_are_set(self):
        page = self.open()
        self.answer_with(page, "\n".join([
            r"So \(\frac{1}{2}\) of it, **\(x^2\)**, and \[\sqrt{y}\] in a line.", "",
            r"1. First:", r"   \[", r"   \begin{aligned} a &= b \\[4pt]", r"   - c &= d \end{aligned}", r"   \].",
            r"2. Then", r"$$", r"\boxed{7}", r"$$", "",
            r"Not one: `\(z\)`, $5 or $6, \(\frac{1\), \(\href{https://example.com}{t}\), \[ open", "",
            "```", r"\[ x \]", "```"]))
        self.ask(page)
        answer = self.answered(page).locator(".answer-text")
        for formula in ("math mfrac", "strong math msup", "math msqrt", "math mtable", "math menclose"):
            expect(answer.locator(formula)).to_have_count(1)
        expect(answer.locator("math[display=block]")).to_have_count(3)
        self.assertGreater(answer.locator("mtable").bounding_box()["height"], 20)
        for text in (r"\(z\)", "$5 or $6", r"\(\frac{1\)", r"\[ open"):
            expect(answer).to_contain_text(text)
        expect(answer.locator("pre")).to_have_text(r"\[ x \]")
        expect(answer.locator("a, [href]")).to_have_count(0)
        expect(answer.locator("ul, .heading")).to_have_count(0)
        self.assert_fits(page)

    def test_tools_that_are_no_json_are_pointed_out(self):
        page = self.open()
        for wrong in ("[{", "{}"):
            page.get_by_label("Functions it may call").fill(wrong)
            self.ask(page)
            expect(page.locator(".turn")).to_have_count(0)
            expect(page.get_by_label("Functions it may call")).to_be_focused()
        page.get_by_label("Functions it may call").fill("")
        self.ask(page)
        self.answered(page)

    def test_a_value_out_of_range_is_pointed_out(self):
        page = self.open()
        page.get_by_label("Temperature").fill("9")
        self.ask(page)
        expect(page.locator(".turn")).to_have_count(0)
        expect(page.get_by_label("Temperature")).to_be_focused()

    def test_a_refusal_says_why(self):
        page = self.open()
        page.get_by_label("Max tokens").fill("999999")
        self.ask(page)
        expect(page.locator(".problem")).to_contain_text("max_tokens")
        # The browser's own note of a failed request is what is wanted here.
        self.assertTrue(all("400" in complaint for complaint in self.complaints), self.complaints)
        self.complaints.clear()

    def test_text_is_never_markup(self):
        page = self.open()
        self.ask(page, "<img src=x onerror=alert(1)> <b>2 + 2</b>")
        turn = self.answered(page)
        expect(turn.locator(".asked-text")).to_have_text("<img src=x onerror=alert(1)> <b>2 + 2</b>")
        self.assertEqual(turn.locator("img, .asked-text b").count(), 0)
        with self.assertRaisesRegex(Exception, "TrustedHTML"):
            page.evaluate("document.body.innerHTML = '<p>x</p>'")
        self.complaints.clear()

    def test_keyboard_alone(self):
        page = self.open()
        expect(page.get_by_label("Your message")).to_be_focused()
        page.keyboard.type(QUESTION)
        page.keyboard.press("Shift+Enter")
        page.keyboard.type("Please.")
        page.keyboard.press("Enter")
        turn = self.answered(page)
        expect(turn.locator(".asked-text")).to_have_text(f"{QUESTION}\nPlease.")
        self.tab_to(page, "summary", back=True)
        page.keyboard.press("Enter")
        expect(turn.locator(".thinking-text")).to_be_visible()
        self.tab_to(page, "[data-action=request]")
        page.keyboard.press("Enter")
        expect(page.get_by_role("dialog")).to_be_visible()
        page.keyboard.press("Escape")
        expect(page.get_by_role("dialog")).to_have_count(0)
        expect(turn.get_by_role("button", name="Request")).to_be_focused()
        self.tab_to(page, "[data-view=cluster]", back=True)
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", name="Cluster")).to_be_visible()

    def tab_to(self, page, selector, back=False):
        """Moves the focus with the Tab key; every stop on the way is visible and has a name."""
        for _ in range(40):
            if page.evaluate("(selector) => document.activeElement.matches(selector)", selector):
                return
            page.keyboard.press("Shift+Tab" if back else "Tab")
        self.fail(f"the Tab key does not lead to {selector}")

    def test_on_a_phone(self):
        page = self.open(**PHONE)
        self.assert_fits(page)
        page.get_by_label("Your message").fill(QUESTION)
        page.get_by_role("button", name="Send").tap()
        turn = self.answered(page)
        expect(turn.locator(".answer-text")).to_contain_text(ANSWER)
        self.assert_fits(page)
        page.get_by_role("button", name="Settings").tap()
        expect(page.get_by_label("Temperature")).to_be_visible()
        self.assert_fits(page)
        page.get_by_role("button", name="Close").tap()
        expect(page.get_by_label("Temperature")).to_be_hidden()

    def test_light_and_dark(self):
        page = self.open(color_scheme="dark")
        brightness = "() => getComputedStyle(document.body).backgroundColor.match(/\\d+/g).slice(0, 3).reduce((a, b) => a + +b, 0)"
        self.assertLess(page.evaluate(brightness), 150)
        theme = page.locator("#theme-button")
        theme.click()
        expect(theme).to_have_accessible_name("Theme: light")
        self.assertGreater(page.evaluate(brightness), 600)
        page.reload()
        expect(theme).to_have_accessible_name("Theme: light")
        theme.click()
        expect(theme).to_have_accessible_name("Theme: dark")
        self.assertLess(page.evaluate(brightness), 150)

    def test_a_key_is_sent_and_not_kept(self):
        page = self.open()
        page.get_by_role("button", name="API key").click()
        page.locator("#key").fill("secret-of-this-tab")
        page.get_by_role("button", name="Use it").click()
        with page.expect_request("**/v1/chat/completions") as sent:
            self.ask(page)
        self.assertEqual(sent.value.headers["authorization"], "Bearer secret-of-this-tab")
        turn = self.answered(page)
        turn.get_by_role("button", name="Request").click()
        expect(page.locator("#snippet")).to_contain_text("$BALEEN_API_KEY")
        self.assertNotIn("secret-of-this-tab", page.content())
        self.assertNotIn("secret-of-this-tab", page.evaluate("JSON.stringify(localStorage)"))


if __name__ == "__main__":
    unittest.main()
