"""An OTLP receiver that speaks OpenTelemetry's published types."""

import threading

from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc

TIMEOUT_S = 20


class Receiver(trace_service_pb2_grpc.TraceServiceServicer):
    """Keeps what it is sent."""

    def __init__(self):
        self.requests = []
        self._arrived = threading.Condition()

    def Export(self, request, context):
        with self._arrived:
            self.requests.append(request)
            self._arrived.notify_all()
        return trace_service_pb2.ExportTraceServiceResponse()

    def spans(self, trace_id):
        return [span for request in list(self.requests) for resource in request.resource_spans for scope in resource.scope_spans
                for span in scope.spans if span.trace_id.hex() == trace_id]

    def wait_for(self, trace_id, count):
        with self._arrived:
            self._arrived.wait_for(lambda: len(self.spans(trace_id)) >= count, TIMEOUT_S)
        return {span.name: span for span in self.spans(trace_id)}
