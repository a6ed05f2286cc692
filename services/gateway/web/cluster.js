// The cluster view: follows the gateway's stream while it is shown, and hands each document to those who draw.
import {byId, setText} from "./dom.js";
import {heatRamp} from "./colours.js";
import {Flows, label} from "./flows.js";
import {Happenings} from "./happenings.js";
import {HeatMap} from "./heat.js";
import {Rates} from "./rates.js";
import {nameOf, Rooms} from "./rooms.js";
import {call} from "./session.js";
import {events} from "./sse.js";
import {Stats} from "./stats.js";
import {Traffic} from "./traffic.js";

const AGAIN_MS = [1000, 2000, 4000, 8000];

export class Cluster {
  constructor() {
    this.abort = null;
    this.ramp = null;
    this.rates = new Rates();
    this.stats = new Stats();
    this.heat = new HeatMap();
    this.rooms = new Rooms((id) => this.heat.pin(id));
    this.flows = new Flows(byId("house"), byId("flows"));
    this.happenings = new Happenings();
    this.traffic = new Traffic(byId("traffic"));
  }

  setModel(model) {
    this.traffic.model = model;
  }

  retheme() {
    this.ramp = null;
    this.heat.retheme();
  }

  show() {
    if (this.abort) return;
    this.abort = new AbortController();
    this.flows.start();
    this.follow(this.abort.signal);
  }

  hide() {
    this.abort?.abort();
    this.abort = null;
    this.flows.stop();
  }

  async follow(signal) {
    for (let failures = 0; !signal.aborted; ++failures) {
      try {
        const response = await call("/v1/cluster", {accept: "text/event-stream", signal});
        for await (const {data} of events(response)) {
          if (data === undefined) continue;
          failures = 0;
          this.take(JSON.parse(data));
        }
      } catch (error) {
        if (signal.aborted) return;
        this.state("bad", error.status ? error.message : "The gateway does not answer. Trying again");
      }
      const pause = AGAIN_MS[Math.min(failures, AGAIN_MS.length - 1)];
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
  }

  state(kind, text) {
    byId("live").dataset.kind = kind;
    setText(byId("live"), text);
  }

  take(cluster) {
    this.ramp ??= heatRamp();
    this.rates.update(cluster);
    this.happenings.update(cluster);
    this.stats.update(cluster, this.rates);
    this.rooms.update(cluster, this.rates, this.ramp);
    this.heat.update(cluster, this.rates, nameOf);
    this.flows.update(...this.links());
    this.state("good", cluster.model.id ? `Live: ${cluster.model.id}, ${cluster.workers.length + 1} processes` : "Live");
  }

  links() {
    const rate = (room, name) => this.rates.of(room.worker.id)[name];
    const decoders = this.rooms.of("decode", "both");
    const prefills = this.rooms.of("prefill");
    const gateways = this.rooms.of("gateway");
    const tokens = this.rates.total("tokens");
    const links = [];
    const link = (kind, from, to, hub, amount) =>
      links.push({key: `${kind} ${from?.worker.id} ${to?.worker.id}`, kind, from: from?.root ?? null, to: to?.root ?? null, hub, rate: amount});
    for (const room of decoders) link("tokens", room, null, "stream", rate(room, "tokens"));
    for (const room of gateways) link("tokens", null, room, "stream", tokens / gateways.length);
    for (const room of [...decoders, ...prefills]) link("rows", room, null, "router", rate(room, "rows"));
    for (const room of this.rooms.of("expert")) link("shard", null, room, "router", rate(room, "expertRows"));
    for (const room of prefills) {
      for (const decoder of decoders) link("kv", room, decoder, null, rate(room, "rows") / decoders.length);
    }
    const edge = byId("rooms-edge");
    const attention = byId("rooms-attention");
    return [links, {
      stream: {above: edge, below: attention, label: label("stream", tokens, "tokens/s"), kind: "tokens"},
      router: {above: attention, below: byId("rooms-experts"), label: label("router", this.rates.total("expertRows"), "rows/s"), kind: "rows"},
    }];
  }
}
