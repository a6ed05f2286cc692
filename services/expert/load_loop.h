// Loads what is assigned to this shard, and tries again what fails: placement says it once.
#ifndef BALEEN_SERVICES_EXPERT_LOAD_LOOP_H_
#define BALEEN_SERVICES_EXPERT_LOAD_LOOP_H_

#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "proto/baleen/v1/placement.pb.h"

namespace baleen {

struct LoadLoopOptions {
  // Both are called on the loop's thread; loading may take long.
  std::function<absl::Status(const std::vector<v1::ExpertRange>&)> load;
  std::function<void()> on_tried;  // After each load, whether it failed or not.
  // After the first failure of an assignment; doubles with each further one up to `max_pause`.
  absl::Duration first_pause = absl::Seconds(1);
  absl::Duration max_pause = absl::Seconds(30);
};

// Thread-safe, but for Stop. Loads the newest assignment, again until that succeeds; a newer one is loaded without a pause.
class LoadLoop {
 public:
  explicit LoadLoop(LoadLoopOptions options);
  ~LoadLoop();  // Stops.

  // Does not block. An assignment that has not been loaded yet is replaced.
  void Assign(std::vector<v1::ExpertRange> ranges);
  // Waits for a load under way; none follows.
  void Stop();

 private:
  bool WaitLocked(std::unique_lock<std::mutex>& lock, std::optional<absl::Duration> pause);
  void Run();

  const LoadLoopOptions options_;
  std::mutex mu_;
  std::condition_variable changed_;
  std::optional<std::vector<v1::ExpertRange>> newest_;  // Until it is taken to be loaded.
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_EXPERT_LOAD_LOOP_H_
