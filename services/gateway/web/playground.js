// The conversation: turns, the request under way, what is shown of it.
import {byId, copyText, count, element, setText} from "./dom.js";
import {Prices, servedPrices} from "./prices.js";
import {chat} from "./request.js";
import {RequestDialog} from "./request_dialog.js";
import {Settings} from "./settings.js";
import {TurnView} from "./turn.js";

const STARTERS = {
  abacus: ["What is 4821 + 1397?", "Sort 31, 4, 15, 92, 6.", "What is 17 times 23?", "Which is larger, 7812 or 7821?"],
};
const ANY = ["How many r's are in strawberry?", "Prove that there are infinitely many primes.", "What is 4821 + 1397?"];

export class Playground {
  constructor(onKeyWanted) {
    this.onKeyWanted = onKeyWanted;
    this.turns = [];  // {question, messages, answer, calls, view, body, usage}; `messages` are all that it was asked with.
    this.model = null;
    this.abort = null;
    this.settings = new Settings();
    this.prices = new Prices(() => this.reprice());
    this.dialog = new RequestDialog();
    this.scroll = byId("scroll");
    this.question = byId("question");
    this.listen();
  }

  listen() {
    byId("composer").addEventListener("submit", (event) => {
      event.preventDefault();
      this.ask(this.question.value);
    });
    this.question.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      this.ask(this.question.value);
    });
    this.question.addEventListener("input", () => this.fit());
    byId("stop").addEventListener("click", () => this.stop());
    byId("new-chat").addEventListener("click", () => this.clear());
    byId("playground").addEventListener("keydown", (event) => {
      if (event.key === "Escape") this.stop();
    });
    // Follow the stream until the reader scrolls away.
    this.follow = true;
    this.scroll.addEventListener("scroll", () => {
      this.follow = this.scroll.scrollHeight - this.scroll.scrollTop - this.scroll.clientHeight < 60;
    });
  }

  async setModel(model) {
    this.model = model;
    this.settings.setThinking(model.thinking);
    const questions = STARTERS[model.id] ?? ANY;
    byId("starters").replaceChildren(...questions.map((question) => {
      const button = element("button", {type: "button"}, question);
      button.addEventListener("click", () => this.ask(question));
      return element("li", {}, button);
    }));
    const table = await servedPrices().catch(() => null);
    if (table) this.prices.use(table, `This gateway's price table, ${table.currency} per million tokens.`);
    this.showTotals();
  }

  fit() {
    this.question.style.height = "auto";
    this.question.style.height = `${this.question.scrollHeight + 2}px`;
  }

  // What a new question follows: the last turn that was answered in words, which knows those before it.
  history() {
    const last = this.turns.findLast((turn) => turn.answer !== "");
    return last ? [...last.messages, {role: "assistant", content: last.answer}] : [];
  }

  body(messages) {
    const system = this.settings.system();
    const asked = system ? [{role: "system", content: system}, ...messages] : messages;
    const fields = this.settings.fields();
    if (asked.at(-1).role === "tool") delete fields.tool_choice;  // Results are to be answered, not asked for again.
    return JSON.stringify({model: this.model.id, messages: asked, ...fields, stream: true, stream_options: {include_usage: true}}, null, 2);
  }

  async ask(text) {
    const question = text.trim();
    if (question === "" || this.abort !== null) return;
    if (this.model === null) return this.onKeyWanted();
    if (!this.settings.valid()) return;
    this.question.value = "";
    this.fit();
    await this.begin(question, [...this.history(), {role: "user", content: question}]);
  }

  // What the tools said, in the order of the turn's calls. Given once more, they have what came of the earlier ones removed.
  async giveResults(turn, results) {
    if (this.abort !== null || !this.settings.valid()) return;
    this.removeFrom(this.turns.indexOf(turn) + 1);
    const called = {role: "assistant", content: turn.answer || null, tool_calls: turn.calls};
    const said = results.map((content, i) => ({role: "tool", tool_call_id: turn.calls[i].id, content}));
    const shown = results.map((content, i) => `${turn.calls[i].function.name}: ${content}`).join("\n");
    await this.begin(shown, [...turn.messages, called, ...said]);
  }

  async begin(question, messages) {
    byId("welcome").hidden = true;
    const turn = {question, messages, answer: "", calls: [], body: this.body(messages), usage: null};
    turn.view = new TurnView(question, {
      request: (from) => this.dialog.show(turn.body, from),
      copy: (from) => copyText(turn.answer, from),
      again: () => this.again(turn),
      results: (results) => this.giveResults(turn, results),
    });
    byId("turns").append(turn.view.root);
    this.turns.push(turn);
    this.follow = true;
    await this.run(turn);
  }

  async run(turn) {
    this.abort = new AbortController();
    this.busy(true);
    turn.view.start();
    this.say("Waiting for the first token");
    this.keepUp();
    let figures = {usage: null, finish: null, firstMs: null, lastMs: null, pieces: 0};
    try {
      const stream = chat(turn.body, this.abort.signal);
      let step = await stream.next();
      for (; !step.done; step = await stream.next()) {
        figures = step.value.figures ?? figures;
        this.show(turn, step.value);
      }
      figures = step.value;
      turn.usage = figures.usage;
      turn.view.finish(figures, this.prices);
      this.say(`Answered: ${turn.answer}`);
    } catch (error) {
      this.failed(turn, error, figures);
    } finally {
      this.abort = null;
      this.busy(false);
      this.showTotals();
      this.keepUp();
    }
  }

  show(turn, piece) {
    const {kind, text} = piece;
    if (kind === "waiting") return turn.view.wait(text);
    if (kind === "answer") turn.answer += text;
    kind === "call" ? this.showCall(turn, piece) : turn.view.add(kind, text);
    this.say(kind === "thinking" ? "Thinking" : "Answering");
    this.keepUp();
  }

  showCall(turn, piece) {
    const {index, id, name, text} = piece;
    turn.calls[index] ??= {id, type: "function", function: {name, arguments: ""}};
    turn.calls[index].function.arguments += text;
    turn.view.addCall(piece);
  }

  failed(turn, error, figures) {
    if (error.name === "AbortError") {
      turn.view.stopped(figures, this.prices);
      this.say("Stopped");
      return;
    }
    const wait = error.retryAfter ? ` Try again in ${error.retryAfter} s.` : "";
    turn.view.fail(error instanceof TypeError ? "The connection to the gateway broke." : error.message + wait);
    this.say("The request failed");
    if (error.status === 401) this.onKeyWanted(error);
  }

  stop() {
    this.abort?.abort();
  }

  again(turn) {
    if (this.abort !== null || !this.settings.valid()) return;
    this.removeFrom(this.turns.indexOf(turn));
    this.begin(turn.question, turn.messages);
  }

  removeFrom(index) {
    for (const later of this.turns.splice(index)) later.view.root.remove();
  }

  clear() {
    this.stop();
    this.turns = [];
    byId("turns").replaceChildren();
    byId("welcome").hidden = false;
    byId("new-chat").hidden = true;
    this.showTotals();
    this.question.focus();
  }

  busy(running) {
    const focused = document.activeElement;
    byId("send").hidden = running;
    byId("stop").hidden = !running;
    byId("new-chat").hidden = running || this.turns.length === 0;
    if (focused === byId("send") || focused === byId("stop")) byId(running ? "stop" : "send").focus();
  }

  // For screen readers: states and the whole answer, not every token.
  say(text) {
    setText(byId("status"), text);
  }

  keepUp() {
    if (this.follow) this.scroll.scrollTop = this.scroll.scrollHeight;
  }

  reprice() {
    for (const turn of this.turns) if (turn.usage) turn.view.showFigures(this.prices);
    this.showTotals();
  }

  showTotals() {
    const used = this.turns.filter((turn) => turn.usage).map((turn) => turn.usage);
    const last = used.at(-1);
    const context = last ? last.prompt_tokens + last.completion_tokens : 0;
    setText(byId("total-context"), this.model ? `${count(context)} of ${count(this.model.max_model_len)}` : count(context));
    setText(byId("total-output"), count(used.reduce((sum, usage) => sum + usage.completion_tokens, 0)));
    setText(byId("total-cost"), this.prices.show(used.reduce((sum, usage) => sum + this.prices.cost(usage), 0)));
  }
}
