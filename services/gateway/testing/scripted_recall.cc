#include "services/gateway/testing/scripted_recall.h"

#include <algorithm>

namespace baleen {

void ScriptedRecall::Recall(const std::string&, const v1::RecallRequest& request, absl::Time, RecallDone done) {
  v1::RecallReply reply;
  for (const v1::StartSequence& start : decode_->starts()) {
    const auto kept = kept_.find(start.context().choice());
    if (start.context().request_id() != request.request_id() || start.owner() != request.owner() || kept == kept_.end()) continue;
    v1::RecalledSequence* sequence = reply.add_sequences();
    sequence->set_choice(start.context().choice());
    sequence->set_attempt(start.context().attempt());
    sequence->set_edge(start.edge());
    sequence->set_numerics_id(start.context().numerics_id());
    const std::vector<int32_t>& tokens = decode_->tokens();
    const auto end = tokens.begin() + static_cast<std::ptrdiff_t>(std::min(kept->second, tokens.size()));
    sequence->mutable_generated()->Add(tokens.begin(), end);
  }
  done(std::move(reply));
}

void AddDecodeWorker(RequestFinder* finder) {
  v1::ClusterMap map;
  map.add_workers()->mutable_info()->set_role(v1::ROLE_DECODE);
  finder->UpdateMap(map);
}

}  // namespace baleen
