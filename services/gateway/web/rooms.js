// Processes as rooms, one list item each, changed in place so that focus and readers stay.
import {byId, count, element, percent, setText, short} from "./dom.js";
import {drawCells} from "./heat.js";

const SILENT_MS = 1300;
const GONE_FOR_MS = 30000;
const LANES = {gateway: "rooms-edge", prefill: "rooms-attention", decode: "rooms-attention", both: "rooms-attention", expert: "rooms-experts"};
const ORDER = {decode: 0, both: 1, prefill: 2};
const ROLES = {gateway: "Gateway", prefill: "Prefill", decode: "Decode", both: "Prefill + decode", expert: "Expert shard", unknown: "Process"};
const STATES = {ready: "ready", starting: "not ready", draining: "draining", silent: "silent", lost: "lost", left: "left"};

// The role and the beginning of the id: failure domains may be shared.
export function nameOf(worker) {
  return `${worker.role} ${worker.id.split("-").at(-1).slice(0, 4)}`;
}

const sortKey = (worker) => `${worker.failure_domain} ${worker.id}`;
const placeOf = (worker) => (worker.failure_domain && worker.failure_domain !== worker.id ? worker.failure_domain : ROLES[worker.role]);

export function stateOf(worker) {
  if (worker.silent_ms !== null && worker.silent_ms > SILENT_MS) return "silent";
  if (worker.draining) return "draining";
  return worker.ready ? "ready" : "starting";
}

class Room {
  constructor(worker) {
    this.worker = worker;
    this.goneAt = null;
    this.title = element("h3", {class: "room-name", title: worker.id}, nameOf(worker));
    this.state = element("span", {class: "room-state"});
    this.facts = element("dl", {class: "facts"});
    this.cells = new Map();
    this.root = element("li", {class: "room", "data-role": worker.role, "data-key": sortKey(worker)},
        element("div", {class: "room-head"}, this.title, this.state), element("p", {class: "room-place"}, placeOf(worker)));
    if (worker.role === "expert") {
      this.map = element("canvas", {class: "room-heat", "aria-hidden": "true"});
      this.root.append(this.map);
      this.root.tabIndex = 0;
    }
    if (worker.attention) {
      this.tank = element("div", {class: "tank", role: "img"}, element("i", {class: "tank-used"}), element("i", {class: "tank-cached"}));
      this.tankText = element("p", {class: "tank-text"});
      this.root.append(this.tank, this.tankText);
    }
    this.root.append(this.facts);
  }

  fact(name, value) {
    if (!this.cells.has(name)) {
      const cell = element("dd");
      this.cells.set(name, cell);
      this.facts.append(element("div", {}, element("dt", {}, name), cell));
    }
    setText(this.cells.get(name), value);
  }

  show(state) {
    this.root.dataset.state = state;
    setText(this.state, STATES[state]);
  }

  glow(share) {
    this.root.style.setProperty("--glow", Math.min(1, share).toFixed(3));
  }

  showTank({kv_blocks_total: total, kv_blocks_used: used, kv_blocks_cached: cached}) {
    const [busy, kept] = [used / total, Math.max(0, Math.min(total, Math.max(used, cached)) - used) / total];
    this.tank.children[0].style.width = percent(busy);
    this.tank.children[1].style.width = percent(kept);
    this.tank.setAttribute("aria-label", `KV blocks: ${count(used)} of ${count(total)} in use, ${count(cached)} hold a cached prefix`);
    setText(this.tankText, `KV ${count(used)} of ${count(total)} blocks in use`);
  }
}

export class Rooms {
  // `onPoint` hears which shard is pointed at, or null.
  constructor(onPoint) {
    this.rooms = new Map();
    this.onPoint = onPoint;
    this.placement = new Room({id: "placement", role: "unknown", failure_domain: ""});
    setText(this.placement.title, "placement");
    setText(this.placement.root.querySelector(".room-place"), "Who holds what");
    this.placement.root.dataset.role = "placement";
    byId("rooms-edge").append(this.placement.root);
  }

