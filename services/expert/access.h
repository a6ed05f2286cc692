// Who may call an expert shard.
#ifndef BALEEN_SERVICES_EXPERT_ACCESS_H_
#define BALEEN_SERVICES_EXPERT_ACCESS_H_

#include "services/common/access_table.h"

namespace baleen {

inline AccessTable ExpertAccess() {
  return {
      {"/baleen.v1.Expert/Exchange", {PeerRole::kAttention}},
  };
}

}  // namespace baleen

#endif  // BALEEN_SERVICES_EXPERT_ACCESS_H_
