// Copies of KV blocks for a standby: each is answered once, is found only under its name and whole, and no sequence's block is written.

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "proto/baleen/v1/kv.pb.h"
#include "services/kv/cache/block_pool.h"
#include "services/kv/transfer/block_copy.h"
#include "services/kv/transfer/block_copy_receiver.h"
#include "services/kv/transfer/crc32c.h"
#include "tests/fuzz/fuzz_input.h"

namespace baleen {
namespace {

constexpr KvShape kShape = {.layers = 1, .width = 1, .dtype = DType::kBf16};
const size_t kBlockBytes = static_cast<size_t>(kShape.BlockBytes());
constexpr int64_t kBlocks = 6;
constexpr char kForeign = 0x55;

struct Answers final : Connection {
  absl::Status Send(Message message) override {
    v1::KvBlockAckHeader answer;
    Require(answer.ParseFromString(message.header) && message.payload.size == 0, "an answer parses");
    Require(answer.error().empty() || answer.held() == 0, "what is refused is not held");
    ++sent;
    held = answer.held();
    return absl::OkStatus();
  }
  void Close() override { closed = true; }

  int sent = 0;
  uint32_t held = 0;
  bool closed = false;
};

// A worker with a sequence of two blocks.
class Worker {
 public:
  Worker() : pool_(kShape, kBlocks * kShape.BlockBytes()), own_(*pool_.Allocate(2)) {
    for (const BlockId block : own_) std::memset(pool_.Page(block, 0), kForeign, kBlockBytes);
    handlers_ = AcceptKvCopies(&pool_)(answers_);
  }

  bool closed() const { return answers_->closed; }

  void Offer(Message message) {
    const int before = answers_->sent;
    v1::KvBlockHeader header;
    const auto names = header.ParseFromString(message.header) ? UnpackNames(header.names()) : absl::InvalidArgumentError("no header");
    const std::string content(reinterpret_cast<const char*>(message.payload.data), message.payload.size);
    handlers_.on_message(std::move(message));
    Require(closed() ? answers_->sent == before : answers_->sent == before + 1, "each block has one answer");
    if (names.ok()) CheckHeld(*names, content);
    Require(pool_.free_blocks() == kBlocks - 2, "copies hold no block");
    for (const BlockId block : own_) {
      const std::byte* page = pool_.Page(block, 0);
      const auto foreign = [](std::byte byte) { return byte == std::byte{kForeign}; };
      Require(std::all_of(page, page + kBlockBytes, foreign), "a sequence's block is untouched");
    }
  }

 private:
  void CheckHeld(const std::vector<BlockHash>& names, const std::string& content) {
    const std::vector<BlockId> held = pool_.AcquireCached(names);
    Require(answers_->held <= held.size(), "what is held is in the cache");
    if (!content.empty() && answers_->held == names.size() && fresh_.insert(names.back()).second) {
      Require(std::memcmp(pool_.Page(held.back(), 0), content.data(), content.size()) == 0, "a copy is the block's content");
    }
    pool_.ReleaseAll(held);
  }

  BlockPool pool_;
  const std::vector<BlockId> own_;
  const std::shared_ptr<Answers> answers_ = std::make_shared<Answers>();
  std::set<BlockHash> fresh_;
  StreamHandlers handlers_;
};

}  // namespace
}  // namespace baleen

// Messages one after another: how many names of a few, how much content, whether the checksum is made right, raw bytes of a header instead.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace baleen;
  FuzzInput input(data, size);
  Worker worker;
  while (!input.empty() && !worker.closed()) {
    const uint8_t count = input.Byte() % 8, first = input.Byte(), rows = input.Byte(), right = input.Byte();
    std::vector<BlockHash> names(count);
    for (size_t i = 0; i < names.size(); ++i) names[i].fill(static_cast<uint8_t>(first % 4 + i));
    std::string content = input.Bytes(size_t{2} * rows);
    if ((right & 4) != 0) content.resize(kBlockBytes, 'c');
    v1::KvBlockHeader header;
    header.set_names(PackNames(names));
    header.set_dtype((right & 8) != 0 ? v1::DTYPE_F32 : v1::DTYPE_BF16);
    if ((right & 1) != 0) header.set_checksum(Crc32c(reinterpret_cast<const std::byte*>(content.data()), content.size()));
    Message message{.header = header.SerializeAsString(), .payload = Payload::Own(std::move(content))};
    if ((right & 2) != 0) message.header = input.Bytes(right);
    worker.Offer(std::move(message));
  }
  return 0;
}
