#include "services/gateway/gen_ai_metrics.h"

#include "absl/status/status.h"

namespace baleen {
namespace {

using Buckets = prometheus::Histogram::BucketBoundaries;

// The boundaries that OpenTelemetry's semantic conventions advise.
const Buckets kDuration = {0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92};
const Buckets kFirstToken = {0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10};
const Buckets kPerToken = {0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5};

prometheus::Family<prometheus::Histogram>& Histograms(prometheus::Registry& registry, const char* name, const char* help) {
  return prometheus::BuildHistogram().Name(name).Help(help).Register(registry);
}

}  // namespace

GenAiMetrics::GenAiMetrics(prometheus::Registry& registry, const std::string& model)
    : model_(model),
      duration_(Histograms(registry, "gen_ai_server_request_duration_seconds", "From request to last token.")),
      time_to_first_token_(Histograms(registry, "gen_ai_server_time_to_first_token_seconds", "From request to first token.")),
      time_per_output_token_(
          Histograms(registry, "gen_ai_server_time_per_output_token_seconds", "Mean time of a request's tokens after the first.")) {
  for (const Operation operation : {Operation::kChat, Operation::kTextCompletion}) {
    duration_.Add(LabelsOf(operation), kDuration);
    time_to_first_token_.Add(LabelsOf(operation), kFirstToken);
    time_per_output_token_.Add(LabelsOf(operation), kPerToken);
  }
}

void GenAiMetrics::Ended(Operation operation, const GenerationEvent& last, absl::Time start, absl::Time first_token, absl::Time end) {
  prometheus::Labels labels = LabelsOf(operation);
  if (!last.status.ok()) labels["error_type"] = absl::StatusCodeToString(last.status.code());
  duration_.Add(labels, kDuration).Observe(absl::ToDoubleSeconds(end - start));
  if (!last.status.ok() || first_token == absl::InfinitePast()) return;
  time_to_first_token_.Add(labels, kFirstToken).Observe(absl::ToDoubleSeconds(first_token - start));
  if (last.usage.completion_tokens < 2) return;
  const double after_first = static_cast<double>(last.usage.completion_tokens - 1);
  time_per_output_token_.Add(labels, kPerToken).Observe(absl::ToDoubleSeconds(end - first_token) / after_first);
}

prometheus::Labels GenAiMetrics::LabelsOf(Operation operation) const {
  return {{"gen_ai_operation_name", operation == Operation::kChat ? "chat" : "text_completion"}, {"gen_ai_request_model", model_}};
}

}  // namespace baleen
