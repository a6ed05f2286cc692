#include "services/gateway/admin/admin_json.h"

#include <boost/json.hpp>
#include <utility>

namespace baleen {
namespace {

namespace json = boost::json;

constexpr size_t kShownDigits = 8;

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
          {"tokens_per_min", LimitOrNull(limits.tokens_per_min)},
          {"concurrent_streams", LimitOrNull(limits.concurrent_streams)},
          {"keys", std::move(keys)}};
}

json::object PlacementObject(const v1::ClusterMap& map) {
  json::object scale;
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
