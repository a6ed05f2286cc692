"""`baleen trace`: the spans of one request as a tree: where its time went, process by process."""

import json
import os
import pathlib
import re

import remote
import settings
from errors import UserError

KEPT_IN = "traces"  # Of a local cluster with TRACES=1, under its directory.
REQUEST_ID = re.compile(r"[0-9a-f]{32}")


def path_of(identity):
    """Where a local process leaves its spans (--otlp_endpoint=file:)."""
    return settings.directory() / KEPT_IN / f"{identity}.jsonl"


def _value(any_value):
    for kind, value in any_value.items():
        return int(value) if kind == "intValue" else value
    return None


def _attributes(thing):
    return {item["key"]: _value(item["value"]) for item in thing.get("attributes", ())}


def spans_of(document):
    """(service, span) of an OTLP JSON document: TracesData, or what Jaeger (`result`) and Tempo (`batches`) wrap it in."""
    document = document.get("result") or document
    for resource in document.get("resourceSpans") or document.get("batches") or ():
        service = _attributes(resource.get("resource", {})).get("service.name", "?")
        for scope in resource.get("scopeSpans", ()):
            for span in scope.get("spans", ()):
                yield str(service), span


def _lines(path):
    with open(path, encoding="utf-8") as file:
        for line in file:
            # A process may be in the middle of its last line.
            if line.endswith("\n"):
                yield json.loads(line)


def read_files(path):
    """All spans in a file of OTLP JSON lines, or in those of a directory."""
    files = sorted(path.glob("*.jsonl")) if path.is_dir() else [path]
    if not files or not files[0].is_file():
        raise UserError(f"{path}: no traces there")
    try:
        return [pair for file in files for document in _lines(file) for pair in spans_of(document)]
    except (ValueError, AttributeError, KeyError) as error:
        raise UserError(f"{path}: not OTLP JSON lines ({error})") from None


def _is_of(span, request):
    return span["traceId"] == request or _attributes(span).get("baleen.request_id") == request


def find(pairs, request):
    """The spans of the trace that is called `request`, or has the request of that id in it."""
    traces = {span["traceId"] for _, span in pairs if _is_of(span, request)}
    return [(service, span) for service, span in pairs if span["traceId"] in traces]


def _describe(span):
    shown = {key.removeprefix("baleen."): value for key, value in _attributes(span).items() if not key.startswith("gen_ai.")}
    failed = ["FAILED"] if span.get("status", {}).get("code") in (2, "STATUS_CODE_ERROR") else []
    return " ".join(failed + [f"{key}={value}" for key, value in shown.items()])


def tree(pairs):
    """Rows (start ms, duration ms, service, indented name, details), each span under its parent, by time."""
    known = {span["spanId"] for _, span in pairs}
    children = {}
    for service, span in sorted(pairs, key=lambda pair: int(pair[1]["startTimeUnixNano"])):
        parent = span.get("parentSpanId") or None
        children.setdefault(parent if parent in known else None, []).append((service, span))
    begin = min(int(span["startTimeUnixNano"]) for _, span in pairs)
    rows = []

    def add(parent, depth):
        for service, span in children.get(parent, ()):
            start, end = int(span["startTimeUnixNano"]), int(span["endTimeUnixNano"])
            rows.append((f"{(start - begin) / 1e6:.1f}", f"{(end - start) / 1e6:.1f}", service.removeprefix("baleen-"),
                         "  " * depth + span["name"], _describe(span)))
            add(span["spanId"], depth + 1)
    add(None, 0)
    return rows


def run(arguments):
    """Prints the tree; the layers of sampled steps too with --layers."""
    request = arguments.request.lower()
    if not REQUEST_ID.fullmatch(request):
        raise UserError(f"{arguments.request}: a request is named by the 32 hexadecimal digits of its x-request-id")
    source = arguments.source or os.environ.get("BALEEN_TRACES") or str(settings.directory() / KEPT_IN)
    if source.startswith(("http://", "https://")):
        if "{id}" not in source:
            raise UserError(f"{source}: the URL of a trace store needs {{id}} where the trace's id goes")
        pairs = list(spans_of(remote.get_json(source.replace("{id}", request), {"Accept": "application/json"})))
    else:
        pairs = find(read_files(pathlib.Path(source)), request)
    if not pairs:
        raise UserError(f"no span of {request} in {source}: was it sampled (--trace_sample, or a sampled traceparent header)?")
    rows = tree(pairs)
    if not arguments.layers:
        layered = {"step", "attention", "experts", "expert queue", "expert compute"}
        rows = [row for row in rows if row[3].strip() not in layered]
    print(remote.table([("at ms", "took ms", "process", "span", ""), *rows]))
    return 0
