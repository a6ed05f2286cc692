// Requests that may be what kills workers: kept apart, then given up, so that one request cannot take down the fleet.
#ifndef BALEEN_SERVICES_GATEWAY_GENERATION_QUARANTINE_H_
#define BALEEN_SERVICES_GATEWAY_GENERATION_QUARANTINE_H_

#include <cstdint>
#include <map>
#include <mutex>
#include <set>
#include <string>

namespace baleen {

// What a request whose worker died does next.
enum class AfterDeath {
  kRetry,    // Anywhere, at once.
  kIsolate,  // When TryIsolate says so: alone among the suspects.
  kGiveUp,   // Never again, if those are dead that it seems to have killed.
};

// A request is a suspect of a worker's death when it made no token there. Suspect of two deaths in a row, it is given up if it was the only
// suspect aboard the second time; otherwise it goes on in isolation, one request at a time, and a third death there ends it. A token clears
// it. So an innocent request is never given up for what shared its worker, unless it was alone with it. Thread-safe; a function of the
// calls.
class Quarantine {
 public:
  // The worker began to compute the request's attempt; worker ids are unique per process.
  void Started(const std::string& request, const std::string& worker);
  void Progressed(const std::string& request);
  // The worker under the request's attempt died, or the connection to it did.
  AfterDeath Died(const std::string& request);
  // True when the request may run now, in isolation. Ask again after a while otherwise.
  bool TryIsolate(const std::string& request);
  // The attempt is over without a death.
  void Left(const std::string& request);
  // The request is over.
  void Ended(const std::string& request);

  size_t size() const;

 private:
  struct Request {
    std::string worker;  // Empty = none.
    bool progressed = false;
    int deaths = 0;  // In a row, without a token between.
  };
  struct Worker {
    std::set<std::string> suspects;  // Requests aboard that made no token there.
    int aboard = 0;                  // All of them.
    size_t suspects_at_death = 0;    // The most of them when a stream from it broke.
  };

  void LeaveLocked(const std::string& id, Request& request);

  mutable std::mutex mutex_;
  std::map<std::string, Request> requests_;
  std::map<std::string, Worker> workers_;  // Those with somebody aboard.
  std::string isolated_;
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_GATEWAY_GENERATION_QUARANTINE_H_
