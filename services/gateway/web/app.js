// Start: the two views, the theme, the key.
import {Cluster} from "./cluster.js";
import {byId} from "./dom.js";
import {Playground} from "./playground.js";
import {getJson, hasKey, keyInUse, onKey, setKey} from "./session.js";

const VIEWS = ["playground", "cluster"];
const THEMES = {auto: "automatic", light: "light", dark: "dark"};

const playground = new Playground(askForKeyAfter);
const cluster = new Cluster();

let shown = null;

// Views have hashes that are no element's id, or the browser would move the focus there.
function route() {
  const asked = location.hash.slice(2);
  const view = location.hash.startsWith("#/") && VIEWS.includes(asked) ? asked : shown ?? VIEWS[0];
  shown = view;
  for (const name of VIEWS) byId(name).hidden = name !== view;
  for (const link of document.querySelectorAll("[data-view]")) {
    link.dataset.view === view ? link.setAttribute("aria-current", "page") : link.removeAttribute("aria-current");
  }
  document.title = view === "cluster" ? "Baleen · Cluster" : "Baleen";
  watch();
}

// Nobody follows what nobody sees.
function watch() {
  byId("cluster").hidden || document.hidden ? cluster.hide() : cluster.show();
}

function setTheme(theme) {
  if (theme === "auto") {
    delete document.documentElement.dataset.theme;
  } else {
    document.documentElement.dataset.theme = theme;
  }
  byId("theme-label").textContent = `Theme: ${THEMES[theme]}`;
  byId("theme-button").title = `Theme: ${THEMES[theme]}`;
  cluster.retheme();
}

function nextTheme() {
  const names = Object.keys(THEMES);
  const theme = names[(names.indexOf(document.documentElement.dataset.theme ?? "auto") + 1) % names.length];
  try {
    localStorage.setItem("baleen-theme", theme);
  } catch {
    // Until the page is left, then.
  }
  setTheme(theme);
}

function askForKey(why = "Sent with each request of this page.") {
  byId("key-text").textContent = `${why} Kept in this tab only, and gone when it closes.`;
  byId("key-dialog").returnValue = "";  // Else Escape would repeat what was chosen the last time.
  byId("key-dialog").showModal();
}

// A key that was refused stays in its field, to be looked at.
function askForKeyAfter(error) {
  askForKey((hasKey() && error?.message) || "This gateway wants an API key.");
  byId("key").value = keyInUse();
  byId("key").select();
}

function showKey() {
  byId("key-button").dataset.on = hasKey();
}

async function loadModel() {
  try {
    const [model] = (await getJson("/v1/models")).data;
    byId("model-name").textContent = model.id;
    cluster.setModel(model);
    await playground.setModel(model);
  } catch (error) {
    if (error.status === 401) askForKeyAfter(error);
  }
}

byId("key-button").addEventListener("click", () => askForKey());
byId("key-cancel").addEventListener("click", () => byId("key-dialog").close());
byId("key-dialog").addEventListener("close", () => {
  if (byId("key-dialog").returnValue === "save") setKey(byId("key").value);
  byId("key").value = "";
});
byId("theme-button").addEventListener("click", nextTheme);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => cluster.retheme());
window.addEventListener("hashchange", route);
document.addEventListener("visibilitychange", watch);
onKey(() => {
  showKey();
  loadModel();
});

setTheme(document.documentElement.dataset.theme ?? "auto");
showKey();
route();
loadModel();
// On a touch screen that would bring the keyboard up unasked.
if (!matchMedia("(pointer: coarse)").matches) byId("question").focus();
