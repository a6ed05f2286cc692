// Where pushed pages may land: reservations of KV blocks, fenced by attempt.
#ifndef BALEEN_SERVICES_KV_TRANSFER_RESERVATION_TABLE_H_
#define BALEEN_SERVICES_KV_TRANSFER_RESERVATION_TABLE_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "base/dtype.h"
#include "services/kv/cache/block_pool.h"

namespace baleen {

// Rows of one layer as they came off the wire, nothing checked yet.
struct IncomingRows {
  uint64_t reservation = 0;
  uint32_t attempt = 0;
  uint32_t layer = 0;
  uint32_t first_token = 0;
  uint32_t token_count = 0;
  DType dtype = DType::kBf16;
  uint32_t checksum = 0;
  absl::Span<const std::byte> rows;
};

// Thread-safe. A reservation holds references on its blocks, so that they cannot be reused while a page may still be written.
class ReservationTable {
 public:
  // Rows of the first `layers` layers make a reservation complete; 0 = all that the pool has.
  explicit ReservationTable(BlockPool* pool, int layers = 0);
  ~ReservationTable();

  // Reserves positions [first, tokens) of `blocks`; what is before `first` may be shared and is never written. Ids start at a random
  // number, so that a restarted worker refuses its predecessor's pages.
  uint64_t Open(absl::Span<const BlockId> blocks, int64_t first, int64_t tokens);
  // From here on only pages of `attempt` are taken; what earlier attempts wrote counts as missing. False when the id is not open or
  // `attempt` is not newer.
  bool BeginAttempt(uint64_t reservation, uint32_t attempt);
  // No page is written any more once this returns. Unknown ids are ignored.
  void Close(uint64_t reservation);

  // Checks everything and copies the rows in. Rows of a layer come in ascending order without gaps; repeated ones are allowed.
  absl::Status Write(const IncomingRows& incoming);

  // Rows in place, over all layers; grows within an attempt. 0 for unknown ids. Waits for no page that is being written.
  int64_t RowsWritten(uint64_t reservation) const;
  // Whether `attempt` wrote all rows of all layers.
  bool Complete(uint64_t reservation, uint32_t attempt) const;
  int64_t open() const;

 private:
  struct Reservation {
    std::mutex mu;
    std::vector<BlockId> blocks;
    int64_t first = 0;
    int64_t tokens = 0;
    bool begun = false;
    bool closed = false;
    uint32_t attempt = 0;
    std::vector<int64_t> written;  // By layer: positions [first, written) are in place.
    std::atomic<int64_t> rows{0};  // Over all layers.
  };

  std::shared_ptr<Reservation> Find(uint64_t id) const;
  absl::Status CheckRows(const Reservation& reservation, const IncomingRows& incoming) const;

  BlockPool* const pool_;
  const int layers_;
  mutable std::mutex mu_;
  uint64_t next_id_;
  std::unordered_map<uint64_t, std::shared_ptr<Reservation>> reservations_;
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_KV_TRANSFER_RESERVATION_TABLE_H_
