#include "services/kv/transfer/kv_sender.h"

#include <utility>

namespace baleen {

KvSender::KvSender(const KvSenderOptions& options, Connector* connector, BlockPool* pool)
    : options_(options), connector_(connector), pool_(pool) {}

KvSender::~KvSender() {
  for (const auto& [address, destination] : destinations_) destination->Close();
}

std::shared_ptr<KvTransferHandle> KvSender::Open(const std::string& address, const v1::RequestContext& context, uint64_t reservation,
                                                 std::function<void(absl::Status)> on_over) {
  auto push = std::make_shared<KvPush>();
  push->context = context;
  push->reservation = reservation;
  push->on_over = std::move(on_over);
  const std::lock_guard lock(mu_);
  std::erase_if(destinations_, [](const auto& entry) { return entry.second->broken(); });
  std::shared_ptr<KvDestination>& destination = destinations_[address];
  if (destination == nullptr) destination = KvDestination::Connect(connector_, address, pool_, options_.window_bytes);
  return std::make_shared<KvTransferHandle>(destination, std::move(push));
}

}  // namespace baleen
