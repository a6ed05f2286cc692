// The request that was sent, as something to paste. The key is never part of it.

const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;

export function curl(origin, path, body, keyed) {
  const lines = [`curl --no-buffer ${origin}${path}`, "--header 'Content-Type: application/json'"];
  if (keyed) lines.push('--header "Authorization: Bearer $BALEEN_API_KEY"');
  lines.push(`--data-raw ${quoted(body)}`);
  return lines.join(" \\\n  ");
}

function python(value, indent) {
  const inner = `${indent}    `;
  if (value === null) return "None";
  if (value === true) return "True";
  if (value === false) return "False";
  // JSON's escapes are Python's, once every surrogate is part of a pair or escaped, which JSON.stringify sees to.
  if (typeof value !== "object") return JSON.stringify(value);
  if (Array.isArray(value)) return value.length ? `[\n${value.map((item) => `${inner}${python(item, inner)},\n`).join("")}${indent}]` : "[]";
  const entries = Object.entries(value);
  if (!entries.length) return "{}";
  return `{${entries.map(([name, item]) => `${JSON.stringify(name)}: ${python(item, indent)}`).join(", ")}}`;
}

// What the openai package takes by name; the rest goes into extra_body.
const NAMED = new Set(["model", "messages", "temperature", "top_p", "seed", "max_tokens", "tools", "tool_choice", "stream", "stream_options"]);

export function pythonCode(origin, body, keyed) {
  const request = JSON.parse(body);
  const extra = Object.fromEntries(Object.entries(request).filter(([name]) => !NAMED.has(name)));
  const lines = Object.entries(request).filter(([name]) => NAMED.has(name)).map(([name, value]) => `    ${name}=${python(value, "    ")},`);
  if (Object.keys(extra).length) lines.push(`    extra_body=${python(extra, "    ")},`);
  const key = keyed ? 'os.environ["BALEEN_API_KEY"]' : '"unused"';
  return [
    ...(keyed ? ["import os", ""] : []),
    "from openai import OpenAI",
    "",
    `client = OpenAI(base_url="${origin}/v1", api_key=${key})`,
    "stream = client.chat.completions.create(",
    ...lines,
    ")",
    "for chunk in stream:",
    "    for choice in chunk.choices:",
    '        thinking = getattr(choice.delta, "reasoning_content", None)',
    '        print(thinking or choice.delta.content or "", end="", flush=True)',
    "print()",
  ].join("\n");
}
