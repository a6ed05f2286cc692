// The figures at the top, each with its last minute.
import {byId, element, percent, setText, short} from "./dom.js";

const SVG = "http://www.w3.org/2000/svg";
const POINTS = 60;

class Stat {
  constructor(parent, name) {
    this.value = element("span", {class: "stat-value"}, "–");
    this.line = document.createElementNS(SVG, "path");
    const picture = document.createElementNS(SVG, "svg");
    picture.setAttribute("viewBox", `0 0 ${POINTS - 1} 20`);
    picture.setAttribute("preserveAspectRatio", "none");
    picture.setAttribute("aria-hidden", "true");
    picture.append(this.line);
    parent.append(element("div", {class: "stat"}, element("dt", {}, name), element("dd", {}, this.value, picture)));
    this.points = [];
  }

  add(number, text, top) {
    setText(this.value, text);
    this.points.push(number);
    if (this.points.length > POINTS) this.points.shift();
    const peak = Math.max(top, ...this.points);
    const from = POINTS - this.points.length;
    this.line.setAttribute("d", this.points.map((value, i) => `${i ? "L" : "M"}${from + i} ${(19 - (18 * value) / peak).toFixed(1)}`).join(""));
  }
}

export class Stats {
  constructor() {
    const names = ["Tokens/s", "Expert rows/s", "Running", "Queue", "KV in use", "Epoch"];
    this.stats = Object.fromEntries(names.map((name) => [name, new Stat(byId("stats"), name)]));
  }

  update(cluster, rates) {
    const decoders = cluster.workers.filter((worker) => worker.role === "decode" || worker.role === "both");
    const gateways = cluster.workers.filter((worker) => worker.role === "gateway");
    const sum = (workers, value) => workers.reduce((total, worker) => total + (value(worker) ?? 0), 0);
    const set = (name, number, text, top = 1) => this.stats[name].add(number, text, top);
    const [tokens, rows] = [rates.total("tokens"), rates.total("expertRows")];
    set("Tokens/s", tokens, short(tokens));
    set("Expert rows/s", rows, short(rows));
    const running = sum(decoders, (worker) => worker.running);
    set("Running", running, short(running));
    const waiting = sum(gateways, (worker) => worker.waiting) + sum(decoders, (worker) => worker.waiting);
    set("Queue", waiting, short(waiting));
    const total = sum(decoders, (worker) => worker.attention?.kv_blocks_total);
    const used = total ? sum(decoders, (worker) => worker.attention?.kv_blocks_used) / total : 0;
    set("KV in use", used, percent(used));
    const epoch = cluster.placement.epoch;
    this.epochs = [...(this.epochs ?? [epoch]), epoch].slice(-2);
    set("Epoch", epoch - this.epochs[0], new Intl.NumberFormat("en").format(epoch), 4);
  }
}
