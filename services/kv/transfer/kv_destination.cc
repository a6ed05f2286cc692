#include "services/kv/transfer/kv_destination.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "kernels/mla_attention.h"
#include "services/common/dtype_wire.h"
#include "services/kv/transfer/crc32c.h"
#include "services/kv/transfer/page_rows.h"

namespace baleen {
namespace {

constexpr char kMethod[] = "/baleen.v1.KvTransfer/Push";
// A cached prompt comes as one run of rows a layer, of any length. Small against what a message may hold and the window.
constexpr int64_t kMaxPageBytes = int64_t{1} << 20;

std::ptrdiff_t FirstBlock(const KvPage& page) { return page.first / kKvBlockTokens; }

bool IsOf(const v1::KvAckHeader& ack, const KvPage& page) {
  return ack.reservation() == page.push->reservation && ack.layer() == static_cast<uint32_t>(page.layer) &&
         ack.first_token() == static_cast<uint32_t>(page.first);
}

}  // namespace

std::shared_ptr<KvDestination> KvDestination::Connect(Connector* connector, const std::string& address, BlockPool* pool,
                                                      int64_t window_bytes) {
  std::shared_ptr<KvDestination> destination(new KvDestination(pool, window_bytes));
  std::weak_ptr<KvDestination> weak = destination;
  auto connection = connector->Connect(address, kMethod,
                                       {.on_message =
                                            [weak](Message message) {
                                              if (auto self = weak.lock()) self->OnAck(message);
                                            },
                                        .on_closed =
                                            [weak](absl::Status status) {
                                              if (auto self = weak.lock()) self->OnClosed(status);
                                            }});
  const std::lock_guard lock(destination->mu_);
  destination->connection_ = std::move(connection);
  return destination;
}

KvDestination::~KvDestination() { Close(); }

bool KvDestination::broken() const {
  const std::lock_guard lock(mu_);
  return !broken_.ok();
}

void KvDestination::Close() {
  std::shared_ptr<Connection> connection;
  {
    const std::lock_guard lock(mu_);
    connection = connection_;
  }
  if (connection != nullptr) connection->Close();
  OnClosed(absl::CancelledError("the KV stream was closed"));
}

void KvDestination::Enqueue(const std::shared_ptr<KvPush>& push, absl::Span<const BlockId> blocks, int layer, int64_t first,
                            int64_t count) {
  Callbacks callbacks;
  {
    const std::lock_guard lock(mu_);
    if (push->over || push->finishing) return;
    if (broken_.ok()) {
      EnqueueLocked(push, blocks, layer, first, count);
    } else {
      EndLocked(push, broken_, &callbacks);
    }
  }
  Run(std::move(callbacks));
  Pump();
}

void KvDestination::EnqueueLocked(const std::shared_ptr<KvPush>& push, absl::Span<const BlockId> blocks, int layer, int64_t first,
                                  int64_t count) {
  if (push->blocks.empty()) {
    push->blocks.assign(blocks.begin(), blocks.end());
    push->queued_until.assign(static_cast<size_t>(pool_->shape().layers), 0);
    pool_->AddReferences(push->blocks);
    pushes_.emplace(push.get(), push);
  }
  const int64_t most = std::max<int64_t>(kMaxPageBytes / pool_->shape().RowBytes(), 1);
  int64_t& until = push->queued_until[static_cast<size_t>(layer)];
  for (int64_t next = std::max(first, until); next < first + count; next = until) {
    until = std::min(next + most, first + count);
    ++push->outstanding;
    queue_.push_back({.push = push, .layer = layer, .first = next, .count = until - next});
  }
}

void KvDestination::Finish(const std::shared_ptr<KvPush>& push) {
  Callbacks callbacks;
  {
    const std::lock_guard lock(mu_);
    push->finishing = true;
    if (!broken_.ok()) {
      EndLocked(push, broken_, &callbacks);
    } else if (push->outstanding == 0) {
      EndLocked(push, absl::OkStatus(), &callbacks);
    }
  }
  Run(std::move(callbacks));
}

void KvDestination::End(const std::shared_ptr<KvPush>& push, const absl::Status& status) {
  Callbacks callbacks;
  {
    const std::lock_guard lock(mu_);
    EndLocked(push, status, &callbacks);
  }
  Run(std::move(callbacks));
  Pump();
}

void KvDestination::EndLocked(const std::shared_ptr<KvPush>& push, const absl::Status& status, Callbacks* callbacks) {
  if (push->over) return;
  push->over = true;
  std::erase_if(queue_, [&](const KvPage& page) { return page.push == push; });
  pool_->ReleaseAll(push->blocks);
  push->blocks.clear();
  callbacks->emplace_back(std::exchange(push->on_over, nullptr), status);
  pushes_.erase(push.get());
}

bool KvDestination::NextToSend(KvPage* page, std::vector<BlockId>* blocks, std::shared_ptr<Connection>* connection) {
  if (!broken_.ok() || queue_.empty() || in_flight_.size() >= kWindowPages) return false;
  const int64_t bytes = BytesOf(queue_.front());
  if (in_flight_bytes_ > 0 && in_flight_bytes_ + bytes > window_bytes_) return false;
  *page = std::move(queue_.front());
  queue_.pop_front();
  // A page of a push that ends meanwhile may be read after its blocks were released: its own references keep them.
  const auto begin = page->push->blocks.begin();
  blocks->assign(begin + FirstBlock(*page), begin + (page->first + page->count - 1) / kKvBlockTokens + 1);
  pool_->AddReferences(*blocks);
  *connection = connection_;
  in_flight_bytes_ += bytes;
  in_flight_.push_back(*page);
  return true;
}

void KvDestination::Pump() {
  std::unique_lock lock(mu_);
  if (pumping_ || connection_ == nullptr) return;
  pumping_ = true;
  absl::Status sent;
  KvPage page;
  std::vector<BlockId> blocks;
  std::shared_ptr<Connection> connection;
  while (sent.ok() && NextToSend(&page, &blocks, &connection)) {
    lock.unlock();
    Message message = MakeMessage(page, blocks);
    pool_->ReleaseAll(blocks);
    sent = connection->Send(std::move(message));
    lock.lock();
  }
  pumping_ = false;
  lock.unlock();
  if (!sent.ok()) OnClosed(sent);
}

Message KvDestination::MakeMessage(const KvPage& page, absl::Span<const BlockId> blocks) const {
  Payload rows = GatherRows(*pool_, blocks, page.layer, page.first % kKvBlockTokens, page.count);
  v1::KvPageHeader header;
  *header.mutable_context() = page.push->context;
  header.set_reservation(page.push->reservation);
  header.set_layer(static_cast<uint32_t>(page.layer));
  header.set_first_token(static_cast<uint32_t>(page.first));
  header.set_token_count(static_cast<uint32_t>(page.count));
  header.set_dtype(DTypeToWire(pool_->shape().dtype));
  header.set_checksum(Crc32c(rows.data, rows.size));
  return {.header = header.SerializeAsString(), .payload = std::move(rows)};
}

void KvDestination::OnAck(const Message& message) {
  v1::KvAckHeader ack;
  if (!ack.ParseFromString(message.header)) {
    OnClosed(absl::DataLossError("an acknowledgement on the KV stream does not parse"));
    return;
  }
  Callbacks callbacks;
  bool expected = false;
  {
    const std::lock_guard lock(mu_);
    if (!broken_.ok()) return;
    expected = !in_flight_.empty() && IsOf(ack, in_flight_.front());
    if (expected) TakeAckLocked(ack, &callbacks);
  }
  if (!expected) OnClosed(absl::DataLossError("an acknowledgement on the KV stream is not of the page that was sent first"));
  Run(std::move(callbacks));
  Pump();
}

void KvDestination::TakeAckLocked(const v1::KvAckHeader& ack, Callbacks* callbacks) {
  const KvPage page = std::move(in_flight_.front());
  in_flight_.pop_front();
  in_flight_bytes_ -= BytesOf(page);
  --page.push->outstanding;
  if (!ack.error().empty()) {
    EndLocked(page.push, absl::AbortedError(absl::StrCat("the decode worker refused a page: ", ack.error())), callbacks);
  } else if (page.push->finishing && page.push->outstanding == 0) {
    EndLocked(page.push, absl::OkStatus(), callbacks);
  }
}

void KvDestination::OnClosed(const absl::Status& status) {
  Callbacks callbacks;
  std::shared_ptr<Connection> connection;
  {
    const std::lock_guard lock(mu_);
    if (broken_.ok()) broken_ = absl::UnavailableError(absl::StrCat("the KV stream broke: ", status.message()));
    connection = std::exchange(connection_, nullptr);
    in_flight_.clear();
    while (!pushes_.empty()) EndLocked(std::shared_ptr<KvPush>(pushes_.begin()->second), broken_, &callbacks);
  }
  if (connection != nullptr) connection->Close();
  Run(std::move(callbacks));
}

void KvDestination::Run(Callbacks callbacks) {
  for (auto& [callback, status] : callbacks) {
    if (callback) callback(status);
  }
}

}  // namespace baleen
