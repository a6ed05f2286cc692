// Which experts are there, asked for each row.
#ifndef BALEEN_MODEL_WEIGHTS_EXPERT_SET_H_
#define BALEEN_MODEL_WEIGHTS_EXPERT_SET_H_

#include <cstddef>
#include <vector>

namespace baleen {

// A bit for each expert of each layer, as far as the highest of them.
class ExpertSet {
 public:
  // Neither is below 0.
  void Add(int layer, int expert) {
    if (layers_.size() <= static_cast<size_t>(layer)) layers_.resize(static_cast<size_t>(layer) + 1);
    std::vector<bool>& experts = layers_[static_cast<size_t>(layer)];
    if (experts.size() <= static_cast<size_t>(expert)) experts.resize(static_cast<size_t>(expert) + 1);
    experts[static_cast<size_t>(expert)] = true;
  }
  // Any layer and expert may be asked for.
  bool Has(int layer, int expert) const {
    if (static_cast<size_t>(layer) >= layers_.size()) return false;
    const std::vector<bool>& experts = layers_[static_cast<size_t>(layer)];
    return static_cast<size_t>(expert) < experts.size() && experts[static_cast<size_t>(expert)];
  }

 private:
  std::vector<std::vector<bool>> layers_;
};

}  // namespace baleen

#endif  // BALEEN_MODEL_WEIGHTS_EXPERT_SET_H_
