// How a policy does on labelled samples: what it finds, what it blocks, what it blocks wrongly.
#ifndef BALEEN_SERVICES_GATEWAY_GUARDRAIL_EVALUATION_H_
#define BALEEN_SERVICES_GATEWAY_GUARDRAIL_EVALUATION_H_

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "services/gateway/guardrail/policy.h"

namespace baleen {

struct GuardSample {
  bool output = false;
  std::string label;  // A category, or "benign".
  std::string text;
};

// One JSON object a line: {"subject": "prompt" | "output", "label", "text"}.
absl::StatusOr<std::vector<GuardSample>> ReadSamples(absl::string_view json_lines);

struct GuardScore {
  int samples = 0;
  int blocked = 0;
  int noted = 0;  // And not blocked.
};

// Subject and label to score. Of a sample with a category only a verdict of that category counts, of a benign one any. Outputs come in
// pieces of a few bytes, as from a model.
using GuardScores = std::map<std::pair<std::string, std::string>, GuardScore>;
GuardScores Evaluate(const std::shared_ptr<const GuardPolicy>& policy, const std::vector<GuardSample>& samples);

// A Markdown table, a row a subject and label.
std::string ScoreTable(const GuardScores& scores);

}  // namespace baleen

#endif  // BALEEN_SERVICES_GATEWAY_GUARDRAIL_EVALUATION_H_
