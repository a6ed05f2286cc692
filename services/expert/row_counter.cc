#include "services/expert/row_counter.h"

namespace baleen {

void RowCounter::Count(int layer, absl::Span<const uint32_t> expert_ids) {
  std::lock_guard lock(mu_);
  std::vector<uint64_t>& rows = rows_[layer];
  for (const uint32_t expert : expert_ids) {
    if (rows.size() <= expert) rows.resize(expert + 1);
    ++rows[expert];
  }
}

void RowCounter::Report(v1::HeartbeatRequest* heartbeat) const {
  std::lock_guard lock(mu_);
  for (const auto& [layer, rows] : rows_) {
    v1::ExpertRows& out = *heartbeat->add_rows();
    out.set_layer(static_cast<uint32_t>(layer));
    for (uint32_t expert = 0; expert < rows.size(); ++expert) {
      if (rows[expert] == 0) continue;
      out.add_experts(expert);
      out.add_rows(rows[expert]);
    }
  }
}

}  // namespace baleen
