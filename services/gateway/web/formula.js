// TeX as MathML, which the browser sets by itself: no fonts, no styles, nothing from elsewhere.
import {element} from "./dom.js";

// Nothing in an answer may link, load, or grow without bound.
const BOUNDS = {output: "mathml", trust: false, strict: "ignore", maxExpand: 200, maxSize: 20};

// KaTeX, which leaves its name in the global scope. Asked for with the first formula.
let katex = null;
const library = () => (katex ??= import("./katex.js").then(() => globalThis.katex));

// An element that shows `source`, and the formula `tex` in its stead once it is set; what is no TeX stays as it came.
export function formula(source, tex, displayMode) {
  const shown = element("span", {class: displayMode ? "formula display" : "formula"}, source);
  library().then((tool) => tool.render(tex, shown, {...BOUNDS, displayMode})).catch(() => { shown.textContent = source; });
  return shown;
}
