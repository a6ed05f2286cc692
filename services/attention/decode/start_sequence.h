// From the wire's StartSequence to the scheduler's request.
#ifndef BALEEN_SERVICES_ATTENTION_DECODE_START_SEQUENCE_H_
#define BALEEN_SERVICES_ATTENTION_DECODE_START_SEQUENCE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "model/sampling/grammar/grammar_vocabulary.h"
#include "services/attention/scheduler/sequence.h"

namespace baleen {

namespace v1 {
class RequestContext;
class StartSequence;
}  // namespace v1

// What this worker can serve.
struct ModelLimits {
  int64_t tokenizer_size = 0;
  std::shared_ptr<const GrammarVocabulary> vocabulary = nullptr;  // Null = no tokenizer: no constrained answers.
  int64_t max_positions = 0;                                      // Of the model; KV capacity is the scheduler's matter.
  std::vector<int32_t> eos_ids;
  std::string numerics_id;
  absl::Duration default_timeout = absl::Hours(1);  // Of requests without a deadline.
};

// Checks request id, numerics id and timeout of a message that belongs to a request and came at `now`. INVALID_ARGUMENT or
// FAILED_PRECONDITION (other numerics). Returns the deadline.
absl::StatusOr<absl::Time> CheckContext(const v1::RequestContext& context, const ModelLimits& limits, absl::Time now);

// INVALID_ARGUMENT outside -100 .. 100.
absl::Status CheckPriority(int32_t priority);

// INVALID_ARGUMENT names the field. `observer` is left empty.
absl::StatusOr<SequenceRequest> ConvertStart(const v1::StartSequence& start, const ModelLimits& limits, absl::Time now);

}  // namespace baleen

#endif  // BALEEN_SERVICES_ATTENTION_DECODE_START_SEQUENCE_H_
