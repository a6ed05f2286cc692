// A few questions at a time, asked over and over, so that there is something to watch. Answers are thrown away.
import {chat} from "./request.js";

const AT_A_TIME = 6;
const PAUSE_MS = 1000;

export class Traffic {
  constructor(button) {
    this.button = button;
    this.abort = null;
    this.model = null;
    button.addEventListener("click", () => (this.abort ? this.stop() : this.start()));
  }

  start() {
    if (!this.model) return;
    this.abort = new AbortController();
    this.show(true);
    for (let i = 0; i < AT_A_TIME; ++i) this.askOn(this.abort.signal);
  }

  stop() {
    this.abort?.abort();
    this.abort = null;
    this.show(false);
  }

  show(on) {
    this.button.setAttribute("aria-pressed", on);
    this.button.textContent = on ? "Stop traffic" : "Make traffic";
  }

  async askOn(signal) {
    while (!signal.aborted) {
      const [a, b] = [Math.floor(Math.random() * 9000), Math.floor(Math.random() * 9000)];
      const body = JSON.stringify({model: this.model.id, messages: [{role: "user", content: `What is ${a} + ${b}?`}], stream: true});
      try {
        for await (const _ of chat(body, signal));
      } catch {
        // Refused or cut off: the figures show it. Try again a little later.
        await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
      }
    }
  }
}
