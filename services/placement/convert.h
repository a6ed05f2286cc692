// Between placement's protos and its domain; every size and value from the wire is checked here.
#ifndef BALEEN_SERVICES_PLACEMENT_CONVERT_H_
#define BALEEN_SERVICES_PLACEMENT_CONVERT_H_

#include <google/protobuf/repeated_ptr_field.h>

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "proto/baleen/v1/placement.pb.h"
#include "services/placement/cluster_state.h"

namespace baleen {

using RangeProtos = google::protobuf::RepeatedPtrField<v1::ExpertRange>;

// INVALID_ARGUMENT names the field. Ids and addresses are at most 256 bytes.
absl::StatusOr<WorkerDescription> FromProto(const v1::WorkerInfo& info);
// Sorts layers and experts; a layer or an expert given twice is INVALID_ARGUMENT, as are numbers beyond the planner's bounds.
absl::StatusOr<std::vector<LayerExperts>> FromProto(const RangeProtos& ranges);
// INVALID_ARGUMENT when a layer's experts and counts differ in number or there are too many.
absl::StatusOr<std::vector<LayerRows>> FromProto(const google::protobuf::RepeatedPtrField<v1::ExpertRows>& rows);
absl::StatusOr<WorkerReport> FromProto(const v1::HeartbeatRequest& request);

v1::Worker ToProto(const MappedWorker& worker);
v1::WorkerActivity ToProto(const ObservedWorker& worker);
void ToProto(const std::vector<LayerExperts>& layers, RangeProtos* out);

}  // namespace baleen

#endif  // BALEEN_SERVICES_PLACEMENT_CONVERT_H_
