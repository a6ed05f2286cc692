#!/usr/bin/env python3
"""Stands in for every service in the command's tests: serves /readyz and a metric, and a streamed answer where it is the gateway.

--model's directory may hold a file `behaviour`: "die <role>" makes that role write a line and exit, "stubborn"
ignores SIGTERM. A file `wanted` in MODEL holds the number of shards that placement says it wants.
"""

import http.server
import json
import os
import pathlib
import signal
import sys
import threading

FLAGS = dict(word[2:].split("=", 1) for word in sys.argv[1:])
ROWS = {"total": 100}
SHARD = {"role": "expert", "draining": False, "running": 0, "waiting": 3, "silent_ms": 120}
CLUSTER = {
    "placement": {"answers": True, "epoch": 7, "pending_moves": 2},
    "workers": [{**SHARD, "id": "expert-a", "ready": True, "experts": [{"layer": 1, "experts": [0, 4], "rows": [5, 6]}]},
                {**SHARD, "id": "expert-b", "ready": False, "experts": []},
                {**SHARD, "role": "gateway", "id": "gateway-a", "ready": True}],
}


class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def _send(self, body, content_type="text/plain"):
        self.send_response(200)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def do_GET(self):
        if self.path == "/metrics":
            self._send(f'baleen_expert_rows_total{{layer="1"}} {ROWS["total"]}\nbaleen_placement_pending_moves 0\n'
                       f'baleen_placement_epoch 3\n{wanted()}')
            ROWS["total"] += 7
        elif self.path == "/v1/models":
            self._send('{"data": [{"id": "fake"}]}', "application/json")
        elif self.path == "/v1/cluster":
            self._send(json.dumps(CLUSTER), "application/json")
        else:
            self._send("ok\n")

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path.startswith("/admin/"):
            CLUSTER["workers"] = [worker for worker in CLUSTER["workers"] if worker["id"] != asked.get("worker")]
            return self._send("{}", "application/json")
        question = asked["messages"][0]["content"] if "messages" in asked else asked["prompt"]
        deltas = [{"reasoning_content": "thinking"}, {"content": f"{question}? "}, {"content": "42"}]
        events = [{"choices": [{"delta": delta}]} for delta in deltas]
        events.append({"choices": [], "usage": {"prompt_tokens": 5, "completion_tokens": 3}})
        ending = [] if "cut" in question else ["data: [DONE]"]
        lines = [f"data: {json.dumps(event)}" for event in events] + ending
        self._send("".join(f"{line}\n\n" for line in lines), "text/event-stream")


def wanted():
    path = pathlib.Path(os.environ["MODEL"], "wanted")
    return f"baleen_placement_wanted_shards {path.read_text()}\n" if path.exists() else ""


def behaviour():
    path = pathlib.Path(FLAGS.get("model", "/nonexistent")) / "behaviour"
    return path.read_text().split() if path.exists() else []


def serve(port):
    server = http.server.ThreadingHTTPServer((FLAGS["bind"], int(port)), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()


def main():
    wish = behaviour()
    if wish[:1] == ["die"] and wish[1] == FLAGS.get("role", "expert" if "rest_port" not in FLAGS else "gateway"):
        sys.exit(f"cannot start: {wish[1]} was told to die")
    if wish == ["stubborn"]:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    serve(FLAGS["metrics_port"])
    if "rest_port" in FLAGS:
        serve(FLAGS["rest_port"])
    signal.pause()


if __name__ == "__main__":
    main()
