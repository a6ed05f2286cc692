// The heat map: one row a MoE layer, one column an expert. The arrow keys move a cursor that is read out.
import {byId, setText, short} from "./dom.js";
import {css, heatRamp, shade} from "./colours.js";

// What would show as cold anyway does not set the scale.
const MIN_PEAK = 8;

// Draws cells into a canvas of any size; shared with the rooms' small maps.
export function drawCells(canvas, shape, heat, held, ramp, peak, gap) {
  const {layers, experts} = shape;
  const ratio = devicePixelRatio || 1;
  const width = Math.round(canvas.clientWidth * ratio);
  const height = Math.round(canvas.clientHeight * ratio);
  if (!width || !height) return;
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, {width, height});
  const pen = canvas.getContext("2d");
  pen.clearRect(0, 0, width, height);
  const space = gap * ratio;
  for (let layer = 0; layer < layers; ++layer) {
    const top = Math.round((layer * height) / layers);
    const bottom = Math.round(((layer + 1) * height) / layers);
    for (let expert = 0; expert < experts; ++expert) {
      const cell = layer * experts + expert;
      if (held && !held[cell]) continue;
      const left = Math.round((expert * width) / experts);
      const right = Math.round(((expert + 1) * width) / experts);
      pen.fillStyle = shade(ramp, heat[cell], peak);
      pen.fillRect(left, top, Math.max(1, right - left - space), Math.max(1, bottom - top - space));
    }
  }
}

export class HeatMap {
  constructor() {
    this.canvas = byId("heat");
    this.readout = byId("heat-readout");
    this.cursor = null;  // {layer, expert}, from 0
    this.pinned = null;  // id of the shard whose experts are shown alone
    this.ramp = null;
    this.canvas.addEventListener("pointermove", (event) => this.point(event));
    this.canvas.addEventListener("pointerleave", () => this.moveTo(document.activeElement === this.canvas ? this.cursor : null));
    this.canvas.addEventListener("focus", () => this.moveTo(this.cursor ?? {layer: 0, expert: 0}));
    this.canvas.addEventListener("blur", () => this.moveTo(null));
    this.canvas.addEventListener("keydown", (event) => this.key(event));
    new ResizeObserver(() => this.draw()).observe(this.canvas);
  }

  retheme() {
    this.ramp = null;
    this.draw();
  }

  update(cluster, rates, nameOf) {
    const {moe_layers: layers, experts, first_moe_layer: first} = cluster.model;
    const changed = this.shape?.layers !== layers || this.shape?.experts !== experts;
    this.shape = {layers, experts, first};
    Object.assign(this, {cluster, rates, nameOf});
    if (changed) this.layOut();
    this.draw();
    this.tell();
  }

  layOut() {
    const {layers, experts, first} = this.shape;
    this.canvas.style.height = `${Math.max(96, Math.min(420, layers * (layers > 16 ? 7 : 30)))}px`;
    setText(byId("axis-x"), experts ? `expert 0 to ${experts - 1}` : "");
    setText(byId("axis-y"), layers ? `layer ${first} to ${first + layers - 1}` : "");
    this.canvas.setAttribute("aria-label", `Rows computed lately, by ${layers} layers and ${experts} experts. The arrow keys read single experts out.`);
  }

  draw() {
    if (!this.shape?.layers) return;
    this.ramp ??= heatRamp();
    const pinned = this.pinned && this.rates.of(this.pinned);
    this.heat = this.rates.heat(this.shape.layers * this.shape.experts);
    this.peak = Math.max(MIN_PEAK, ...rowPeaks(this.heat));
    const wide = this.canvas.clientWidth / this.shape.experts;
    drawCells(this.canvas, this.shape, this.heat, pinned ? pinned.held : null, this.ramp, this.peak, wide > 10 ? 2 : wide > 5 ? 1 : 0);
    if (this.cursor) this.drawCursor();
  }

  drawCursor() {
    const {layers, experts} = this.shape;
    const pen = this.canvas.getContext("2d");
    const [w, h] = [this.canvas.width / experts, this.canvas.height / layers];
    pen.strokeStyle = css("--ink");
    pen.lineWidth = 2 * (devicePixelRatio || 1);
    pen.strokeRect(this.cursor.expert * w + 1, this.cursor.layer * h + 1, Math.max(3, w - 3), Math.max(3, h - 3));
  }

  point(event) {
    if (!this.shape?.layers) return;
    const box = this.canvas.getBoundingClientRect();
    const at = (offset, size, cells) => Math.max(0, Math.min(cells - 1, Math.floor((offset / size) * cells)));
    this.moveTo({
      layer: at(event.clientY - box.top, box.height, this.shape.layers),
      expert: at(event.clientX - box.left, box.width, this.shape.experts),
    });
  }

  key(event) {
    const step = {ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0]}[event.key];
    if (!step || !this.shape?.layers) return;
    event.preventDefault();
    const {layer, expert} = this.cursor ?? {layer: 0, expert: 0};
    this.moveTo({
      layer: Math.max(0, Math.min(this.shape.layers - 1, layer + step[0])),
      expert: Math.max(0, Math.min(this.shape.experts - 1, expert + step[1])),
    });
  }

  moveTo(cursor) {
    this.cursor = cursor;
    this.draw();
    this.tell();
  }

  // The expert under the cursor, else the hottest one.
  tell() {
    if (!this.shape?.layers || !this.heat) return;
    let cell = this.cursor ? this.cursor.layer * this.shape.experts + this.cursor.expert : this.heat.indexOf(Math.max(...rowPeaks(this.heat)));
    const quiet = !this.cursor && !(this.heat[cell] >= 1);
    if (quiet) return setText(this.readout, "All quiet");
    cell = Math.max(0, cell);
    const layer = this.shape.first + Math.floor(cell / this.shape.experts);
    const holders = this.cluster.workers.filter((worker) => this.rates.of(worker.id).held?.[cell]).map((worker) => this.nameOf(worker));
    const where = holders.length ? `on ${holders.slice(0, 3).join(", ")}${holders.length > 3 ? ` and ${holders.length - 3} more` : ""}` : "on no shard";
    const what = `layer ${layer}, expert ${cell % this.shape.experts}`;
    setText(this.readout, this.cursor ? `${what}: ${short(this.heat[cell])} rows lately, ${where}` : `Hottest: ${what}, ${where}`);
  }

  pin(id) {
    this.pinned = id;
    this.draw();
  }
}

// The maxima of slices: spreading a whole model's cells into one call is too much.
function* rowPeaks(heat) {
  for (let start = 0; start < heat.length; start += 1024) yield Math.max(...heat.subarray(start, start + 1024));
}
