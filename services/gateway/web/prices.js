// What tokens cost: the gateway's own price table where it has one, else what the reader types.
import {byId, currencySign, money} from "./dom.js";
import {getJson} from "./session.js";

// DeepSeek-R1's list prices, dollars per million tokens.
const LISTED = {hit: 0.14, miss: 0.55, output: 2.19};
const STORED = "baleen-prices";

function remembered() {
  try {
    return JSON.parse(localStorage.getItem(STORED)) ?? {};
  } catch {
    return {};
  }
}

export class Prices {
  constructor(onChange) {
    this.sign = "$";
    this.inputs = {hit: byId("price-hit"), miss: byId("price-miss"), output: byId("price-output")};
    const values = {...LISTED, ...remembered()};
    for (const [name, input] of Object.entries(this.inputs)) {
      input.value = values[name];
      input.addEventListener("input", () => {
        this.remember();
        onChange();
      });
    }
  }

  value(name) {
    return Math.max(0, Number(this.inputs[name].value) || 0);
  }

  remember() {
    try {
      localStorage.setItem(STORED, JSON.stringify({hit: this.value("hit"), miss: this.value("miss"), output: this.value("output")}));
    } catch {
      // They last as long as the page.
    }
  }

  // Takes a price table over: {currency, hit, miss, output}, per million tokens.
  use(table, note) {
    this.sign = currencySign(table.currency);
    for (const field of document.querySelectorAll("[data-currency]")) field.dataset.currency = this.sign.length === 1 ? this.sign : "";  // No room for a code.
    for (const [name, input] of Object.entries(this.inputs)) {
      input.value = table[name];
      input.readOnly = true;
    }
    byId("price-note").textContent = note;
  }

  show(amount) {
    return money(amount, this.sign);
  }

  // What a request's usage costs.
  cost(usage) {
    const hit = usage.prompt_cache_hit_tokens ?? 0;
    const miss = usage.prompt_cache_miss_tokens ?? usage.prompt_tokens - hit;
    return (hit * this.value("hit") + miss * this.value("miss") + usage.completion_tokens * this.value("output")) / 1e6;
  }
}

// The gateway's table out of /v1/usage, or null. Asked only where the gateway documents that route.
export async function servedPrices() {
  const paths = (await getJson("/openapi.json")).paths;
  if (!paths["/v1/usage"]) return null;
  const prices = (await getJson("/v1/usage")).prices;
  if (!prices) return null;
  const {input_cache_hit: hit, input_cache_miss: miss, output, currency} = prices;
  return {currency, hit, miss, output};
}
