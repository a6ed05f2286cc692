// Requests under idempotency keys, from their claim to their end.
#ifndef BALEEN_SERVICES_GATEWAY_IDEMPOTENCY_IDEMPOTENT_ANSWER_H_
#define BALEEN_SERVICES_GATEWAY_IDEMPOTENCY_IDEMPOTENT_ANSWER_H_

#include <memory>
#include <mutex>
#include <string>

#include "absl/status/statusor.h"
#include "base/clock.h"
#include "services/gateway/generation/generation.h"
#include "services/gateway/idempotency/idempotency_table.h"

namespace baleen {

// One request's hold on its key, until its last event, its client's leaving or its own end. Thread-safe.
class IdempotentAnswer {
 public:
  virtual ~IdempotentAnswer() = default;
  // What the answer depends on.
  virtual const AnswerRecord& record() const = 0;
  // An earlier request under the key had begun an answer; this one gives the same.
  virtual bool repeat() const = 0;
  // The sink of the whole answer. A repeat's usage tells of the cache what the first answer told.
  virtual GenerationSink Wrap(GenerationSink sink) = 0;
  // The client has gone and may ask again at once.
  virtual void Left() = 0;
};

// Thread-safe.
class IdempotencyKeys {
 public:
  // `clock` is unowned.
  IdempotencyKeys(const IdempotencyLimits& limits, Clock* clock);

  // As IdempotencyTable::Claim; INVALID_ARGUMENT when it is no key.
  absl::StatusOr<std::shared_ptr<IdempotentAnswer>> Claim(const std::string& caller, const std::string& key, const std::string& digest,
                                                          const AnswerRecord& fresh);

 private:
  struct Shared;
  class Answer;
  Clock* const clock_;
  const std::shared_ptr<Shared> shared_;
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_GATEWAY_IDEMPOTENCY_IDEMPOTENT_ANSWER_H_
