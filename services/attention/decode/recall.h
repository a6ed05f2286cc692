// Decode.Recall: hands a resumable request to the gateway that goes on with it.
#ifndef BALEEN_SERVICES_ATTENTION_DECODE_RECALL_H_
#define BALEEN_SERVICES_ATTENTION_DECODE_RECALL_H_

#include <functional>
#include <string>

#include "absl/status/status.h"
#include "proto/baleen/v1/attention.pb.h"
#include "services/attention/scheduler/sequence.h"

namespace baleen {

class ResumeTable;

// What the table has of the owner's request; `cancel` ends its sequences that run with ABORTED, so that their gateways do not try again.
v1::RecallReply RecallFrom(ResumeTable& table, const std::function<void(SequenceId, absl::Status)>& cancel, const std::string& numerics_id,
                           const v1::RecallRequest& request);

}  // namespace baleen

#endif  // BALEEN_SERVICES_ATTENTION_DECODE_RECALL_H_
