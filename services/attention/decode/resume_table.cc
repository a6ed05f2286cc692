#include "services/attention/decode/resume_table.h"

namespace baleen {

std::shared_ptr<ResumeTable::Entry> ResumeTable::Open(const SequenceRequest& request, std::string owner, std::string edge) {
  RecalledSequence sequence;
  sequence.choice = request.sampler.choice;
  sequence.attempt = request.attempt;
  sequence.edge = std::move(edge);
  sequence.generated.assign(request.tokens.begin() + request.prompt_tokens, request.tokens.end());
  // Tokens still to come are counted now, so that a running request never loses its place.
  const size_t bytes = owner.size() + sequence.edge.size() + static_cast<size_t>(request.stop.max_tokens) * sizeof(int32_t);
  auto entry = std::make_shared<Entry>(this, std::move(sequence));
  entry->key_ = {std::move(owner), request.request_id, request.sampler.choice};
  const std::lock_guard lock(mu_);
  SweepLocked(clock_->Now());
  if (const auto held = entries_.find(entry->key_); held != entries_.end()) {
    const std::shared_ptr<Entry> other = held->second;
    const bool over = other->expires_ != absl::InfiniteFuture();
    if (other->sequence_.attempt > request.attempt || (other->sequence_.attempt == request.attempt && !over)) return entry;
    RemoveLocked(*other);
  }
  if (!MakeRoomLocked(bytes)) return entry;
  entry->listed_ = true;
  entry->bytes_ = bytes;
  bytes_ += bytes;
  entries_[entry->key_] = entry;
  return entry;
}

void ResumeTable::Entry::Started(SequenceId id) {
  const std::lock_guard lock(table_->mu_);
  if (expires_ == absl::InfiniteFuture()) sequence_.running = id;
}

void ResumeTable::Entry::AddToken(int32_t token) {
  const std::lock_guard lock(table_->mu_);
  if (listed_) sequence_.generated.push_back(token);
}

void ResumeTable::Entry::Keep() {
  const std::lock_guard lock(table_->mu_);
  sequence_.running.reset();
  if (!listed_ || expires_ != absl::InfiniteFuture()) return;
  expires_ = table_->clock_->Now() + table_->options_.window;
  table_->kept_.push_back(table_->entries_.at(key_));
}

void ResumeTable::Entry::Drop() {
  const std::lock_guard lock(table_->mu_);
  if (!listed_) return;
  const std::shared_ptr<Entry> self = table_->entries_.at(key_);  // Not to go inside of Remove.
  table_->RemoveLocked(*this);
}

std::vector<RecalledSequence> ResumeTable::Recall(const std::string& owner, const std::string& request_id) {
  const std::lock_guard lock(mu_);
  SweepLocked(clock_->Now());
  std::vector<RecalledSequence> found;
  for (auto it = entries_.lower_bound({owner, request_id, 0}); it != entries_.end(); ++it) {
    if (std::get<0>(it->first) != owner || std::get<1>(it->first) != request_id) break;
    found.push_back(it->second->sequence_);
  }
  return found;
}

void ResumeTable::Sweep() {
  const std::lock_guard lock(mu_);
  SweepLocked(clock_->Now());
}

size_t ResumeTable::bytes() const {
  const std::lock_guard lock(mu_);
  return bytes_;
}

void ResumeTable::SweepLocked(absl::Time now) {
  while (!kept_.empty() && (!kept_.front()->listed_ || kept_.front()->expires_ <= now)) {
    if (kept_.front()->listed_) RemoveLocked(*kept_.front());
    kept_.pop_front();
  }
}

void ResumeTable::RemoveLocked(Entry& entry) {
  bytes_ -= entry.bytes_;
  entry.listed_ = false;
  entry.sequence_ = {};
  entries_.erase(entry.key_);
}

bool ResumeTable::MakeRoomLocked(size_t bytes) {
  while (bytes_ + bytes > options_.max_bytes && !kept_.empty()) {
    if (kept_.front()->listed_) RemoveLocked(*kept_.front());
    kept_.pop_front();
  }
  return bytes_ + bytes <= options_.max_bytes;
}

}  // namespace baleen
