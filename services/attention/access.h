// Who may call an attention worker.
#ifndef BALEEN_SERVICES_ATTENTION_ACCESS_H_
#define BALEEN_SERVICES_ATTENTION_ACCESS_H_

#include "services/common/access_table.h"

namespace baleen {

inline AccessTable AttentionAccess() {
  return {
      {"/baleen.v1.Decode/Run", {PeerRole::kGateway}},
      {"/baleen.v1.Decode/Recall", {PeerRole::kGateway}},
      {"/baleen.v1.Prefill/Fill", {PeerRole::kAttention}},
      {"/baleen.v1.KvTransfer/Push", {PeerRole::kAttention}},
  };
}

}  // namespace baleen

#endif  // BALEEN_SERVICES_ATTENTION_ACCESS_H_
