// Decode.Recall: hands a resumable request to the gateway that goes on with it.
#ifndef BALEEN_SERVICES_ATTENTION_DECODE_RECALL_H_
#define BALEEN_SERVICES_ATTENTION_DECODE_RECALL_H_

#include <string>

#include "proto/baleen/v1/attention.pb.h"

namespace baleen {

class ResumeTable;
class StepLoop;

// What the table has of the request; its sequences that run end with ABORTED, so that their gateways do not try again.
v1::RecallReply RecallFrom(ResumeTable& table, StepLoop& loop, const std::string& numerics_id, const std::string& request_id);

}  // namespace baleen

#endif  // BALEEN_SERVICES_ATTENTION_DECODE_RECALL_H_
