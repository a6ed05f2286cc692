// The panel beside the conversation: reads what a request is to carry.
import {byId} from "./dom.js";

const NUMBERS = ["temperature", "top_p", "seed", "max_tokens"];

export class Settings {
  constructor() {
    this.form = byId("settings-form");
    this.panel = byId("settings");
    this.thinkingField = byId("thinking-field");
    const open = byId("settings-open");
    const show = (shown) => {
      this.panel.dataset.open = shown;
      open.setAttribute("aria-expanded", shown);
      (shown ? byId("settings-close") : open).focus();
    };
    open.addEventListener("click", () => show(true));
    byId("settings-close").addEventListener("click", () => show(false));
    this.panel.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && this.panel.dataset.open === "true") show(false);
    });
    this.form.addEventListener("submit", (event) => event.preventDefault());
  }

  // "optional": the template has a switch.
  setThinking(kind) {
    this.thinkingField.hidden = kind !== "optional";
  }

  // False, with the field pointed out, when something is out of range.
  valid() {
    const wrong = NUMBERS.map(byId).find((input) => !input.checkValidity());
    if (!wrong) return true;
    if (wrong.offsetParent === null) byId("settings-open").click();
    return wrong.reportValidity();
  }

  system() {
    return byId("system").value.trim();
  }

  // Only what was set: the rest is the server's to choose.
  fields() {
    const fields = {};
    for (const name of NUMBERS) {
      const value = byId(name).value;
      if (value !== "") fields[name] = Number(value);
    }
    if (!this.thinkingField.hidden) fields.thinking = {type: byId("thinking").checked ? "enabled" : "disabled"};
    return fields;
  }
}
