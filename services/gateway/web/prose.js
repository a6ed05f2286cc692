// Markdown's commonest parts as elements: fenced code, headings, lists, bold, inline code, TeX. The text goes in as text nodes.
import {element} from "./dom.js";
import {formula} from "./formula.js";

const FENCE = /^\s*(```|~~~)/;
const HEADING = /^(#{1,6})\s+(.*)$/;
const BULLET = /^\s*[-*•]\s+(.*)$/;
const NUMBER = /^\s*(\d{1,6})[.)]\s+(.*)$/;

// A line that begins a formula and does not end it.
const OPENING = /^\s*(?:\\\[(?!.*\\\])|\$\$(?!.*\$\$))/;
const CLOSING = {"\\[": "\\]", "$$": "$$"};
const FORMULA_LINES_MAX = 200;

// `code`, **bold**, \(formula\), \[formula\] and $$formula$$ within a paragraph.
const INLINE = /(`[^`\n]+`|\*\*[^*\n]+\*\*|\\\([^]{1,4000}?\\\)|\\\[[^]{1,8000}?\\\]|\$\$[^]{1,8000}?\$\$)/;

function inline(text) {
  return text.split(INLINE).map((piece, i) => {
    if (i % 2 === 0) return piece;
    if (piece[0] === "`") return element("code", {}, piece.slice(1, -1));
    if (piece[0] === "*") return element("strong", {}, ...inline(piece.slice(2, -2)));
    return formula(piece, piece.slice(2, -2), piece[1] !== "(");
  });
}

class Blocks {
  constructor() {
    this.blocks = [];
    this.lines = [];
    this.list = null;
  }

  // Ends the paragraph and the list.
  flush() {
    if (this.lines.length) this.blocks.push(element("p", {}, ...inline(this.lines.join("\n"))));
    this.lines = [];
    this.list = null;
  }

  item(name, text, start) {
    if (this.list?.localName !== name) {
      this.flush();
      this.list = element(name, {start: start > 1 && start});
      this.blocks.push(this.list);
    }
    this.list.append(element("li", {}, ...inline(text)));
  }

  line(text) {
    const heading = HEADING.exec(text);
    const bullet = BULLET.exec(text);
    const number = NUMBER.exec(text);
    if (text.trim() === "") return this.flush();
    if (bullet) return this.item("ul", bullet[1]);
    if (number) return this.item("ol", number[2], Number(number[1]));
    if (heading) {
      this.flush();
      this.blocks.push(element("p", {class: "heading", role: "heading", "aria-level": Math.min(6, heading[1].length + 1)}, ...inline(heading[2])));
      return;
    }
    if (this.list) this.flush();
    this.lines.push(text);
  }

  // The lines of a formula that stands by itself: nothing in it is a list or a heading.
  formula(lines) {
    this.flush();
    this.lines = lines;
    this.flush();
  }
}

// How many lines from `start` on are one formula. Zero: none is, as TeX has no empty line within.
function formulaLines(lines, start) {
  const opening = OPENING.exec(lines[start])?.[0].trim();
  if (!opening) return 0;
  for (let end = start + 1; end < Math.min(lines.length, start + FORMULA_LINES_MAX) && lines[end].trim() !== ""; ++end) {
    if (lines[end].includes(CLOSING[opening])) return end + 1 - start;
  }
  return 0;
}

// Elements for the text; an unclosed fence goes on to the end.
export function prose(text) {
  const blocks = new Blocks();
  let code = null;
  const lines = text.split("\n");
  for (let i = 0; i < lines.length; ++i) {
    const line = lines[i];
    const length = code ? 0 : formulaLines(lines, i);
    if (length) {
      blocks.formula(lines.slice(i, i + length));
      i += length - 1;
    } else if (FENCE.test(line)) {
      if (code) {
        blocks.blocks.push(element("pre", {tabindex: "0"}, element("code", {}, code.join("\n"))));
        code = null;
      } else {
        blocks.flush();
        code = [];
      }
    } else {
      code ? code.push(line) : blocks.line(line);
    }
  }
  if (code) blocks.blocks.push(element("pre", {tabindex: "0"}, element("code", {}, code.join("\n"))));
  blocks.flush();
  return blocks.blocks;
}