  update(cluster, rates, ramp) {
    const here = new Set(cluster.workers.map((worker) => worker.id));
    const sorted = [...cluster.workers].sort((a, b) => (ORDER[a.role] ?? 0) - (ORDER[b.role] ?? 0) || sortKey(a).localeCompare(sortKey(b)));
    for (const worker of sorted) this.place(worker);
    for (const room of this.rooms.values()) {
      if (!here.has(room.worker.id)) this.gone(room);
    }
    this.placement.show(cluster.placement.answers ? "ready" : "silent");
    this.placement.fact("Epoch", count(cluster.placement.epoch));
    this.placement.fact("Moves", count(cluster.placement.pending_moves));
    this.fill(cluster, rates, ramp);
  }

  place(worker) {
    const lane = byId(LANES[worker.role] ?? "rooms-edge");
    let room = this.rooms.get(worker.id);
    if (room?.goneAt) {
      // It was taken for lost and is back.
      room.root.remove();
      room = null;
    }
    if (!room) {
      room = new Room(worker);
      this.rooms.set(worker.id, room);
      const next = [...lane.children].find((other) => this.before(room, other));
      lane.insertBefore(room.root, next ?? null);
      if (worker.role === "expert") this.listen(room);
    }
    room.worker = worker;
    room.show(stateOf(worker));
  }

  before(room, other) {
    if (other.dataset.role === "placement") return true;
    const rank = (ORDER[room.worker.role] ?? 0) - (ORDER[other.dataset.role] ?? 0);
    return rank < 0 || (rank === 0 && sortKey(room.worker).localeCompare(other.dataset.key) < 0);
  }

  listen(room) {
    for (const name of ["pointerenter", "focus"]) room.root.addEventListener(name, () => this.onPoint(room.worker.id));
    for (const name of ["pointerleave", "blur"]) room.root.addEventListener(name, () => this.onPoint(null));
  }

  gone(room) {
    room.goneAt ??= performance.now();
    room.show(room.worker.draining ? "left" : "lost");
    room.glow(0);
    if (room.worker.role === "expert") room.fact("Rows/s", "0");
    if (performance.now() - room.goneAt < GONE_FOR_MS) return;
    room.root.remove();
    this.rooms.delete(room.worker.id);
  }

  fill(cluster, rates, ramp) {
    const {moe_layers: layers, experts} = cluster.model;
    const shards = cluster.workers.filter((worker) => worker.role === "expert");
    const most = (name, floor) => Math.max(floor, ...cluster.workers.map((worker) => rates.of(worker.id)[name]));
    const [rowsPeak, tokensPeak, positionsPeak] = [most("expertRows", 1), most("tokens", 1), most("rows", 1)];
    let peak = 8;
    for (const {id} of shards) for (const value of rates.of(id).heat ?? []) peak = Math.max(peak, value);
    for (const room of this.rooms.values()) {
      if (room.goneAt) {
        if (room.map) drawCells(room.map, {layers, experts}, new Float32Array(layers * experts), null, ramp, 1, 0);
        continue;
      }
      const {worker} = room;
      const rate = rates.of(worker.id);
      if (worker.role === "expert") {
        const held = rate.held?.reduce((sum, one) => sum + one, 0) ?? 0;
        room.fact("Rows/s", short(rate.expertRows));
        room.fact("Experts", `${count(held)} / ${count(layers * experts)}`);
        room.fact("Queue", count(worker.waiting));
        room.glow(rate.expertRows / rowsPeak);
        if (rate.heat) drawCells(room.map, {layers, experts}, rate.heat, rate.held, ramp, peak, 1);
        continue;
      }
      if (worker.attention) {
        if (worker.role !== "prefill") room.fact("Tokens/s", short(rate.tokens));
        room.fact("Batch", short(rate.batch));
        room.showTank(worker.attention);
        room.glow(Math.max(rate.tokens / tokensPeak, rate.rows / positionsPeak));
      }
      room.fact("Running", count(worker.running));
      room.fact("Queue", count(worker.waiting));
      if (worker.role === "gateway") room.glow(worker.running > 0 ? 1 : 0);
    }
  }

  // Living rooms of these roles.
  of(...roles) {
    return [...this.rooms.values()].filter((room) => !room.goneAt && roles.includes(room.worker.role));
  }
}
