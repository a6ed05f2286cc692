// Simulated hosts and the network between them: delay, reordering between streams, loss, cuts in one or both directions, crash and freeze.
#ifndef BALEEN_TESTS_SIMULATION_NETWORK_H_
#define BALEEN_TESTS_SIMULATION_NETWORK_H_

#include <any>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "services/common/timers.h"
#include "tests/simulation/event_loop.h"

namespace baleen {

using Packet = std::any;

struct PipeHandlers {
  std::function<void(const Packet&)> on_packet = {};
  std::function<void(absl::Status)> on_closed = {};  // Once, after the last packet; not to the end that closed.
};

// One end of a stream. Packets of one direction arrive in order. What the peer does not answer for a second breaks the caller's end; the
// end that was called may only learn of it when the network lets it.
class Pipe {
 public:
  virtual ~Pipe() = default;
  // UNAVAILABLE when this end is closed.
  virtual absl::Status Send(Packet packet) = 0;
  virtual void Close(absl::Status why) = 0;
};

// A host has lives: what was scheduled or opened in an earlier one never happens. For one thread.
class Network {
 public:
  using Accept = std::function<PipeHandlers(std::shared_ptr<Pipe> pipe)>;
  using Answer = std::function<std::any(const std::any& request)>;
  using Done = std::function<void(absl::StatusOr<std::any>)>;

  explicit Network(EventLoop* loop) : loop_(loop) {}

  void Boot(const std::string& host);
  void Crash(const std::string& host);
  // A frozen host does nothing; what reaches it waits. Its peers hear nothing.
  void Freeze(const std::string& host);
  void Thaw(const std::string& host);
  // Nothing goes from `from` to `to` any more; what is under way waits.
  void Cut(const std::string& from, const std::string& to);
  void MendAll();
  bool Up(const std::string& host) const;
  bool Frozen(const std::string& host) const;
  bool IsCut(const std::string& from, const std::string& to) const { return cuts_.count({from, to}) > 0; }

  // Within the host's present life; later when it is frozen then.
  void After(const std::string& host, absl::Duration delay, std::function<void()> work);
  // For what takes timers as a dependency.
  std::unique_ptr<Timers> TimersOf(const std::string& host);

  // Of the host's present life.
  void Listen(const std::string& host, const std::string& service, Accept accept);
  void Serve(const std::string& host, const std::string& service, Answer answer);
  std::shared_ptr<Pipe> Open(const std::string& from, const std::string& to, const std::string& service, PipeHandlers handlers);
  // `done` once: UNAVAILABLE when nobody serves, DEADLINE_EXCEEDED after `timeout`.
  void Call(const std::string& from, const std::string& to, const std::string& service, std::any request, absl::Duration timeout,
            Done done);

  // Forgets all hosts and streams, without telling anybody: before those go that they refer to.
  void Clear();

 private:
  struct Host {
    int life = 0;
    bool up = false;
    bool frozen = false;
    std::deque<std::function<void()>> deferred;  // What came due while it was frozen.
    std::map<std::string, Accept> listeners;
    std::map<std::string, Answer> answers;
  };
  struct Item {
    absl::Time at;
    bool close = false;
    absl::Status status;
    Packet packet;
  };
  struct End {
    std::string host;
    int life = -1;  // -1 = the call has not arrived yet.
    std::shared_ptr<const PipeHandlers> handlers;
    bool closed = false;
    absl::Time heard;         // The peer was in reach at this time.
    std::deque<Item> coming;  // To this end.
    absl::Time last_at = absl::InfinitePast();
  };
  struct Wire {
    std::string service;
    End ends[2];  // 0 = the caller.
  };
  class PipeEnd;
  using WirePtr = std::shared_ptr<Wire>;

  absl::Duration Delay();
  void Push(const WirePtr& wire, int to, Item item);
  void Drain(const WirePtr& wire, int to);
  void Arrive(const WirePtr& wire, int to, Item item);
  void AcceptCall(const WirePtr& wire);
  void CloseEnd(const WirePtr& wire, int side, const absl::Status& why, bool tell);
  bool Alive(const End& end) const;
  bool InReach(const End& from, const End& to) const;
  void DrainAll();
  void Disturbed();
  void LookForSilence();
  void Forget();

  EventLoop* const loop_;
  std::map<std::string, Host> hosts_;
  std::set<std::pair<std::string, std::string>> cuts_;
  std::vector<WirePtr> wires_;
  int disturbances_ = 0;  // Hosts frozen or gone and cuts, lately.
  bool looking_ = false;
};

}  // namespace baleen

#endif  // BALEEN_TESTS_SIMULATION_NETWORK_H_
