#include "services/gateway/cluster_view/cluster_document.h"

#include <algorithm>
#include <boost/json.hpp>
#include <map>
#include <utility>

namespace baleen {
namespace {

namespace json = boost::json;

const char* RoleName(v1::Role role) {
  switch (role) {
    case v1::ROLE_GATEWAY:
      return "gateway";
    case v1::ROLE_PREFILL:
      return "prefill";
    case v1::ROLE_DECODE:
      return "decode";
    case v1::ROLE_PREFILL_AND_DECODE:
      return "both";
    case v1::ROLE_EXPERT:
      return "expert";
    default:
      return "unknown";
  }
}

json::object ModelObject(const std::string& id, const v1::ClusterMap& map) {
  json::object model{{"id", id}, {"first_moe_layer", 0}, {"moe_layers", 0}, {"experts", 0}};
  for (const v1::Worker& worker : map.workers()) {
    if (worker.info().moe_layers() == 0) continue;
    model["first_moe_layer"] = worker.info().first_moe_layer();
    model["moe_layers"] = worker.info().moe_layers();
    model["experts"] = worker.info().experts();
    break;
  }
  return model;
}

// By layer and expert: rows computed. Experts that may be sent to the shard are there with 0.
using Rows = std::map<uint32_t, std::map<uint32_t, uint64_t>>;

json::array ExpertsArray(const v1::Worker& worker, const v1::WorkerActivity* activity) {
  Rows rows;
  for (const v1::ExpertRange& range : worker.experts()) {
    for (const uint32_t expert : range.experts()) rows[range.layer()][expert] = 0;
  }
  for (int i = 0; activity != nullptr && i < activity->rows_size(); ++i) {
    const v1::ExpertRows& counted = activity->rows(i);
    for (int j = 0; j < std::min(counted.experts_size(), counted.rows_size()); ++j) {
      rows[counted.layer()][counted.experts(j)] = counted.rows(j);
    }
  }
  json::array layers;
  for (const auto& [layer, experts] : rows) {
    json::array ids, counts;
    for (const auto& [expert, count] : experts) {
      ids.emplace_back(expert);
      counts.emplace_back(count);
    }
    layers.push_back(json::object{{"layer", layer}, {"experts", std::move(ids)}, {"rows", std::move(counts)}});
  }
  return layers;
}

json::object WorkerObject(const v1::Worker& worker, const v1::WorkerActivity* activity) {
  const v1::WorkerInfo& info = worker.info();
  json::object out{{"id", info.worker_id()},
                   {"role", RoleName(info.role())},
                   {"ready", worker.ready()},
                   {"draining", worker.draining()},
                   {"running", worker.running()},
                   {"waiting", worker.waiting()},
                   {"failure_domain", info.failure_domain()}};
  out["silent_ms"] = activity == nullptr ? json::value(nullptr) : json::value(activity->silent_ms());
  if (info.role() == v1::ROLE_EXPERT) out["experts"] = ExpertsArray(worker, activity);
  if (activity == nullptr || !activity->has_attention()) return out;
  const v1::AttentionActivity& attention = activity->attention();
  out["attention"] = json::object{{"steps", attention.steps()},
                                  {"step_rows", attention.step_rows()},
                                  {"generated_tokens", attention.generated_tokens()},
                                  {"kv_blocks_total", attention.kv_blocks_total()},
                                  {"kv_blocks_used", attention.kv_blocks_used()},
                                  {"kv_blocks_cached", attention.kv_blocks_cached()}};
  return out;
}

}  // namespace

std::string ClusterDocument(const std::string& model, const v1::ClusterMap& map, const v1::Activity* activity, absl::Time now) {
  std::map<std::string, const v1::WorkerActivity*> by_id;
  if (activity != nullptr) {
    for (const v1::WorkerActivity& worker : activity->workers()) by_id[worker.worker_id()] = &worker;
  }
  json::array workers;
  for (const v1::Worker& worker : map.workers()) {
    const auto found = by_id.find(worker.info().worker_id());
    workers.push_back(WorkerObject(worker, found == by_id.end() ? nullptr : found->second));
  }
  json::object placement{{"answers", activity != nullptr}, {"epoch", map.epoch()}, {"pending_moves", 0}};
  if (activity != nullptr) placement["pending_moves"] = activity->pending_moves();
  return json::serialize(json::object{{"object", "cluster"},
                                      {"time_unix_ms", absl::ToUnixMillis(now)},
                                      {"model", ModelObject(model, map)},
                                      {"placement", std::move(placement)},
                                      {"workers", std::move(workers)}});
}

}  // namespace baleen
