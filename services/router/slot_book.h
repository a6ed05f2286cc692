// Which outputs of a batch are there, and how many calls are out for each of the others.
#ifndef BALEEN_SERVICES_ROUTER_SLOT_BOOK_H_
#define BALEEN_SERVICES_ROUTER_SLOT_BOOK_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/types/span.h"

namespace baleen {

// Every slot is claimed (one reply writes or wrote its output), out (in one call or several), or parked (neither). Thread-compatible.
class SlotBook {
 public:
  explicit SlotBook(int64_t slots) : out_(static_cast<size_t>(slots)), claimed_(static_cast<size_t>(slots)), unwritten_(slots) {}

  // A call carries them.
  void Send(absl::Span<const int64_t> slots);
  // A call with them failed; those that are parked now, in order.
  std::vector<int64_t> Lose(absl::Span<const int64_t> slots);
  // A call with them was answered; the places in `slots` whose outputs this answer is to write, since no earlier one did.
  std::vector<size_t> Claim(absl::Span<const int64_t> slots);
  // Claimed outputs are in place.
  void Written(int64_t count) { unwritten_ -= count; }

  // Those not claimed, in order.
  std::vector<int64_t> Unclaimed(absl::Span<const int64_t> slots) const;
  int64_t unwritten() const { return unwritten_; }

 private:
  std::vector<uint16_t> out_;
  std::vector<bool> claimed_;
  int64_t unwritten_;
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_ROUTER_SLOT_BOOK_H_
