// What changed from one document to the next, in words.
import {byId, count, element} from "./dom.js";
import {nameOf, stateOf} from "./rooms.js";

const KEPT = 40;

const held = (worker) => (worker.experts ?? []).reduce((sum, {experts}) => sum + experts.length, 0);

const CHANGES = {
  ready: "is ready",
  starting: "is not ready",
  draining: "drains: it hands over and leaves",
  silent: "sends no heartbeats",
};

export class Happenings {
  constructor() {
    this.list = byId("log");
    this.previous = null;
    this.placement = true;
  }

  update(cluster) {
    const now = new Map(cluster.workers.map((worker) => [worker.id, worker]));
    if (this.previous === null) {
      this.add("note", `Watching ${count(now.size + 1)} processes`);
    } else {
      for (const [id, worker] of this.previous) if (!now.has(id)) this.lost(worker);
      for (const [id, worker] of now) this.compare(this.previous.get(id), worker);
    }
    if (cluster.placement.answers !== this.placement) this.placementChanged(cluster.placement.answers);
    this.previous = now;
  }

  placementChanged(answers) {
    this.placement = answers;
    this.add(answers ? "good" : "bad", answers ? "placement answers again" : "placement does not answer; the last map stays in force");
  }

  lost(worker) {
    if (worker.draining) return this.add("note", `${nameOf(worker)} left`);
    this.add("bad", `${nameOf(worker)} is lost${worker.role === "expert" ? "; its replicas take its rows" : ""}`);
  }

  compare(before, worker) {
    if (!before) return this.add("good", `${nameOf(worker)} joined`);
    const state = stateOf(worker);
    if (state !== stateOf(before)) this.add(state === "ready" ? "good" : state === "silent" ? "bad" : "note", `${nameOf(worker)} ${CHANGES[state]}`);
    const [had, has] = [held(before), held(worker)];
    if (had !== has) this.add("note", `${nameOf(worker)} holds ${count(has)} experts (${has > had ? "+" : "−"}${count(Math.abs(has - had))})`);
  }

  add(kind, text) {
    const time = new Date().toLocaleTimeString("en-GB");
    this.list.prepend(element("li", {"data-kind": kind}, element("time", {}, time), element("span", {}, text)));
    while (this.list.children.length > KEPT) this.list.lastElementChild.remove();
  }
}
