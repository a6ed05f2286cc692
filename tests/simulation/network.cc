#include "tests/simulation/network.h"

#include <algorithm>
#include <utility>

namespace baleen {
namespace {

constexpr absl::Duration kSilence = absl::Seconds(1);
constexpr absl::Duration kLook = absl::Milliseconds(200);

}  // namespace

class Network::PipeEnd final : public Pipe {
 public:
  PipeEnd(Network* network, WirePtr wire, int side) : network_(network), wire_(std::move(wire)), side_(side) {}
  absl::Status Send(Packet packet) override {
    const End& end = wire_->ends[side_];
    if (end.closed || !network_->Alive(end)) return absl::UnavailableError("the stream is closed");
    network_->Push(wire_, 1 - side_, {network_->loop_->Now(), false, {}, std::move(packet)});
    return absl::OkStatus();
  }
  void Close(absl::Status why) override {
    if (network_->Alive(wire_->ends[side_])) network_->CloseEnd(wire_, side_, why, false);
  }

 private:
  Network* const network_;
  const WirePtr wire_;
  const int side_;
};

void Network::Boot(const std::string& name) {
  Host& host = hosts_[name];
  ++host.life;
  host.up = true;
  host.frozen = false;
  host.deferred.clear();
  host.listeners.clear();
  host.answers.clear();
}

void Network::Crash(const std::string& name) {
  Host& host = hosts_[name];
  host.up = false;
  host.deferred.clear();
  const std::vector<WirePtr> wires = wires_;
  for (const WirePtr& wire : wires) {
    for (int side = 0; side < 2; ++side) {
      End& end = wire->ends[side];
      if (end.host != name || end.closed) continue;
      end.closed = true;
      end.coming.clear();
      end.handlers = nullptr;
      Push(wire, 1 - side, {loop_->Now(), true, absl::UnavailableError("connection reset"), {}});
    }
  }
  Disturbed();
}

void Network::Freeze(const std::string& name) {
  hosts_[name].frozen = true;
  Disturbed();
}

void Network::Thaw(const std::string& name) {
  Host& host = hosts_[name];
  if (!host.frozen) return;
  host.frozen = false;
  const int life = host.life;
  std::deque<std::function<void()>> deferred = std::exchange(host.deferred, {});
  // What waited in sockets and what waited on timers come in either order.
  if (loop_->Chance(50)) DrainAll();
  for (const std::function<void()>& work : deferred) {
    if (host.up && host.life == life) work();
  }
  DrainAll();
}

void Network::Cut(const std::string& from, const std::string& to) {
  cuts_.insert({from, to});
  Disturbed();
}

void Network::Clear() {
  const std::vector<WirePtr> wires = std::exchange(wires_, {});
  for (auto& [name, host] : hosts_) host = {};
  for (const WirePtr& wire : wires) {
    for (End& end : wire->ends) {
      end.closed = true;
      end.coming.clear();
      end.handlers = nullptr;
    }
  }
}

void Network::MendAll() {
  cuts_.clear();
  DrainAll();
}

bool Network::Up(const std::string& name) const {
  const auto it = hosts_.find(name);
  return it != hosts_.end() && it->second.up;
}

bool Network::Frozen(const std::string& name) const {
  const auto it = hosts_.find(name);
  return it != hosts_.end() && it->second.frozen;
}

void Network::After(const std::string& name, absl::Duration delay, std::function<void()> work) {
  Host& host = hosts_[name];
  loop_->After(delay, [this, &host, life = host.life, work = std::move(work)]() mutable {
    if (!host.up || host.life != life) return;
    if (host.frozen) {
      host.deferred.push_back(std::move(work));
    } else {
      work();
    }
  });
}

std::unique_ptr<Timers> Network::TimersOf(const std::string& host) {
  struct HostTimers final : Timers {
    HostTimers(Network* network_in, std::string host_in) : network(network_in), host(std::move(host_in)) {}
    void After(absl::Duration delay, std::function<void()> work) override { network->After(host, delay, std::move(work)); }
    Network* const network;
    const std::string host;
  };
  return std::make_unique<HostTimers>(this, host);
}

void Network::Listen(const std::string& host, const std::string& service, Accept accept) {
  hosts_[host].listeners[service] = std::move(accept);
}

void Network::Serve(const std::string& host, const std::string& service, Answer answer) {
  hosts_[host].answers[service] = std::move(answer);
}

std::shared_ptr<Pipe> Network::Open(const std::string& from, const std::string& to, const std::string& service, PipeHandlers handlers) {
  auto wire = std::make_shared<Wire>();
  wire->service = service;
  End& caller = wire->ends[0];
  caller.host = from;
  caller.life = hosts_[from].life;
  caller.handlers = std::make_shared<const PipeHandlers>(std::move(handlers));
  caller.heard = loop_->Now();
  wire->ends[1].host = to;
  wire->ends[1].heard = loop_->Now();
  wires_.push_back(wire);
  if (wires_.size() % 64 == 0) Forget();
  Push(wire, 1, {loop_->Now(), false, {}, {}});  // The call itself.
  if (disturbances_ > 0) Disturbed();
  return std::make_shared<PipeEnd>(this, wire, 0);
}

void Network::Call(const std::string& from, const std::string& to, const std::string& service, std::any request, absl::Duration timeout,
                   Done done) {
  // Only the life that asked hears of it.
  const auto finish =
      std::make_shared<Done>([this, from, life = hosts_[from].life, done = std::move(done)](absl::StatusOr<std::any> result) {
        if (hosts_[from].life == life) done(std::move(result));
      });
  After(from, timeout, [finish] {
    if (const Done once = std::exchange(*finish, nullptr)) once(absl::DeadlineExceededError("no answer in time"));
  });
  if (loop_->Pick(1000) == 0) return;  // Lost.
  loop_->After(Delay(), [this, from, to, service, request = std::move(request), finish] {
    if (IsCut(from, to)) return;
    const auto reply = [this, from, to, finish](absl::StatusOr<std::any> result) {
      if (IsCut(to, from)) return;
      After(from, Delay(), [finish, result = std::move(result)] {
        if (const Done once = std::exchange(*finish, nullptr)) once(result);
      });
    };
    Host& host = hosts_[to];
    if (!host.up || host.answers.count(service) == 0) return reply(absl::UnavailableError("connection refused"));
    const auto serve = [this, &host, service, request, reply] { reply(host.answers.at(service)(request)); };
    if (host.frozen) {
      host.deferred.push_back(serve);
    } else {
      serve();
    }
  });
}

absl::Duration Network::Delay() {
  return loop_->Chance(2) ? loop_->Between(absl::Milliseconds(5), absl::Milliseconds(120))
                          : loop_->Between(absl::Microseconds(100), absl::Milliseconds(3));
}

void Network::Push(const WirePtr& wire, int to, Item item) {
  End& end = wire->ends[to];
  item.at = std::max(item.at + Delay(), end.last_at);
  end.last_at = item.at;
  loop_->At(item.at, [this, wire, to] { Drain(wire, to); });
  end.coming.push_back(std::move(item));
}

void Network::Drain(const WirePtr& wire, int to) {
  End& end = wire->ends[to];
  while (!end.coming.empty() && end.coming.front().at <= loop_->Now()) {
    if (IsCut(wire->ends[1 - to].host, end.host) || Frozen(end.host)) return;
    Item item = std::move(end.coming.front());
    end.coming.pop_front();
    Arrive(wire, to, std::move(item));
  }
}

void Network::Arrive(const WirePtr& wire, int to, Item item) {
  End& end = wire->ends[to];
  if (end.closed) return;
  if (to == 1 && end.life < 0 && !item.close) return AcceptCall(wire);
  if (!Alive(end)) return;
  if (item.close) return CloseEnd(wire, to, item.status, true);
  const std::shared_ptr<const PipeHandlers> handlers = end.handlers;  // The packet may close the stream.
  handlers->on_packet(item.packet);
}

void Network::AcceptCall(const WirePtr& wire) {
  End& end = wire->ends[1];
  Host& host = hosts_[end.host];
  const auto listener = host.listeners.find(wire->service);
  if (!host.up || listener == host.listeners.end()) {
    end.closed = true;
    return Push(wire, 0, {loop_->Now(), true, absl::UnavailableError("connection refused"), {}});
  }
  end.life = host.life;
  end.heard = loop_->Now();
  end.handlers = std::make_shared<const PipeHandlers>(listener->second(std::make_shared<PipeEnd>(this, wire, 1)));
}

void Network::CloseEnd(const WirePtr& wire, int side, const absl::Status& why, bool tell) {
  End& end = wire->ends[side];
  if (std::exchange(end.closed, true)) return;
  end.coming.clear();
  const std::shared_ptr<const PipeHandlers> handlers = std::exchange(end.handlers, nullptr);
  if (!wire->ends[1 - side].closed) Push(wire, 1 - side, {loop_->Now(), true, why, {}});
  if (tell && handlers != nullptr && handlers->on_closed) handlers->on_closed(why);
}

bool Network::Alive(const End& end) const {
  const auto it = hosts_.find(end.host);
  return it != hosts_.end() && it->second.up && it->second.life == end.life;
}

bool Network::InReach(const End& from, const End& to) const {
  return Alive(to) && !Frozen(to.host) && !IsCut(from.host, to.host) && !IsCut(to.host, from.host);
}

void Network::DrainAll() {
  const std::vector<WirePtr> wires = wires_;
  for (const WirePtr& wire : wires) {
    Drain(wire, 0);
    Drain(wire, 1);
  }
}

void Network::Disturbed() {
  disturbances_ = static_cast<int>(kSilence / kLook) + 5;
  if (std::exchange(looking_, true)) return;
  for (const WirePtr& wire : wires_) {
    for (End& end : wire->ends) end.heard = loop_->Now();
  }
  loop_->After(kLook, [this] { LookForSilence(); });
}

void Network::LookForSilence() {
  const absl::Time now = loop_->Now();
  const std::vector<WirePtr> wires = wires_;
  for (const WirePtr& wire : wires) {
    End& caller = wire->ends[0];
    if (caller.closed || !Alive(caller) || Frozen(caller.host)) continue;
    if (InReach(caller, wire->ends[1])) {
      caller.heard = now;
    } else if (now - caller.heard > kSilence) {
      CloseEnd(wire, 0, absl::UnavailableError("no answer to pings"), true);
    }
  }
  const bool calm = cuts_.empty() && std::none_of(hosts_.begin(), hosts_.end(), [](const auto& host) { return host.second.frozen; });
  if (calm && --disturbances_ <= 0) {
    looking_ = false;
  } else {
    loop_->After(kLook, [this] { LookForSilence(); });
  }
}

void Network::Forget() {
  std::erase_if(wires_, [](const WirePtr& wire) { return wire->ends[0].closed && wire->ends[1].closed; });
}

}  // namespace baleen
