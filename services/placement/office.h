// Ties the cluster's state to leadership: what a placement takes over when elected, what it stores while it leads.
#ifndef BALEEN_SERVICES_PLACEMENT_OFFICE_H_
#define BALEEN_SERVICES_PLACEMENT_OFFICE_H_

#include "services/placement/cluster.h"
#include "services/placement/etcd/election.h"

namespace baleen {

// Epochs are reserved in etcd in blocks, so that a leader writes seldom and its successor begins above all it could have used.
// `cluster` outlives what is returned.
ElectionEvents MakeOffice(Cluster& cluster);

}  // namespace baleen

#endif  // BALEEN_SERVICES_PLACEMENT_OFFICE_H_
