#include "services/placement/convert.h"

#include <algorithm>
#include <limits>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"

namespace baleen {
namespace {

constexpr size_t kMaxText = 256;

absl::Status CheckText(absl::string_view field, const std::string& value, bool required) {
  if (required && value.empty()) return absl::InvalidArgumentError(absl::StrCat(field, " is empty"));
  if (value.size() > kMaxText) return absl::InvalidArgumentError(absl::StrCat(field, " is longer than ", kMaxText, " bytes"));
  return absl::OkStatus();
}

absl::StatusOr<WorkerRole> RoleFromProto(v1::Role role) {
  switch (role) {
    case v1::ROLE_GATEWAY:
      return WorkerRole::kGateway;
    case v1::ROLE_PREFILL:
      return WorkerRole::kPrefill;
    case v1::ROLE_DECODE:
      return WorkerRole::kDecode;
    case v1::ROLE_EXPERT:
      return WorkerRole::kExpert;
    case v1::ROLE_PREFILL_AND_DECODE:
      return WorkerRole::kPrefillAndDecode;
    default:
      return absl::InvalidArgumentError(absl::StrCat("worker.role ", static_cast<int>(role), " is unknown"));
  }
}

v1::Role RoleToProto(WorkerRole role) {
  switch (role) {
    case WorkerRole::kGateway:
      return v1::ROLE_GATEWAY;
    case WorkerRole::kPrefill:
      return v1::ROLE_PREFILL;
    case WorkerRole::kDecode:
      return v1::ROLE_DECODE;
    case WorkerRole::kExpert:
      return v1::ROLE_EXPERT;
    case WorkerRole::kPrefillAndDecode:
      return v1::ROLE_PREFILL_AND_DECODE;
  }
  return v1::ROLE_UNSPECIFIED;
}

absl::StatusOr<LayerExperts> LayerFromProto(const v1::ExpertRange& range) {
  if (range.layer() >= 2 * kMaxLayers) return absl::InvalidArgumentError(absl::StrCat("layer ", range.layer(), " is out of bounds"));
  if (range.experts_size() > static_cast<int>(kMaxExperts)) {
    return absl::InvalidArgumentError(absl::StrCat("layer ", range.layer(), " lists ", range.experts_size(), " experts"));
  }
  LayerExperts layer{range.layer(), {range.experts().begin(), range.experts().end()}};
  std::sort(layer.experts.begin(), layer.experts.end());
  if (std::adjacent_find(layer.experts.begin(), layer.experts.end()) != layer.experts.end()) {
    return absl::InvalidArgumentError(absl::StrCat("layer ", range.layer(), " lists an expert twice"));
  }
  if (!layer.experts.empty() && layer.experts.back() >= kMaxExperts) {
    return absl::InvalidArgumentError(absl::StrCat("layer ", range.layer(), ": expert ", layer.experts.back(), " is out of bounds"));
  }
  return layer;
}

}  // namespace

absl::StatusOr<WorkerDescription> FromProto(const v1::WorkerInfo& info) {
  WorkerDescription worker;
  RETURN_IF_ERROR(CheckText("worker.worker_id", info.worker_id(), true));
  RETURN_IF_ERROR(CheckText("worker.address", info.address(), true));
  RETURN_IF_ERROR(CheckText("worker.numerics_id", info.numerics_id(), false));
  RETURN_IF_ERROR(CheckText("worker.model_id", info.model_id(), false));
  RETURN_IF_ERROR(CheckText("worker.failure_domain", info.failure_domain(), false));
  ASSIGN_OR_RETURN(worker.role, RoleFromProto(info.role()));
  worker.id = info.worker_id();
  worker.address = info.address();
  worker.numerics_id = info.numerics_id();
  worker.model_id = info.model_id();
  worker.failure_domain = info.failure_domain();
  worker.shape = {info.first_moe_layer(), info.moe_layers(), info.experts(), std::max(1u, info.expert_groups())};
  worker.kv_capacity_tokens = info.kv_capacity_tokens();
  worker.max_num_seqs = info.max_num_seqs();
  return worker;
}

absl::StatusOr<std::vector<LayerExperts>> FromProto(const RangeProtos& ranges) {
  if (ranges.size() > static_cast<int>(kMaxLayers)) return absl::InvalidArgumentError(absl::StrCat(ranges.size(), " layers of experts"));
  std::vector<LayerExperts> layers;
  layers.reserve(ranges.size());
  for (const v1::ExpertRange& range : ranges) {
    ASSIGN_OR_RETURN(LayerExperts layer, LayerFromProto(range));
    layers.push_back(std::move(layer));
  }
  auto by_layer = [](const LayerExperts& a, const LayerExperts& b) { return a.layer < b.layer; };
  std::sort(layers.begin(), layers.end(), by_layer);
  for (size_t i = 1; i < layers.size(); ++i) {
    if (layers[i].layer == layers[i - 1].layer)
      return absl::InvalidArgumentError(absl::StrCat("layer ", layers[i].layer, " is listed twice"));
  }
  return layers;
}

absl::StatusOr<std::vector<LayerRows>> FromProto(const google::protobuf::RepeatedPtrField<v1::ExpertRows>& rows) {
  if (rows.size() > static_cast<int>(kMaxLayers)) return absl::InvalidArgumentError(absl::StrCat("rows of ", rows.size(), " layers"));
  std::vector<LayerRows> out;
  for (const v1::ExpertRows& layer : rows) {
    if (layer.experts_size() > static_cast<int>(kMaxExperts) || layer.experts_size() != layer.rows_size()) {
      return absl::InvalidArgumentError(
          absl::StrCat("rows of layer ", layer.layer(), ": ", layer.experts_size(), " experts and ", layer.rows_size(), " counts"));
    }
    out.push_back({layer.layer(), {layer.experts().begin(), layer.experts().end()}, {layer.rows().begin(), layer.rows().end()}});
  }
  return out;
}

absl::StatusOr<WorkerReport> FromProto(const v1::HeartbeatRequest& request) {
  WorkerReport report;
  report.ready = request.ready();
  report.draining = request.draining();
  report.load = {request.running(), request.waiting(), request.kv_usage()};
  ASSIGN_OR_RETURN(report.loaded, FromProto(request.loaded()));
  report.digests.reserve(request.digests_size());
  for (const v1::TensorDigest& digest : request.digests()) {
    RETURN_IF_ERROR(CheckText("digests.name", digest.name(), true));
    report.digests.push_back({digest.name(), digest.digest()});
  }
  ASSIGN_OR_RETURN(report.rows, FromProto(request.rows()));
  const v1::AttentionActivity& attention = request.attention();
  report.attention = {.steps = attention.steps(),
                      .step_rows = attention.step_rows(),
                      .generated_tokens = attention.generated_tokens(),
                      .kv_blocks_total = attention.kv_blocks_total(),
                      .kv_blocks_used = attention.kv_blocks_used(),
                      .kv_blocks_cached = attention.kv_blocks_cached()};
  return report;
}

v1::Worker ToProto(const MappedWorker& worker) {
  v1::Worker out;
  v1::WorkerInfo& info = *out.mutable_info();
  const WorkerDescription& description = worker.description;
  info.set_worker_id(description.id);
  info.set_role(RoleToProto(description.role));
  info.set_address(description.address);
  info.set_numerics_id(description.numerics_id);
  info.set_model_id(description.model_id);
  info.set_failure_domain(description.failure_domain);
  info.set_first_moe_layer(description.shape.first_moe_layer);
  info.set_moe_layers(description.shape.moe_layers);
  info.set_experts(description.shape.experts);
  info.set_expert_groups(description.shape.groups);
  info.set_kv_capacity_tokens(description.kv_capacity_tokens);
  info.set_max_num_seqs(description.max_num_seqs);
  out.set_ready(worker.ready);
  out.set_draining(worker.draining);
  out.set_running(worker.load.running);
  out.set_waiting(worker.load.waiting);
  out.set_kv_usage(worker.load.kv_usage);
  ToProto(worker.experts, out.mutable_experts());
  return out;
}

v1::WorkerActivity ToProto(const ObservedWorker& worker) {
  v1::WorkerActivity out;
  out.set_worker_id(worker.id);
  const int64_t silent_ms = absl::ToInt64Milliseconds(worker.silent);
  out.set_silent_ms(static_cast<uint32_t>(std::clamp<int64_t>(silent_ms, 0, std::numeric_limits<uint32_t>::max())));
  for (const LayerRows& layer : worker.rows) {
    v1::ExpertRows& rows = *out.add_rows();
    rows.set_layer(layer.layer);
    rows.mutable_experts()->Add(layer.experts.begin(), layer.experts.end());
    rows.mutable_rows()->Add(layer.rows.begin(), layer.rows.end());
  }
  if (worker.attention.kv_blocks_total == 0) return out;
  v1::AttentionActivity& attention = *out.mutable_attention();
  attention.set_steps(worker.attention.steps);
  attention.set_step_rows(worker.attention.step_rows);
  attention.set_generated_tokens(worker.attention.generated_tokens);
  attention.set_kv_blocks_total(worker.attention.kv_blocks_total);
  attention.set_kv_blocks_used(worker.attention.kv_blocks_used);
  attention.set_kv_blocks_cached(worker.attention.kv_blocks_cached);
  return out;
}

void ToProto(const std::vector<LayerExperts>& layers, RangeProtos* out) {
  for (const LayerExperts& layer : layers) {
    v1::ExpertRange& range = *out->Add();
    range.set_layer(layer.layer);
    range.mutable_experts()->Add(layer.experts.begin(), layer.experts.end());
  }
}

}  // namespace baleen
