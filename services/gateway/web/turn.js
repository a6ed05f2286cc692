// One turn on the page: the question, the thinking folded apart, the answer, the figures.
import {byId, count, element, seconds, setText, short} from "./dom.js";
import {prose} from "./prose.js";
import {speed} from "./request.js";

const FINISHES = {
  tool_calls: "waits for its tools", length: "cut off at max tokens", content_filter: "stopped by a guardrail", insufficient_system_resource: "given up",
};

const resultField = (name) => element("label", {class: "result"}, element("span", {}, `What ${name} returned`),
                                      element("textarea", {rows: "2", spellcheck: "false", required: true}));

export class TurnView {
  constructor(question, handlers) {
    this.root = byId("turn-template").content.firstElementChild.cloneNode(true);
    const part = (name) => this.root.querySelector(name);
    this.answer = part(".answer");
    this.thinking = part(".thinking");
    this.thinkingText = part(".thinking-text");
    this.answerText = part(".answer-text");
    this.calls = part(".calls");
    this.results = part(".results");
    this.waiting = part(".waiting");
    this.problem = part(".problem");
    this.end = part(".turn-end");
    part(".asked-text").textContent = question;
    for (const button of this.root.querySelectorAll("[data-action]")) {
      button.addEventListener("click", () => handlers[button.dataset.action](button));
    }
    this.results.addEventListener("submit", (event) => {
      event.preventDefault();
      handlers.results([...this.results.querySelectorAll("textarea")].map((field) => field.value));
    });
    // Who folds or unfolds by hand is not overruled.
    this.thinking.querySelector("summary").addEventListener("click", () => { this.touched = true; });
  }

  start() {
    this.started = performance.now();
    this.answer.setAttribute("aria-busy", "true");
    this.setState("waiting");
    this.waiting.hidden = false;
  }

  setState(state) {
    this.answer.dataset.state = state;
  }

  wait(text) {
    setText(this.root.querySelector(".waiting-text"), text);
  }

  add(kind, text) {
    this.waiting.hidden = true;
    if (kind === "thinking") {
      if (this.thinking.hidden) {
        this.thinking.hidden = false;
        this.thinking.open = true;
        this.setState("thinking");
      }
      this.thinkingText.append(text);
      this.thinkingText.scrollTop = this.thinkingText.scrollHeight;
      setText(this.root.querySelector(".thinking-time"), seconds(performance.now() - this.started));
      return;
    }
    this.beginAnswer();
    this.answerText.append(text);
  }

  beginAnswer() {
    if (this.answer.dataset.state === "answering") return;
    this.endThinking();
    this.setState("answering");
  }

  // The piece of a tool call: its name comes first, then its arguments.
  addCall({index, name, text}) {
    this.waiting.hidden = true;
    this.beginAnswer();
    this.calls.hidden = false;
    if (!this.calls.children[index]) {
      this.calls.append(element("li", {class: "call"}, element("strong", {}, name ?? ""), element("pre", {tabindex: "0"}, "")));
    }
    this.calls.children[index].lastElementChild.append(text);
  }

  // Whole arguments are laid out, and the calls' results asked for; what was cut off stays as it came.
  layOutCalls() {
    for (const call of this.calls.children) {
      const shown = call.querySelector("pre");
      try {
        shown.textContent = JSON.stringify(JSON.parse(shown.textContent), null, 2);
      } catch {
        // Cut off by max tokens.
      }
      if (this.figures.finish === "tool_calls") call.append(resultField(call.querySelector("strong").textContent));
    }
    this.results.querySelector("button").hidden = this.figures.finish !== "tool_calls";
  }

  endThinking() {
    if (this.thinking.hidden) return;
    setText(this.root.querySelector(".thinking-label"), "Thought");
    if (!this.touched) this.thinking.open = false;
  }

  finish(figures, prices) {
    this.figures = figures;
    this.close("done");
    this.answerText.replaceChildren(...prose(this.answerText.textContent));
    this.layOutCalls();
    this.showFigures(prices);
  }

  stopped(figures, prices) {
    this.answerText.append(element("span", {class: "stopped"}, this.answerText.textContent ? " Stopped." : "Stopped."));
    this.figures = figures;
    this.close("stopped");
    this.showFigures(prices);
  }

  fail(message) {
    this.problem.hidden = false;
    this.problem.setAttribute("role", "alert");
    this.problem.textContent = message;
    this.close("failed");
  }

  close(state) {
    this.endThinking();
    this.setState(state);
    this.waiting.hidden = true;
    this.answer.removeAttribute("aria-busy");
    this.end.hidden = false;
  }

  showFigures(prices) {
    const {usage, firstMs, finish} = this.figures;
    const rows = [];
    if (firstMs !== null) rows.push(["First token", seconds(firstMs)]);
    const rate = speed(this.figures);
    if (rate !== null) rows.push(["Speed", `${short(rate)} tokens/s`]);
    if (usage) {
      rows.push(["In", `${count(usage.prompt_tokens)}${usage.prompt_cache_hit_tokens ? ` (${count(usage.prompt_cache_hit_tokens)} cached)` : ""}`]);
      rows.push(["Out", count(usage.completion_tokens)]);
      rows.push(["Cost", prices.show(prices.cost(usage))]);
    }
    if (FINISHES[finish]) rows.push(["Ended", FINISHES[finish]]);
    this.root.querySelector(".figures").replaceChildren(
        ...rows.map(([name, value]) => element("div", {}, element("dt", {}, name), element("dd", {}, value))));
  }
}
