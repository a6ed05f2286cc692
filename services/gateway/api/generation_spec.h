// What a client may ask of sampling and stopping, checked and with the model's defaults filled in.
#ifndef BALEEN_SERVICES_GATEWAY_API_GENERATION_SPEC_H_
#define BALEEN_SERVICES_GATEWAY_API_GENERATION_SPEC_H_

#include <boost/json/object.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace baleen {

struct GenerationSpec {
  double temperature = 1;
  double top_p = 1;
  int64_t top_k = 0;
  std::optional<uint64_t> seed;
  std::optional<int64_t> max_tokens;
  int64_t min_tokens = 0;
  bool ignore_eos = false;
  std::vector<std::string> stop;
  // Alternatives per token; -1 = no log-probabilities.
  int logprobs = -1;
  std::string user;  // Whom the client asks for; at most kMaxUserBytes.
};

// Reads all the fields but log-probabilities, whose form differs between chat and completions. `defaults` has the
// checkpoint's own temperature and top_p. Accepts max_tokens and max_completion_tokens. n must be 1.
absl::StatusOr<GenerationSpec> ReadGenerationSpec(const boost::json::object& body, const GenerationSpec& defaults);

constexpr int kMaxLogprobs = 20;
constexpr size_t kMaxUserBytes = 512;

}  // namespace baleen

#endif  // BALEEN_SERVICES_GATEWAY_API_GENERATION_SPEC_H_
