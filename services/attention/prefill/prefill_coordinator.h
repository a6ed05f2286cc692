// The decode worker's side of disaggregated prefill: reserve, ask a worker, try another, give up.
#ifndef BALEEN_SERVICES_ATTENTION_PREFILL_PREFILL_COORDINATOR_H_
#define BALEEN_SERVICES_ATTENTION_PREFILL_PREFILL_COORDINATOR_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/time/time.h"
#include "base/clock.h"
#include "services/attention/prefill/fill_client.h"
#include "services/attention/prefill/prefill_picker.h"
#include "services/attention/worker/remote_prefill.h"
#include "services/kv/transfer/reservation_table.h"

namespace baleen {

class AttentionProbe;

struct PrefillCoordinatorOptions {
  int64_t local_prefill_tokens = 32;        // Up to so many missing rows are filled in place, as are re-fills of which half is here.
  std::function<std::string()> kv_address;  // Where KvTransfer.Push of this process is served.
  std::string numerics_id;
  int kv_layers = 0;  // Of this worker's pool; 0 = as many as the other has.
  int max_tries = 3;  // Workers asked before the sequence is prefilled in place.
  // Without a row from a worker, of this fill or of one that the worker fills before it.
  absl::Duration stall_timeout = absl::Seconds(5);
};

// Each try is a new attempt of the reservation, so that pages of a worker that was given up are refused.
class PrefillCoordinator final : public RemotePrefill {
 public:
  // All pointers outlive this; callbacks of `client` may come later.
  PrefillCoordinator(PrefillCoordinatorOptions options, PrefillPicker* picker, FillClient* client, ReservationTable* reservations,
                     AttentionProbe* probe, Clock* clock);
  ~PrefillCoordinator() override;

  bool Wants(const Sequence& sequence) const override;
  void Start(const Sequence& sequence, std::function<void(bool filled)> done) override;
  void Abort(SequenceId id) override;
  void Tick() override;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_ATTENTION_PREFILL_PREFILL_COORDINATOR_H_
