#include "services/placement/load_meter.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace baleen {

void LoadMeter::Reset(const ModelShape& shape) {
  shape_ = shape;
  loads_.assign(shape.moe_layers, std::vector<double>(shape.experts));
  newest_.clear();
  counted_.clear();
}

void LoadMeter::Count(const std::string& shard, const std::vector<LayerRows>& rows) {
  const auto [known, is_first] = counted_.try_emplace(shard, shape_.moe_layers, std::vector<uint64_t>(shape_.experts));
  double& newest = newest_[shard] = 0;
  for (const LayerRows& given : rows) {
    const uint32_t layer = given.layer - shape_.first_moe_layer;
    if (given.layer < shape_.first_moe_layer || layer >= shape_.moe_layers) continue;
    for (size_t i = 0; i < std::min(given.experts.size(), given.rows.size()); ++i) {
      const uint32_t expert = given.experts[i];
      if (expert >= shape_.experts) continue;
      uint64_t& last = known->second[layer][expert];
      const double more = !is_first && given.rows[i] > last ? static_cast<double>(given.rows[i] - last) : 0;
      loads_[layer][expert] += more;
      newest += more;
      last = given.rows[i];
    }
  }
}

void LoadMeter::Forget(const std::string& shard) {
  counted_.erase(shard);
  newest_.erase(shard);
}

void LoadMeter::Decay(absl::Duration passed) {
  const double factor = std::exp2(-absl::FDivDuration(std::max(passed, absl::ZeroDuration()), half_life_));
  for (auto& layer : loads_) {
    for (double& load : layer) load *= factor;
  }
}

double LoadMeter::newest() const {
  return std::accumulate(newest_.begin(), newest_.end(), 0.0, [](double sum, const auto& shard) { return sum + shard.second; });
}

double LoadMeter::total() const {
  double sum = 0;
  for (const auto& layer : loads_) sum = std::accumulate(layer.begin(), layer.end(), sum);
  return sum;
}

}  // namespace baleen
