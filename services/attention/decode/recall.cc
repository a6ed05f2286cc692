#include "services/attention/decode/recall.h"

#include "services/attention/decode/resume_table.h"

namespace baleen {

v1::RecallReply RecallFrom(ResumeTable& table, const std::function<void(SequenceId, absl::Status)>& cancel, const std::string& numerics_id,
                           const v1::RecallRequest& request) {
  v1::RecallReply reply;
  for (const RecalledSequence& recalled : table.Recall(request.owner(), request.request_id())) {
    if (recalled.running.has_value()) cancel(*recalled.running, absl::AbortedError("the request goes on through another gateway"));
    v1::RecalledSequence* sequence = reply.add_sequences();
    sequence->set_choice(recalled.choice);
    sequence->set_attempt(recalled.attempt);
    sequence->set_edge(recalled.edge);
    sequence->mutable_generated()->Add(recalled.generated.begin(), recalled.generated.end());
    sequence->set_numerics_id(numerics_id);
  }
  return reply;
}

}  // namespace baleen
