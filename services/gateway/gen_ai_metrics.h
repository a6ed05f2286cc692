// OpenTelemetry's server metrics for generative AI, by its names in Prometheus' spelling.
#ifndef BALEEN_SERVICES_GATEWAY_GEN_AI_METRICS_H_
#define BALEEN_SERVICES_GATEWAY_GEN_AI_METRICS_H_

#include <prometheus/family.h>
#include <prometheus/histogram.h>
#include <prometheus/labels.h>
#include <prometheus/registry.h>

#include <string>

#include "absl/time/time.h"
#include "services/gateway/generation/generation.h"

namespace baleen {

// gen_ai.operation.name.
enum class Operation { kChat, kTextCompletion };

// gen_ai.server.request.duration, .time_to_first_token and .time_per_output_token with the attributes gen_ai.operation.name,
// gen_ai.request.model and, for failed requests, error.type. Thread-safe.
class GenAiMetrics {
 public:
  GenAiMetrics(prometheus::Registry& registry, const std::string& model);

  // `first_token` is InfinitePast when none came.
  void Ended(Operation operation, const GenerationEvent& last, absl::Time start, absl::Time first_token, absl::Time end);

 private:
  prometheus::Labels LabelsOf(Operation operation) const;

  const std::string model_;
  prometheus::Family<prometheus::Histogram>& duration_;
  prometheus::Family<prometheus::Histogram>& time_to_first_token_;
  prometheus::Family<prometheus::Histogram>& time_per_output_token_;
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_GATEWAY_GEN_AI_METRICS_H_
