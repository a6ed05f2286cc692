// What every call of this page has in common: the key, and errors that say what to do.

const STORED = "baleen-key";

let key = "";
try {
  key = sessionStorage.getItem(STORED) ?? "";
} catch {
  // Without storage the key lives as long as the page.
}
const listeners = [];

export const keyInUse = () => key;
export const hasKey = () => key !== "";
export const onKey = (listener) => listeners.push(listener);

export function setKey(value) {
  key = value.trim();
  try {
    key ? sessionStorage.setItem(STORED, key) : sessionStorage.removeItem(STORED);
  } catch {
    // See above.
  }
  for (const listener of listeners) listener();
}

export class ApiError extends Error {
  constructor(status, message, retryAfter) {
    super(message);
    this.status = status;
    this.retryAfter = retryAfter;
  }
}

async function errorOf(response) {
  let message = `The gateway answered ${response.status}.`;
  try {
    message = (await response.json()).error.message;
  } catch {
    // Not the API's own error; the status has to do.
  }
  return new ApiError(response.status, message, Number(response.headers.get("retry-after")) || 0);
}

// The response, or an ApiError.
export async function call(path, {method = "GET", body, accept, signal} = {}) {
  const headers = {};
  if (key) headers.authorization = `Bearer ${key}`;
  if (accept) headers.accept = accept;
  if (body !== undefined) headers["content-type"] = "application/json";
  const response = await fetch(path, {method, headers, body, signal, cache: "no-store", credentials: "omit"});
  if (!response.ok) throw await errorOf(response);
  return response;
}

export const getJson = async (path) => (await call(path)).json();
