#include "services/common/span_exporter.h"

#include <grpcpp/client_context.h>
#include <prometheus/counter.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <thread>

#include "absl/strings/strip.h"
#include "proto/opentelemetry/trace_service.grpc.pb.h"
#include "services/common/channel.h"
#include "services/common/span_file.h"

namespace baleen {
namespace {

namespace otlp = opentelemetry::proto::collector::trace::v1;

void Fill(const std::string& key, const std::variant<int64_t, std::string>& value, otlp::KeyValue* out) {
  out->set_key(key);
  if (const auto* number = std::get_if<int64_t>(&value)) {
    out->mutable_value()->set_int_value(*number);
  } else {
    out->mutable_value()->set_string_value(std::get<std::string>(value));
  }
}

void Fill(const TraceSpan& span, otlp::Span* out) {
  out->set_trace_id(span.trace_id);
  out->set_span_id(span.span_id);
  out->set_parent_span_id(span.parent_id);
  out->set_name(span.name);
  out->set_kind(span.server ? otlp::Span::SPAN_KIND_SERVER : otlp::Span::SPAN_KIND_INTERNAL);
  out->set_start_time_unix_nano(static_cast<uint64_t>(absl::ToUnixNanos(span.start)));
  out->set_end_time_unix_nano(static_cast<uint64_t>(absl::ToUnixNanos(span.end)));
  for (const auto& [key, value] : span.attributes) Fill(key, value, out->add_attributes());
  if (span.failed) out->mutable_status()->set_code(otlp::Status::STATUS_CODE_ERROR);
}

std::string HostName() {
  char name[256] = {};
  return ::gethostname(name, sizeof name - 1) == 0 ? name : "";
}

}  // namespace

struct SpanExporter::Impl {
  Impl(SpanExporterOptions given, prometheus::Registry& registry)
      : options(std::move(given)),
        spans_total(prometheus::BuildCounter().Name("baleen_trace_spans_total").Help("Spans, by what became of them.").Register(registry)),
        sent(spans_total.Add({{"result", "sent"}})),
        dropped(spans_total.Add({{"result", "dropped"}})),
        resource({{"service.name", options.service}, {"host.name", HostName()}, {"process.pid", int64_t{::getpid()}}}) {
    absl::string_view path = options.endpoint;
    if (absl::ConsumePrefix(&path, "file:")) {
      file.emplace(std::string(path));
    } else {
      stub = otlp::TraceService::NewStub(
          MakeOutsideChannel(options.endpoint, options.credentials != nullptr ? options.credentials : grpc::InsecureChannelCredentials()));
    }
  }

  // Up to a batch of what waits; waits a period for the first. Empty when stopping and nothing is left.
  std::vector<TraceSpan> Take() {
    std::unique_lock lock(mutex);
    wake.wait_for(lock, absl::ToChronoNanoseconds(options.period), [this] { return stopping || waiting.size() >= options.max_batch; });
    const size_t count = std::min(waiting.size(), options.max_batch);
    std::vector<TraceSpan> batch(std::make_move_iterator(waiting.begin()),
                                 std::make_move_iterator(waiting.begin() + static_cast<long>(count)));
    waiting.erase(waiting.begin(), waiting.begin() + static_cast<long>(count));
    return batch;
  }

  void Send(const std::vector<TraceSpan>& batch) {
    if (!file) return Export(batch);
    (file->Append(resource, batch) ? sent : dropped).Increment(static_cast<double>(batch.size()));
  }

  void Export(const std::vector<TraceSpan>& batch) {
    otlp::ExportTraceServiceRequest request;
    otlp::ResourceSpans* spans = request.add_resource_spans();
    for (const auto& [key, value] : resource) Fill(key, value, spans->mutable_resource()->add_attributes());
    otlp::ScopeSpans* scope = spans->add_scope_spans();
    scope->mutable_scope()->set_name("baleen");
    for (const TraceSpan& span : batch) Fill(span, scope->add_spans());
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + absl::ToChronoMilliseconds(options.timeout));
    otlp::ExportTraceServiceResponse response;
    const grpc::Status status = stub->Export(&context, request, &response);
    const auto rejected = static_cast<double>(response.partial_success().rejected_spans());
    const auto size = static_cast<double>(batch.size());
    sent.Increment(status.ok() ? size - rejected : 0);
    dropped.Increment(status.ok() ? rejected : size);
  }

  void Run() {
    for (;;) {
      const std::vector<TraceSpan> batch = Take();
      if (!batch.empty()) Send(batch);
      std::lock_guard lock(mutex);
      // A receiver that does not answer may not hold up the end: one batch is tried.
      if (stopping) return dropped.Increment(static_cast<double>(waiting.size()));
    }
  }

  const SpanExporterOptions options;
  prometheus::Family<prometheus::Counter>& spans_total;
  prometheus::Counter& sent;
  prometheus::Counter& dropped;
  const SpanAttributes resource;
  std::unique_ptr<otlp::TraceService::Stub> stub;  // Or
  std::optional<SpanFile> file;

  std::mutex mutex;  // Guards what follows.
  std::condition_variable wake;
  std::deque<TraceSpan> waiting;
  bool stopping = false;
  std::thread thread;
};

SpanExporter::SpanExporter(SpanExporterOptions options, prometheus::Registry& registry)
    : impl_(std::make_unique<Impl>(std::move(options), registry)) {
  impl_->thread = std::thread([impl = impl_.get()] { impl->Run(); });
}

SpanExporter::~SpanExporter() {
  {
    std::lock_guard lock(impl_->mutex);
    impl_->stopping = true;
    impl_->wake.notify_all();
  }
  impl_->thread.join();
}

void SpanExporter::Add(TraceSpan span) {
  std::lock_guard lock(impl_->mutex);
  if (impl_->waiting.size() >= impl_->options.max_waiting) return impl_->dropped.Increment();
  impl_->waiting.push_back(std::move(span));
  if (impl_->waiting.size() >= impl_->options.max_batch) impl_->wake.notify_all();
}

}  // namespace baleen
