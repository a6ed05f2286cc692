#include "services/kv/transfer/block_copy_stream.h"

#include <utility>

#include "proto/baleen/v1/kv.pb.h"
#include "services/common/dtype_wire.h"
#include "services/kv/transfer/block_copy.h"
#include "services/kv/transfer/crc32c.h"

namespace baleen {

std::shared_ptr<BlockCopyStream> BlockCopyStream::Connect(Connector* connector, const std::string& address, BlockPool* pool, Clock* clock,
                                                          std::function<void(bool kept)> on_block) {
  std::shared_ptr<BlockCopyStream> stream(new BlockCopyStream(pool, clock, std::move(on_block)));
  std::weak_ptr<BlockCopyStream> weak = stream;
  auto connection = connector->Connect(address, kKvCopyMethod,
                                       {.on_message =
                                            [weak](Message message) {
                                              if (auto self = weak.lock()) self->OnAck(message);
                                            },
                                        .on_closed =
                                            [weak](const absl::Status& why) {
                                              if (auto self = weak.lock()) self->OnClosed(why);
                                            }});
  const std::lock_guard lock(stream->mu_);
  stream->connection_ = std::move(connection);
  return stream;
}

BlockCopyStream::~BlockCopyStream() { Close(); }

bool BlockCopyStream::over() const {
  const std::lock_guard lock(mu_);
  return over_at_.has_value() && clock_->Now() >= *over_at_;
}

void BlockCopyStream::Close() { Break(absl::CancelledError("closed by this end")); }

void BlockCopyStream::Break(const absl::Status& why) {
  std::shared_ptr<Connection> connection;
  {
    const std::lock_guard lock(mu_);
    connection = connection_;
  }
  OnClosed(why);
  if (connection != nullptr) connection->Close();
}

void BlockCopyStream::OnClosed(const absl::Status& why) {
  const std::lock_guard lock(mu_);
  if (!over_at_.has_value()) over_at_ = clock_->Now() + (IsFinalRefusal(why) ? kRefusedFor : absl::ZeroDuration());
  connection_ = nullptr;
  queue_.clear();
  in_flight_.clear();
}

void BlockCopyStream::Copy(const std::shared_ptr<BlockCopy>& copy, absl::Span<const BlockHash> names) {
  {
    const std::lock_guard lock(mu_);
    copy->names.assign(names.begin(), names.end());
    if (!copy->busy) QueueLocked(copy);
  }
  Pump();
}

void BlockCopyStream::Drop(BlockCopy& copy) {
  const std::lock_guard lock(mu_);
  copy.names.clear();
}

void BlockCopyStream::QueueLocked(const std::shared_ptr<BlockCopy>& copy) {
  copy->busy = !over_at_.has_value() && copy->held.value_or(0) < copy->names.size();
  if (copy->busy) queue_.push_back(copy);
}

void BlockCopyStream::Pump() {
  std::unique_lock lock(mu_);
  if (pumping_) return;
  pumping_ = true;
  bool sent = true;
  std::vector<BlockHash> names;
  std::vector<BlockId> block;
  while (sent && NextLocked(&names, &block)) {
    const std::shared_ptr<Connection> connection = connection_;
    lock.unlock();
    Message message = MakeMessage(names, block);
    pool_->ReleaseAll(block);
    sent = connection->Send(std::move(message)).ok();
    lock.lock();
  }
  pumping_ = false;
  lock.unlock();
  if (!sent) Close();
}

bool BlockCopyStream::NextLocked(std::vector<BlockHash>* names, std::vector<BlockId>* block) {
  if (over_at_.has_value() || connection_ == nullptr) return false;
  while (!queue_.empty() && in_flight_.size() < kWindow) {
    std::shared_ptr<BlockCopy> copy = std::move(queue_.front());
    queue_.pop_front();
    block->clear();
    const size_t held = copy->held.value_or(0);
    const bool dropped = held >= copy->names.size();
    if (copy->held.has_value() && !dropped) *block = pool_->AcquireCached({&copy->names[held], 1});
    if (dropped || (copy->held.has_value() && block->empty())) {  // Not cached here any more: the next call looks anew.
      copy->busy = false;
      continue;
    }
    const size_t count = copy->held.has_value() ? held + 1 : copy->names.size();
    names->assign(copy->names.begin(), copy->names.begin() + static_cast<std::ptrdiff_t>(count));
    in_flight_.push_back(std::move(copy));
    return true;
  }
  return false;
}

Message BlockCopyStream::MakeMessage(absl::Span<const BlockHash> names, absl::Span<const BlockId> block) const {
  v1::KvBlockHeader header;
  header.set_names(PackNames(names));
  if (block.empty()) return {.header = header.SerializeAsString(), .payload = {}};
  Payload content = ReadBlock(*pool_, block.front());
  header.set_dtype(DTypeToWire(pool_->shape().dtype));
  header.set_checksum(Crc32c(content.data, content.size));
  return {.header = header.SerializeAsString(), .payload = std::move(content)};
}

void BlockCopyStream::OnAck(const Message& message) {
  v1::KvBlockAckHeader ack;
  if (!ack.ParseFromString(message.header)) return Close();
  bool was_block = false;
  bool kept = false;
  {
    const std::lock_guard lock(mu_);
    if (over_at_.has_value() || in_flight_.empty()) return;
    const std::shared_ptr<BlockCopy> copy = std::move(in_flight_.front());
    in_flight_.pop_front();
    copy->busy = false;
    was_block = copy->held.has_value();
    kept = ack.error().empty() && (!was_block || ack.held() > *copy->held);
    copy->held.reset();
    if (kept) {
      copy->held = ack.held();
      QueueLocked(copy);
    }
  }
  if (ack.takes_none()) Break(absl::FailedPreconditionError(ack.error()));
  if (was_block) on_block_(kept);
  Pump();
}

}  // namespace baleen
