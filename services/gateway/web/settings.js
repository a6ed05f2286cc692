// The panel beside the conversation: reads what a request is to carry.
import {byId} from "./dom.js";

const NUMBERS = ["temperature", "top_p", "seed", "max_tokens"];

// The functions that a text of JSON lists, as the API takes them; a bare function is wrapped. Throws SyntaxError with what is wrong.
function toolsIn(text) {
  if (text.trim() === "") return [];
  const listed = JSON.parse(text);
  if (!Array.isArray(listed)) throw new SyntaxError("a list of functions is expected");
  return listed.map((tool) => (tool?.type === "function" ? tool : {type: "function", function: tool}));
}

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
    const wrong = [...NUMBERS.map(byId), this.checkedTools()].find((input) => !input.checkValidity());
    if (!wrong) return true;
    if (wrong.offsetParent === null) byId("settings-open").click();
    return wrong.reportValidity();
  }

  checkedTools() {
    const field = byId("tools");
    try {
      toolsIn(field.value);
      field.setCustomValidity("");
    } catch (error) {
      field.setCustomValidity(`No tools: ${error.message}.`);
    }
    return field;
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
    const tools = toolsIn(byId("tools").value);
    if (tools.length) fields.tools = tools;
    if (tools.length && byId("tool_required").checked) fields.tool_choice = "required";
    if (!this.thinkingField.hidden) fields.thinking = {type: byId("thinking").checked ? "enabled" : "disabled"};
    return fields;
  }
}
