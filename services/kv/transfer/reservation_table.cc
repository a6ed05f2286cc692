#include "services/kv/transfer/reservation_table.h"

#include <algorithm>
#include <random>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "services/kv/transfer/crc32c.h"
#include "services/kv/transfer/page_rows.h"

namespace baleen {
namespace {

uint64_t RandomStart() {
  std::random_device device;
  // The top bits stay clear, so that counting up cannot wrap.
  return ((static_cast<uint64_t>(device()) << 32) | device()) >> 2;
}

}  // namespace

ReservationTable::ReservationTable(BlockPool* pool, int layers)
    : pool_(pool), layers_(layers > 0 ? std::min(layers, pool->shape().layers) : pool->shape().layers), next_id_(RandomStart()) {}

ReservationTable::~ReservationTable() {
  for (const auto& [id, reservation] : reservations_) pool_->ReleaseAll(reservation->blocks);
}

uint64_t ReservationTable::Open(absl::Span<const BlockId> blocks, int64_t first, int64_t tokens) {
  auto reservation = std::make_shared<Reservation>();
  reservation->blocks.assign(blocks.begin(), blocks.end());
  reservation->first = first;
  reservation->tokens = tokens;
  reservation->written.assign(static_cast<size_t>(pool_->shape().layers), first);
  pool_->AddReferences(blocks);
  const std::lock_guard lock(mu_);
  reservations_.emplace(++next_id_, std::move(reservation));
  return next_id_;
}

bool ReservationTable::BeginAttempt(uint64_t id, uint32_t attempt) {
  const std::shared_ptr<Reservation> reservation = Find(id);
  if (reservation == nullptr) return false;
  const std::lock_guard lock(reservation->mu);
  if (reservation->begun && attempt <= reservation->attempt) return false;
  reservation->begun = true;
  reservation->attempt = attempt;
  std::fill(reservation->written.begin(), reservation->written.end(), reservation->first);
  reservation->rows = 0;
  return true;
}

void ReservationTable::Close(uint64_t id) {
  std::shared_ptr<Reservation> reservation;
  {
    const std::lock_guard lock(mu_);
    const auto it = reservations_.find(id);
    if (it == reservations_.end()) return;
    reservation = std::move(it->second);
    reservations_.erase(it);
  }
  const std::lock_guard lock(reservation->mu);
  reservation->closed = true;
  pool_->ReleaseAll(reservation->blocks);
  reservation->blocks.clear();
}

absl::Status ReservationTable::CheckRows(const Reservation& reservation, const IncomingRows& incoming) const {
  const KvShape& shape = pool_->shape();
  if (reservation.closed) return absl::NotFoundError(absl::StrCat("reservation ", incoming.reservation, " is not open"));
  if (!reservation.begun || incoming.attempt != reservation.attempt) {
    return absl::FailedPreconditionError(
        absl::StrCat("attempt ", incoming.attempt, " is not the reservation's attempt ", reservation.attempt));
  }
  if (incoming.layer >= static_cast<uint32_t>(shape.layers)) {
    return absl::OutOfRangeError(absl::StrCat("layer ", incoming.layer, " of ", shape.layers));
  }
  const int64_t first = incoming.first_token;
  const int64_t count = incoming.token_count;
  if (count == 0 || first + count > reservation.tokens) {
    return absl::OutOfRangeError(absl::StrCat("tokens [", first, ", ", first + count, ") of ", reservation.tokens, " reserved"));
  }
  if (first < reservation.first || first > reservation.written[incoming.layer]) {
    return absl::OutOfRangeError(
        absl::StrCat("rows start at token ", first, ", layer ", incoming.layer, " has ", reservation.written[incoming.layer]));
  }
  if (incoming.dtype != shape.dtype) {
    return absl::InvalidArgumentError(absl::StrCat("dtype ", NameOf(incoming.dtype), " where KV is ", NameOf(shape.dtype)));
  }
  if (static_cast<int64_t>(incoming.rows.size()) != count * shape.RowBytes()) {
    return absl::InvalidArgumentError(
        absl::StrCat("payload of ", incoming.rows.size(), " bytes where ", count * shape.RowBytes(), " are due"));
  }
  return absl::OkStatus();
}

absl::Status ReservationTable::Write(const IncomingRows& incoming) {
  const std::shared_ptr<Reservation> reservation = Find(incoming.reservation);
  if (reservation == nullptr) return absl::NotFoundError(absl::StrCat("reservation ", incoming.reservation, " is not open"));
  const bool intact = Crc32c(incoming.rows.data(), incoming.rows.size()) == incoming.checksum;
  const std::lock_guard lock(reservation->mu);
  RETURN_IF_ERROR(CheckRows(*reservation, incoming));
  if (!intact) return absl::DataLossError("checksum of the rows does not match");
  ScatterRows(*pool_, reservation->blocks, static_cast<int>(incoming.layer), incoming.first_token, incoming.token_count,
              incoming.rows.data());
  int64_t& written = reservation->written[incoming.layer];
  const int64_t end = std::max<int64_t>(written, static_cast<int64_t>(incoming.first_token) + incoming.token_count);
  reservation->rows += end - written;
  written = end;
  return absl::OkStatus();
}

int64_t ReservationTable::RowsWritten(uint64_t id) const {
  const std::shared_ptr<Reservation> reservation = Find(id);
  return reservation == nullptr ? 0 : reservation->rows.load();
}

bool ReservationTable::Complete(uint64_t id, uint32_t attempt) const {
  const std::shared_ptr<Reservation> reservation = Find(id);
  if (reservation == nullptr) return false;
  const std::lock_guard lock(reservation->mu);
  return reservation->begun && reservation->attempt == attempt &&
         std::all_of(reservation->written.begin(), reservation->written.begin() + layers_,
                     [&](int64_t rows) { return rows == reservation->tokens; });
}

int64_t ReservationTable::open() const {
  const std::lock_guard lock(mu_);
  return static_cast<int64_t>(reservations_.size());
}

std::shared_ptr<ReservationTable::Reservation> ReservationTable::Find(uint64_t id) const {
  const std::lock_guard lock(mu_);
  const auto it = reservations_.find(id);
  return it == reservations_.end() ? nullptr : it->second;
}

}  // namespace baleen
