// Resumable requests of this worker: what a gateway needs to go on with one that another gateway began.
#ifndef BALEEN_SERVICES_ATTENTION_DECODE_RESUME_TABLE_H_
#define BALEEN_SERVICES_ATTENTION_DECODE_RESUME_TABLE_H_

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "base/clock.h"
#include "services/attention/scheduler/sequence.h"

namespace baleen {

struct ResumeTableOptions {
  absl::Duration window = absl::Seconds(30);
  // Of edges and tokens. When it is full, those that ended first are forgotten early; failing that, new ones are not kept.
  size_t max_bytes = size_t{256} << 20;
};

struct RecalledSequence {
  uint32_t choice = 0;
  uint32_t attempt = 0;
  std::string edge;
  std::vector<int32_t> generated;
  std::optional<SequenceId> running;
};

// Thread-safe. Nothing is kept longer than the window after its stream's end, provided that Sweep is called now and then.
class ResumeTable {
 public:
  // Owner, request id, choice.
  using Key = std::tuple<std::string, std::string, uint32_t>;

  // One sequence's part. Thread-safe; the table outlives it.
  class Entry {
   public:
    Entry(ResumeTable* table, RecalledSequence sequence) : table_(table), sequence_(std::move(sequence)) {}

    void Started(SequenceId id);
    void AddToken(int32_t token);
    // The stream ended, but for a cancel: the window begins.
    void Keep();
    // The client is done with it.
    void Drop();

   private:
    friend class ResumeTable;
    ResumeTable* const table_;
    // Guarded by the table's mutex.
    RecalledSequence sequence_;
    Key key_;
    absl::Time expires_ = absl::InfiniteFuture();
    bool listed_ = false;
    size_t bytes_ = 0;
  };

  ResumeTable(ResumeTableOptions options, Clock* clock) : options_(options), clock_(clock) {}

  // Replaces an older attempt of the same owner's choice. Never null; an entry that is older itself, or finds no room, is simply not
  // recalled.
  std::shared_ptr<Entry> Open(const SequenceRequest& request, std::string owner, std::string edge);
  // Ascending by choice; empty when the owner has no such request.
  std::vector<RecalledSequence> Recall(const std::string& owner, const std::string& request_id);
  // Forgets what is past its window.
  void Sweep();

  size_t bytes() const;

 private:
  void SweepLocked(absl::Time now);
  void RemoveLocked(Entry& entry);
  bool MakeRoomLocked(size_t bytes);

  const ResumeTableOptions options_;
  Clock* const clock_;
  mutable std::mutex mu_;
  std::map<Key, std::shared_ptr<Entry>> entries_;
  std::deque<std::shared_ptr<Entry>> kept_;  // By expiry; some may have been removed since.
  size_t bytes_ = 0;
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_ATTENTION_DECODE_RESUME_TABLE_H_
