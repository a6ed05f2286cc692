#include "services/router/slot_book.h"

namespace baleen {

void SlotBook::Send(absl::Span<const int64_t> slots) {
  for (const int64_t slot : slots) ++out_[static_cast<size_t>(slot)];
}

std::vector<int64_t> SlotBook::Lose(absl::Span<const int64_t> slots) {
  std::vector<int64_t> parked;
  for (const int64_t slot : slots) {
    const auto at = static_cast<size_t>(slot);
    if (--out_[at] == 0 && !claimed_[at]) parked.push_back(slot);
  }
  return parked;
}

std::vector<size_t> SlotBook::Claim(absl::Span<const int64_t> slots) {
  std::vector<size_t> mine;
  for (size_t i = 0; i < slots.size(); ++i) {
    const auto at = static_cast<size_t>(slots[i]);
    --out_[at];
    if (claimed_[at]) continue;
    claimed_[at] = true;
    mine.push_back(i);
  }
  return mine;
}

std::vector<int64_t> SlotBook::Unclaimed(absl::Span<const int64_t> slots) const {
  std::vector<int64_t> left;
  for (const int64_t slot : slots) {
    if (!claimed_[static_cast<size_t>(slot)]) left.push_back(slot);
  }
  return left;
}

}  // namespace baleen
