#include "services/kv/transfer/block_copier.h"

#include <utility>

namespace baleen {

BlockCopier::BlockCopier(Connector* connector, BlockPool* pool, Clock* clock, std::function<void(bool kept)> on_block)
    : connector_(connector), pool_(pool), clock_(clock), on_block_(std::move(on_block)) {}

BlockCopier::~BlockCopier() {
  for (const auto& [address, stream] : streams_) stream->Close();
}

void BlockCopier::Copy(uint64_t sequence, const std::string& address, absl::Span<const BlockHash> names) {
  Entry entry;
  {
    const std::lock_guard lock(mu_);
    std::erase_if(streams_, [](const auto& stream) { return stream.second->over(); });
    std::shared_ptr<BlockCopyStream>& stream = streams_[address];
    if (stream == nullptr) stream = BlockCopyStream::Connect(connector_, address, pool_, clock_, on_block_);
    Entry& known = sequences_[sequence];
    if (known.stream != stream) {
      if (known.stream != nullptr) known.stream->Drop(*known.copy);
      known = {stream, std::make_shared<BlockCopy>()};
    }
    entry = known;
  }
  entry.stream->Copy(entry.copy, names);
}

void BlockCopier::Forget(uint64_t sequence) {
  const std::lock_guard lock(mu_);
  const auto it = sequences_.find(sequence);
  if (it == sequences_.end()) return;
  it->second.stream->Drop(*it->second.copy);
  sequences_.erase(it);
}

}  // namespace baleen
