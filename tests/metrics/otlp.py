"""An OTLP receiver that speaks OpenTelemetry's published types."""

import concurrent.futures
import threading

import grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc

TIMEOUT_S = 20


def attributes(thing):
    """Of a span or a resource, by key."""
    return {item.key: item.value.string_value or item.value.int_value for item in thing.attributes}


class Receiver(trace_service_pb2_grpc.TraceServiceServicer):
    """Keeps what it is sent. As a context manager it is served, on `port`."""

    def __init__(self):
        self.requests = []
        self._arrived = threading.Condition()

    def __enter__(self):
        self._server = grpc.server(concurrent.futures.ThreadPoolExecutor(2))
        trace_service_pb2_grpc.add_TraceServiceServicer_to_server(self, self._server)
        self.port = self._server.add_insecure_port("127.0.0.1:0")
        self._server.start()
        return self

    def __exit__(self, *_):
        self._server.stop(0).wait()

    def Export(self, request, context):
        with self._arrived:
            self.requests.append(request)
            self._arrived.notify_all()
        return trace_service_pb2.ExportTraceServiceResponse()

    def spans(self, trace_id=None):
        """Of one trace, or of all: (service's name, span)."""
        return [(attributes(resource.resource)["service.name"], span) for request in list(self.requests)
                for resource in request.resource_spans for scope in resource.scope_spans for span in scope.spans
                if trace_id in (None, span.trace_id.hex())]

    def wait_for(self, trace_id, *names):
        """(service, name) -> its spans, once each of `names` has come; what has come by the timeout otherwise."""
        def come():
            return {(service, span.name) for service, span in self.spans(trace_id)}
        with self._arrived:
            self._arrived.wait_for(lambda: set(names) <= come(), TIMEOUT_S)
        by_name = {}
        for service, span in self.spans(trace_id):
            by_name.setdefault((service, span.name), []).append(span)
        return by_name
