// Finds a resumable request on whichever decode worker has it.
#ifndef BALEEN_SERVICES_GATEWAY_RESUME_REQUEST_FINDER_H_
#define BALEEN_SERVICES_GATEWAY_RESUME_REQUEST_FINDER_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "proto/baleen/v1/edge.pb.h"
#include "proto/baleen/v1/placement.pb.h"
#include "services/gateway/generation/generation.h"
#include "services/gateway/resume/recall_client.h"

namespace baleen {

struct FoundRequest {
  v1::EdgeRequest edge;
  std::map<uint32_t, GenerationResume> choices;  // Those that a worker has; the others begin anew.
};

// Joins workers' answers: of each choice the newest attempt counts. Thread-compatible.
class RecallMerge {
 public:
  void Add(const v1::RecallReply& reply);
  // A worker did not answer. `matters` when it may have the request.
  void AddFailure(bool matters) { unsure_ = unsure_ || matters; }
  // NOT_FOUND when nobody has it, UNAVAILABLE when somebody who did not answer may, DATA_LOSS when what was kept cannot be read,
  // ALREADY_EXISTS when several requests were begun under its id, whose answers are not to be joined.
  absl::StatusOr<FoundRequest> Result() const;

 private:
  std::map<uint32_t, v1::RecalledSequence> newest_;
  bool unsure_ = false;
  bool several_ = false;
};

// Thread-safe. Workers that left the map are asked too for a while: they may be draining.
class RequestFinder {
 public:
  // Unowned, outliving this.
  RequestFinder(RecallClient* client, Clock* clock) : client_(client), clock_(clock) {}

  void UpdateMap(const v1::ClusterMap& map);
  // Asks all decode workers; whichever has the owner's request stops running it. `done` is called once, within about a second, on any
  // thread.
  void Find(const v1::RecallRequest& request, std::function<void(absl::StatusOr<FoundRequest>)> done);

 private:
  struct Worker {
    absl::Time left = absl::InfiniteFuture();  // Until then it is in the map.
  };

  RecallClient* const client_;
  Clock* const clock_;
  std::mutex mutex_;
  std::map<std::string, Worker> workers_;  // By address.
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_GATEWAY_RESUME_REQUEST_FINDER_H_
