// Markdown's commonest parts as elements: fenced code, headings, lists, bold, inline code. The text goes in as text nodes.
import {element} from "./dom.js";

const FENCE = /^\s*(```|~~~)/;
const HEADING = /^(#{1,6})\s+(.*)$/;
const BULLET = /^\s*[-*•]\s+(.*)$/;
const NUMBER = /^\s*(\d{1,6})[.)]\s+(.*)$/;

// `code` and **bold** within a line.
function inline(text) {
  return text.split(/(`[^`\n]+`|\*\*[^*\n]+\*\*)/).map((piece, i) => {
    if (i % 2 === 0) return piece;
    return piece[0] === "`" ? element("code", {}, piece.slice(1, -1)) : element("strong", {}, piece.slice(2, -2));
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
}

// Elements for the text; an unclosed fence goes on to the end.
export function prose(text) {
  const blocks = new Blocks();
  let code = null;
  for (const line of text.split("\n")) {
    if (FENCE.test(line)) {
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
