// One chat request over the API: sends it, tells what arrives, measures it.
import {call} from "./session.js";
import {events} from "./sse.js";

export const CHAT_PATH = "/v1/chat/completions";

// Yields {kind: "waiting" | "thinking" | "answer", text} and {kind: "call", index, id, name, text} as they come, a call's arguments in pieces
// of which the first has id and name; returns the figures when the stream ends: {usage, finish, firstMs, lastMs, pieces}. Aborting the signal
// throws AbortError.
export async function* chat(body, signal) {
  const start = performance.now();
  const figures = {usage: null, finish: null, firstMs: null, lastMs: null, pieces: 0};
  const response = await call(CHAT_PATH, {method: "POST", body, signal, accept: "text/event-stream"});
  for await (const {data, comment} of events(response)) {
    if (comment !== undefined) {
      yield {kind: "waiting", text: "In the queue"};
      continue;
    }
    if (data === "[DONE]") break;
    const chunk = JSON.parse(data);
    if (chunk.error) throw new Error(chunk.error.message);
    if (chunk.usage) figures.usage = chunk.usage;
    const choice = chunk.choices?.[0];
    if (!choice) continue;
    figures.finish = choice.finish_reason ?? figures.finish;
    const {reasoning_content: thinking, content: answer, tool_calls: calls = []} = choice.delta;
    if (!thinking && !answer && !calls.length) continue;
    figures.lastMs = performance.now() - start;
    figures.firstMs ??= figures.lastMs;
    figures.pieces += 1;
    if (thinking) yield {kind: "thinking", text: thinking, figures};
    if (answer) yield {kind: "answer", text: answer, figures};
    for (const {index, id, function: piece} of calls) yield {kind: "call", index, id, name: piece.name, text: piece.arguments ?? "", figures};
  }
  return figures;
}

// Tokens a second after the first one; null when there is nothing to divide.
export function speed(figures) {
  const tokens = figures.usage?.completion_tokens ?? figures.pieces;
  const ms = figures.lastMs - figures.firstMs;
  return tokens > 1 && ms > 0 ? (1000 * (tokens - 1)) / ms : null;
}
