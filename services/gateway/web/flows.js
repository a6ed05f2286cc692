// Traffic between the lanes: strands that meet where the work is shared out, as thick and as fast as the traffic is.
import {short} from "./dom.js";

const SVG = "http://www.w3.org/2000/svg";
// Less than this a second is not shown as traffic.
const QUIET = 0.3;
const still = matchMedia("(prefers-reduced-motion: reduce)");

function make(name, parent, attributes = {}) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  parent.append(made);
  return made;
}

class Strand {
  constructor(parent, kind) {
    this.bed = make("path", parent, {class: "bed"});
    this.flow = make("path", parent, {class: `flow ${kind}`});
    this.tip = make("path", parent, {class: `tip ${kind}`});
    this.offset = 0;
    this.rate = 0;
  }

  // `share` of the busiest strand of its kind, 0 to 1.
  draw({path, tip}, rate, share) {
    for (const line of [this.bed, this.flow]) line.setAttribute("d", path);
    this.rate = rate >= QUIET ? rate : 0;
    this.share = share;
    const opacity = this.rate ? (0.4 + 0.6 * share).toFixed(2) : "0";
    this.flow.setAttribute("stroke-width", (1.2 + 2.6 * Math.sqrt(share)).toFixed(2));
    this.flow.setAttribute("opacity", opacity);
    this.tip.setAttribute("d", tip);
    this.tip.setAttribute("opacity", opacity);
  }

  move(ms) {
    if (this.rate <= 0) return;
    this.offset -= ms * (0.02 + 0.07 * this.share);
    this.flow.setAttribute("stroke-dashoffset", this.offset.toFixed(1));
  }

  remove() {
    for (const part of [this.bed, this.flow, this.tip]) part.remove();
  }
}

export class Flows {
  constructor(house, svg) {
    this.house = house;
    this.svg = svg;
    this.strands = new Map();
    this.hubs = new Map();
    this.links = [];
    new ResizeObserver(() => this.draw()).observe(house);
    this.running = false;
  }

  // links: {key, kind: "tokens" | "rows" | "kv", from: element, to: element or null, hub: name or null, rate}
  // hubs: {name: {above: element, below: element, label: text}}
  update(links, hubs) {
    this.links = links;
    this.hubPlaces = hubs;
    this.draw();
  }

  draw() {
    const box = this.house.getBoundingClientRect();
    if (!box.width || !this.hubPlaces) return;
    this.svg.setAttribute("viewBox", `0 0 ${box.width} ${box.height}`);
    const at = (element) => {
      const rect = element.getBoundingClientRect();
      return {left: rect.left - box.left, right: rect.right - box.left, top: rect.top - box.top, bottom: rect.bottom - box.top,
        x: (rect.left + rect.right) / 2 - box.left, y: (rect.top + rect.bottom) / 2 - box.top};
    };
    const centres = this.drawHubs(at);
    const peaks = {};
    for (const {kind, rate} of this.links) peaks[kind] = Math.max(peaks[kind] ?? 1e-9, rate);
    const seen = new Set();
    for (const link of this.links) {
      seen.add(link.key);
      if (!this.strands.has(link.key)) this.strands.set(link.key, new Strand(this.svg, link.kind));
      this.strands.get(link.key).draw(this.path(link, at, centres), link.rate, link.rate / peaks[link.kind]);
    }
    for (const [key, strand] of this.strands) {
      if (seen.has(key)) continue;
      strand.remove();
      this.strands.delete(key);
    }
    for (const hub of this.hubs.values()) this.svg.append(hub.group);  // Over the strands.
  }

  drawHubs(at) {
    const centres = {};
    for (const [name, {above, below, label, kind}] of Object.entries(this.hubPlaces)) {
      if (!this.hubs.has(name)) {
        const group = make("g", this.svg, {class: `hub ${kind}`});
        this.hubs.set(name, {group, plate: make("rect", group, {height: 24, rx: 12}), text: make("text", group, {"text-anchor": "middle"})});
      }
      const [top, bottom] = [at(above), at(below)];
      const centre = {x: (top.left + top.right) / 2, y: (top.bottom + bottom.top) / 2};
      const hub = this.hubs.get(name);
      if (hub.text.textContent !== label) hub.text.textContent = label;
      const width = 24 + 6.6 * label.length;
      hub.plate.setAttribute("width", width);
      hub.plate.setAttribute("x", centre.x - width / 2);
      hub.plate.setAttribute("y", centre.y - 12);
      hub.text.setAttribute("x", centre.x);
      hub.text.setAttribute("y", centre.y + 4);
      centres[name] = centre;
    }
    return centres;
  }

  path({from, to, hub}, at, centres) {
    if (hub === null) return besides(at(from), at(to));
    const centre = centres[hub];
    const room = at(from ?? to);
    const start = from ? {x: room.x, y: room.y < centre.y ? room.bottom : room.top} : centre;
    const end = from ? centre : {x: room.x, y: room.y < centre.y ? room.bottom : room.top};
    const middle = (start.y + end.y) / 2;
    const down = end.y > start.y;
    return {path: `M${start.x} ${start.y}C${start.x} ${middle} ${end.x} ${middle} ${end.x} ${end.y}`, tip: from ? "" : arrow(end.x, end.y, 0, down ? 1 : -1)};
  }

  start() {
    if (this.running) return;
    this.running = true;
    let last = performance.now();
    const frame = (now) => {
      if (!this.running) return;
      if (!still.matches) for (const strand of this.strands.values()) strand.move(Math.min(100, now - last));
      last = now;
      requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
  }

  stop() {
    this.running = false;
  }
}

// A head whose point is at (x, y), in direction (dx, dy).
function arrow(x, y, dx, dy) {
  const [backX, backY] = [x - 8 * dx, y - 8 * dy];
  return `M${x} ${y}L${backX - 4.5 * dy} ${backY + 4.5 * dx}L${backX + 4.5 * dy} ${backY - 4.5 * dx}Z`;
}

// Between two rooms of one lane.
function besides(from, to) {
  if (Math.abs(from.y - to.y) > 40) {
    const [start, end, sign] = from.y > to.y ? [from.top, to.bottom, -1] : [from.bottom, to.top, 1];
    return {path: `M${from.x} ${start}L${to.x} ${end}`, tip: arrow(to.x, end, 0, sign)};
  }
  const [start, end, sign] = from.x > to.x ? [from.left, to.right, -1] : [from.right, to.left, 1];
  return {path: `M${start} ${from.y}L${end} ${from.y}`, tip: arrow(end, from.y, sign, 0)};
}

export const label = (name, rate, unit) => (rate >= QUIET ? `${name} ${short(rate)} ${unit}` : name);
