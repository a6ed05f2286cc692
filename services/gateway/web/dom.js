// Small helpers. Text always becomes text nodes, never HTML.

export const byId = (id) => document.getElementById(id);

// element("p", {class: "note", hidden: true}, "text", child...)
export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === false || value === null || value === undefined) continue;
    made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children);
  return made;
}

// Writes only what changed, so that selections and screen readers are left alone.
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

const grouped = new Intl.NumberFormat("en", {maximumFractionDigits: 0});
export const count = (value) => grouped.format(value);

// Three significant digits: 0.42, 3.1, 57, 1,240, 12.4k.
export function short(value) {
  if (value >= 10000) return `${(value / 1000).toPrecision(3)}k`;
  if (value >= 100 || value === 0) return count(value);
  return String(Number(value.toPrecision(2)));
}

export const seconds = (ms) => (ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(ms < 10000 ? 2 : 1)} s`);

// Of a currency's code: "$", "€", or the code where it has no sign of its own.
export const currencySign = (currency) =>
  new Intl.NumberFormat("en", {style: "currency", currency}).formatToParts(0).find((part) => part.type === "currency").value;

export function money(amount, sign) {
  if (amount === 0) return `${sign}0`;
  if (amount >= 0.01) return `${sign}${amount.toFixed(2)}`;
  return `${sign}${Number(amount.toPrecision(2)).toFixed(Math.min(12, 1 - Math.floor(Math.log10(amount))))}`;
}

export const percent = (share) => `${Math.round(100 * share)}%`;

// Browsers keep the clipboard to secure origins, which a plain HTTP gateway is only on loopback.
async function write(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const area = element("textarea", {class: "sr", "aria-hidden": "true"});
  area.value = text;
  (document.querySelector("dialog[open]") ?? document.body).append(area);
  area.select();
  document.execCommand("copy");
  area.remove();
}

// Copies, and says so on the button.
export async function copyText(text, button) {
  await write(text);
  const label = button.textContent;
  if (label === "Copied") return;
  button.textContent = "Copied";
  setTimeout(() => { button.textContent = label; }, 1600);
}
