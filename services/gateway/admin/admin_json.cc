#include "services/gateway/admin/admin_json.h"

#include <boost/json.hpp>
#include <utility>

#include "base/status_macros.h"
#include "services/gateway/api/api_error.h"
#include "services/gateway/api/json_fields.h"

namespace baleen {
namespace {

namespace json = boost::json;

constexpr size_t kShownDigits = 8;
constexpr int64_t kMaxScale = 1 << 20;  // Placement has the real bound.

json::value LimitOrNull(int64_t limit) { return limit == 0 ? json::value(nullptr) : json::value(limit); }

const char* NameOf(v1::Role role) {
  switch (role) {
    case v1::ROLE_GATEWAY:
      return "gateway";
    case v1::ROLE_PREFILL:
      return "prefill";
    case v1::ROLE_DECODE:
      return "decode";
    case v1::ROLE_EXPERT:
      return "expert";
    case v1::ROLE_PREFILL_AND_DECODE:
      return "both";
    default:
      return "unknown";
  }
}

json::object WorkerObject(const v1::Worker& worker) {
  int64_t experts = 0;
  for (const v1::ExpertRange& range : worker.experts()) experts += range.experts_size();
  return {{"id", worker.info().worker_id()},
          {"role", NameOf(worker.info().role())},
          {"address", worker.info().address()},
          {"failure_domain", worker.info().failure_domain()},
          {"ready", worker.ready()},
          {"draining", worker.draining()},
          {"running", worker.running()},
          {"waiting", worker.waiting()},
          {"kv_usage", worker.kv_usage()},
          {"experts", experts}};
}

}  // namespace

json::object TenantObject(const TenantEntry& tenant) {
  json::array keys;
  for (const KeyEntry& key : tenant.keys) {
    keys.push_back(json::object{{"sha256", KeyDigestToHex(key.digest).substr(0, kShownDigits)}, {"note", key.note}});
  }
  const TenantLimits& limits = tenant.limits;
  return {{"name", tenant.name},
          {"priority", tenant.priority},
          {"requests_per_min", LimitOrNull(limits.requests_per_min)},
          {"requests_burst", LimitOrNull(limits.requests_burst)},
          {"tokens_per_min", LimitOrNull(limits.tokens_per_min)},
          {"concurrent_streams", LimitOrNull(limits.concurrent_streams)},
          {"keys", std::move(keys)}};
}

absl::StatusOr<uint32_t> ReadScale(absl::string_view body) {
  ASSIGN_OR_RETURN(const json::object object, ParseBody(body));
  ASSIGN_OR_RETURN(const auto shards, ReadInteger(object, "expert_shards", 1, kMaxScale));
  if (!shards) return InvalidField("expert_shards", "is required: how many there should be.");
  return static_cast<uint32_t>(*shards);
}

absl::StatusOr<std::optional<std::string>> ReadDrain(absl::string_view body) {
  if (body.empty()) return std::nullopt;
  ASSIGN_OR_RETURN(const json::object object, ParseBody(body));
  for (const auto& field : object) {
    if (field.key() != "worker") return InvalidField(std::string(field.key()), "is not known here.");
  }
  ASSIGN_OR_RETURN(const std::optional<std::string> worker, ReadString(object, "worker"));
  if (worker && worker->empty()) return InvalidField("worker", "is the id of a worker, or 'placement'.");
  return worker;
}

json::object PlacementObject(const v1::ClusterMap& map, std::optional<uint32_t> wanted_shards) {
  json::object scale{{"expert", {{"workers", 0}, {"ready", 0}}}};
  scale.at("expert").as_object()["wanted"] = wanted_shards ? json::value(*wanted_shards) : json::value(nullptr);
  json::array workers;
  for (const v1::Worker& worker : map.workers()) {
    json::value& role = scale.emplace(NameOf(worker.info().role()), json::object{{"workers", 0}, {"ready", 0}}).first->value();
    role.at("workers").as_int64() += 1;
    role.at("ready").as_int64() += worker.ready() ? 1 : 0;
    workers.push_back(WorkerObject(worker));
  }
  return {{"epoch", map.epoch()}, {"scale", std::move(scale)}, {"workers", std::move(workers)}};
}

}  // namespace baleen
