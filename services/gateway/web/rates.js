// Counts since a process's start -> what happens a second, smoothed. Heartbeats come twice a second, documents once.

const SMOOTH_MS = 1500;
const HEAT_HALF_LIFE_MS = 4000;

const mix = (old, fresh, dt) => fresh + (old - fresh) * Math.exp(-dt / SMOOTH_MS);

class WorkerRates {
  constructor() {
    this.tokens = 0;      // generated a second
    this.rows = 0;        // positions computed a second, by attention workers
    this.batch = 0;       // rows a step
    this.expertRows = 0;  // rows a second, by shards
    this.heat = null;     // [layers * experts], rows, decaying
    this.held = null;     // [layers * experts], 1 where the shard has the expert
  }
}

export class Rates {
  constructor() {
    this.workers = new Map();   // id -> WorkerRates
    this.previous = new Map();  // id -> worker as in the last document
    this.time = null;
  }

  // Takes a document in.
  update(cluster) {
    const dt = this.time === null ? 0 : Math.max(1, cluster.time_unix_ms - this.time);
    this.time = cluster.time_unix_ms;
    const {moe_layers: layers, experts, first_moe_layer: first} = cluster.model;
    const shape = {layers, experts, first};
    const ids = new Set();
    for (const worker of cluster.workers) {
      ids.add(worker.id);
      if (!this.workers.has(worker.id)) this.workers.set(worker.id, new WorkerRates());
      const rates = this.workers.get(worker.id);
      const before = this.previous.get(worker.id);
      if (worker.attention && before?.attention && dt) this.attention(rates, before.attention, worker.attention, dt);
      if (worker.experts) this.experts(rates, before?.experts, worker.experts, shape, dt);
      this.previous.set(worker.id, worker);
    }
    for (const id of [...this.workers.keys()]) {
      if (ids.has(id)) continue;
      this.workers.delete(id);
      this.previous.delete(id);
    }
  }

  attention(rates, before, now, dt) {
    const a_second = (name) => (1000 * Math.max(0, now[name] - before[name])) / dt;
    rates.tokens = mix(rates.tokens, a_second("generated_tokens"), dt);
    rates.rows = mix(rates.rows, a_second("step_rows"), dt);
    const steps = now.steps - before.steps;
    rates.batch = mix(rates.batch, steps > 0 ? (now.step_rows - before.step_rows) / steps : 0, dt);
  }

  experts(rates, before, now, {layers, experts, first}, dt) {
    const size = layers * experts;
    if (rates.heat?.length !== size) rates.heat = new Float32Array(size);
    rates.held = new Uint8Array(size);
    const fade = 0.5 ** (dt / HEAT_HALF_LIFE_MS);
    for (let i = 0; i < size; ++i) rates.heat[i] *= fade;
    const counted = new Map();
    for (const {layer, experts: ids, rows} of before ?? []) ids.forEach((id, i) => counted.set(layer * 65536 + id, rows[i]));
    let sum = 0;
    for (const {layer, experts: ids, rows} of now) {
      if (layer < first || layer >= first + layers) continue;
      ids.forEach((id, i) => {
        const cell = (layer - first) * experts + id;
        rates.held[cell] = 1;
        if (!before) return;
        const grown = Math.max(0, rows[i] - (counted.get(layer * 65536 + id) ?? 0));
        rates.heat[cell] += grown;
        sum += grown;
      });
    }
    if (before && dt) rates.expertRows = mix(rates.expertRows, (1000 * sum) / dt, dt);
  }

  of(id) {
    return this.workers.get(id) ?? new WorkerRates();
  }

  total(name) {
    let sum = 0;
    for (const rates of this.workers.values()) sum += rates[name];
    return sum;
  }

  // Heat of all shards together.
  heat(size) {
    const sum = new Float32Array(size);
    for (const {heat} of this.workers.values()) {
      if (heat?.length !== size) continue;
      for (let i = 0; i < size; ++i) sum[i] += heat[i];
    }
    return sum;
  }
}
