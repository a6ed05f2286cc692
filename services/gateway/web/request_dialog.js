// Shows the request of a turn as curl and as Python, to copy.
import {byId, copyText} from "./dom.js";
import {CHAT_PATH} from "./request.js";
import {hasKey} from "./session.js";
import {curl, pythonCode} from "./snippet.js";

export class RequestDialog {
  constructor() {
    this.root = byId("request-dialog");
    this.language = "curl";
    this.buttons = [...this.root.querySelectorAll("[data-language]")];
    for (const button of this.buttons) {
      button.addEventListener("click", () => {
        this.language = button.dataset.language;
        this.render();
      });
    }
    byId("copy").addEventListener("click", () => copyText(byId("snippet").textContent, byId("copy")));
    this.root.querySelector("[data-close]").addEventListener("click", () => this.root.close());
    this.root.addEventListener("close", () => this.from?.focus());
  }

  show(body, from) {
    this.body = body;
    this.from = from;
    this.render();
    this.root.showModal();
  }

  render() {
    for (const button of this.buttons) button.setAttribute("aria-pressed", button.dataset.language === this.language);
    byId("snippet").textContent = this.language === "curl" ? curl(location.origin, CHAT_PATH, this.body, hasKey()) :
                                                             pythonCode(location.origin, this.body, hasKey());
  }
}
