// Who may call an attention worker.
#ifndef BALEEN_SERVICES_ATTENTION_ACCESS_H_
#define BALEEN_SERVICES_ATTENTION_ACCESS_H_

#include "services/common/access_table.h"

namespace baleen {

inline AccessTable AttentionAccess() {
  return {
      // Of sequences.
      {"/baleen.v1.Decode/Run", {PeerRole::kGateway}},
      {"/baleen.v1.Decode/Recall", {PeerRole::kGateway}},
      // Of their KV.
      {"/baleen.v1.Prefill/Fill", {PeerRole::kAttention}},
      {"/baleen.v1.KvTransfer/Push", {PeerRole::kAttention}},
      {"/baleen.v1.KvTransfer/Copy", {PeerRole::kAttention}},
  };
}

}  // namespace baleen

#endif  // BALEEN_SERVICES_ATTENTION_ACCESS_H_
