// Pages of latent KV pushed to a decode worker: each is acknowledged once, and only its reservation's rows are ever written.

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "proto/baleen/v1/kv.pb.h"
#include "services/kv/cache/block_pool.h"
#include "services/kv/transfer/crc32c.h"
#include "services/kv/transfer/kv_receiver.h"
#include "services/kv/transfer/reservation_table.h"
#include "tests/fuzz/fuzz_input.h"

namespace baleen {
namespace {

constexpr KvShape kShape = {.layers = 2, .width = 2, .dtype = DType::kBf16};
constexpr int64_t kBlockTokens = 64;
constexpr int64_t kFirst = 10;
constexpr int64_t kTokens = 100;
constexpr char kForeign = 0x55;

struct Acks final : Connection {
  absl::Status Send(Message message) override {
    v1::KvAckHeader ack;
    Require(ack.ParseFromString(message.header) && message.payload.size == 0, "an acknowledgement parses");
    ++sent;
    taken += ack.error().empty() ? 1 : 0;
    return absl::OkStatus();
  }
  void Close() override { closed = true; }

  int sent = 0;
  int taken = 0;
  bool closed = false;
};

// A worker with one reservation, between memory of others.
class Worker {
 public:
  Worker() : pool_(kShape, 4 * kShape.BlockBytes()), blocks_(*pool_.Allocate(4)), table_(&pool_) {
    for (const BlockId block : blocks_) {
      for (int layer = 0; layer < kShape.layers; ++layer) std::memset(pool_.Page(block, layer), kForeign, PageBytes());
    }
    reservation_ = table_.Open(absl::MakeConstSpan(blocks_).subspan(1, 2), kFirst, kTokens);
    Require(table_.BeginAttempt(reservation_, 2), "an attempt begins");
    handlers_ = AcceptKvPushes(&table_, [this](size_t bytes) { bytes_ += bytes; })(acks_);
  }

  uint64_t reservation() const { return reservation_; }
  const Acks& acks() const { return *acks_; }

  void Push(Message message) {
    const int before = acks_->sent;
    handlers_.on_message(std::move(message));
    Require(acks_->closed ? acks_->sent == before : acks_->sent == before + 1, "each page has one answer");
  }

  void CheckMemory() {
    Require(bytes_ == 0 || acks_->taken > 0, "only pages that were taken count");
    const int64_t written = table_.RowsWritten(reservation_);
    Require(written >= 0 && written <= kShape.layers * (kTokens - kFirst), "no more rows than were reserved");
    for (int layer = 0; layer < kShape.layers; ++layer) {
      CheckUntouched(blocks_[0], layer, 0, kBlockTokens);
      CheckUntouched(blocks_[1], layer, 0, kFirst);
      CheckUntouched(blocks_[2], layer, kTokens - kBlockTokens, kBlockTokens);
      CheckUntouched(blocks_[3], layer, 0, kBlockTokens);
    }
  }

 private:
  static size_t PageBytes() { return static_cast<size_t>(kBlockTokens * kShape.RowBytes()); }

  void CheckUntouched(BlockId block, int layer, int64_t first, int64_t end) {
    const std::byte* page = pool_.Page(block, layer);
    const auto foreign = [](std::byte byte) { return byte == std::byte{kForeign}; };
    Require(std::all_of(page + first * kShape.RowBytes(), page + end * kShape.RowBytes(), foreign), "others' rows are untouched");
  }

  BlockPool pool_;
  const std::vector<BlockId> blocks_;
  ReservationTable table_;
  const std::shared_ptr<Acks> acks_ = std::make_shared<Acks>();
  uint64_t reservation_ = 0;
  size_t bytes_ = 0;
  StreamHandlers handlers_;
};

}  // namespace
}  // namespace baleen

// Pages one after another: how many bytes of header and of rows, whether reservation and checksum are made right, header, rows.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace baleen;
  FuzzInput input(data, size);
  Worker worker;
  while (!input.empty() && !worker.acks().closed) {
    const uint8_t header_bytes = input.Byte(), rows = input.Byte(), right = input.Byte();
    Message message;
    message.header = input.Bytes(header_bytes);
    std::string bytes = input.Bytes(size_t{4} * rows);
    v1::KvPageHeader header;
    if ((right & 3) != 0 && header.ParseFromString(message.header)) {
      if ((right & 1) != 0) header.set_reservation(worker.reservation());
      if ((right & 2) != 0) header.set_checksum(Crc32c(reinterpret_cast<const std::byte*>(bytes.data()), bytes.size()));
      message.header = header.SerializeAsString();
    }
    message.payload = Payload::Own(std::move(bytes));
    worker.Push(std::move(message));
  }
  worker.CheckMemory();
  return 0;
}
