// Who may call placement.
#ifndef BALEEN_SERVICES_PLACEMENT_ACCESS_H_
#define BALEEN_SERVICES_PLACEMENT_ACCESS_H_

#include "services/common/access_table.h"

namespace baleen {

inline AccessTable PlacementAccess() {
  const std::vector<PeerRole> workers = {PeerRole::kGateway, PeerRole::kAttention, PeerRole::kExpert};
  return {
      {"/baleen.v1.Placement/Register", workers},
      {"/baleen.v1.Placement/Heartbeat", workers},
      {"/baleen.v1.Placement/Deregister", workers},
      {"/baleen.v1.Placement/WatchMap", {PeerRole::kGateway, PeerRole::kAttention, PeerRole::kExpert, PeerRole::kOperator}},
      {"/baleen.v1.Placement/GetActivity", {PeerRole::kGateway, PeerRole::kOperator}},
      {"/baleen.v1.Placement/SetScale", {PeerRole::kGateway, PeerRole::kOperator}},
      {"/baleen.v1.Placement/Drain", {PeerRole::kGateway, PeerRole::kOperator}},
  };
}

}  // namespace baleen

#endif  // BALEEN_SERVICES_PLACEMENT_ACCESS_H_
