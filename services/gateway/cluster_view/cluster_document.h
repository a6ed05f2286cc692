// The cluster as JSON for people who watch it: its map, and what each worker last said of its work. Nothing of any request.
#ifndef BALEEN_SERVICES_GATEWAY_CLUSTER_VIEW_CLUSTER_DOCUMENT_H_
#define BALEEN_SERVICES_GATEWAY_CLUSTER_VIEW_CLUSTER_DOCUMENT_H_

#include <string>

#include "absl/time/time.h"
#include "proto/baleen/v1/placement.pb.h"

namespace baleen {

// Counts are since each worker's start: readers take differences. Addresses are left out. `activity` may be null (placement did not
// answer): then there are no counts, and "placement" says so.
std::string ClusterDocument(const std::string& model, const v1::ClusterMap& map, const v1::Activity* activity, absl::Time now);

}  // namespace baleen

#endif  // BALEEN_SERVICES_GATEWAY_CLUSTER_VIEW_CLUSTER_DOCUMENT_H_
