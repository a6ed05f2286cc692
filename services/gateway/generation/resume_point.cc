#include "services/gateway/generation/resume_point.h"

#include <algorithm>
#include <limits>

namespace baleen {
namespace {

constexpr uint64_t kAttemptsPerConnection = 4096;

}  // namespace

std::optional<GenerationResume> ProgressOf(const GenerationInput& input) {
  if (input.resume.empty()) return std::nullopt;
  if (const auto own = input.resume.find(input.choice); own != input.resume.end()) return own->second;
  GenerationResume anew;
  for (const auto& [choice, other] : input.resume) {
    if (other.attempt >= anew.attempt) anew = {other.attempt, {}, other.numerics_id};
  }
  return anew;
}

uint32_t AttemptAbove(uint32_t last, uint64_t connections) {
  const uint64_t next = (last / kAttemptsPerConnection + connections) * kAttemptsPerConnection;
  return static_cast<uint32_t>(std::min(next, std::numeric_limits<uint32_t>::max() - kAttemptsPerConnection));
}

}  // namespace baleen
