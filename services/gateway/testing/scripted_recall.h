// Decode workers that keep what a ScriptedDecode ran, as if its gateway had died on the way.
#ifndef BALEEN_SERVICES_GATEWAY_TESTING_SCRIPTED_RECALL_H_
#define BALEEN_SERVICES_GATEWAY_TESTING_SCRIPTED_RECALL_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

#include "services/gateway/resume/recall_client.h"
#include "services/gateway/resume/request_finder.h"
#include "services/gateway/testing/scripted_decode.h"

namespace baleen {

// By choice: how many tokens were made when the gateway died. Those that are not named are not kept.
using KeptTokens = std::map<uint32_t, size_t>;

// Answers from within Recall. Thread-compatible.
class ScriptedRecall final : public RecallClient {
 public:
  // `decode` is unowned.
  explicit ScriptedRecall(const ScriptedDecode* decode) : decode_(decode) {}

  void Keep(KeptTokens kept) { kept_ = std::move(kept); }
  void Recall(const std::string& address, const v1::RecallRequest& request, absl::Time deadline, RecallDone done) override;

 private:
  const ScriptedDecode* const decode_;
  KeptTokens kept_;
};

// Shows `finder` the one decode worker.
void AddDecodeWorker(RequestFinder* finder);

}  // namespace baleen

#endif  // BALEEN_SERVICES_GATEWAY_TESTING_SCRIPTED_RECALL_H_
