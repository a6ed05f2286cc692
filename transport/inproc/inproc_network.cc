#include "transport/inproc/inproc_network.h"

#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "transport/message_size.h"

namespace baleen {

namespace {

class End;
using EndPtr = std::shared_ptr<End>;

// State of the whole network; every End is guarded by its mutex, so that a stream's two ends never lock each other.
struct Network {
  explicit Network(StreamBounds bounds) : bounds(bounds) {}

  void Schedule(const EndPtr& end);
  void Break(const EndPtr& end, absl::Status status, bool drop_inbox);
  void BreakStream(const EndPtr& end, absl::Status here, absl::Status there);
  void Dispatch();
  void DeliverOne(const EndPtr& end, std::unique_lock<std::mutex>& lock);

  const StreamBounds bounds;
  std::mutex mu;
  std::condition_variable changed;
  std::map<std::pair<std::string, std::string>, AcceptFunction> listeners;
  std::set<EndPtr> live;  // Until on_closed has returned.
  std::deque<EndPtr> ready;
  bool stopping = false;
};

class End final : public Connection, public std::enable_shared_from_this<End> {
 public:
  End(std::weak_ptr<Network> network, std::string address) : network_(std::move(network)), address(std::move(address)) {}

  absl::Status Send(Message message) override;
  void Close() override;

 private:
  const std::weak_ptr<Network> network_;

 public:
  // Guarded by Network::mu.
  const std::string address;
  std::weak_ptr<End> peer;
  StreamHandlers handlers;
  bool corked = false;  // Handlers are not known yet.
  bool scheduled = false;
  std::optional<absl::Status> ended;
  std::deque<Message> inbox;
  size_t inbox_bytes = 0;
};

absl::Status End::Send(Message message) {
  RETURN_IF_ERROR(CheckSize(message));
  const std::shared_ptr<Network> network = network_.lock();
  if (network == nullptr) return absl::UnavailableError(absl::StrCat("stream with ", address, " is broken"));
  std::lock_guard lock(network->mu);
  const EndPtr to = peer.lock();
  if (ended.has_value() || to == nullptr || to->ended.has_value()) {
    return absl::UnavailableError(absl::StrCat("stream with ", address, " is broken"));
  }
  if (to->inbox.size() >= network->bounds.messages || to->inbox_bytes + SizeOf(message) > network->bounds.bytes) {
    return absl::ResourceExhaustedError(absl::StrCat("stream with ", address, ": ", to->inbox.size(), " messages are queued"));
  }
  to->inbox_bytes += SizeOf(message);
  to->inbox.push_back(std::move(message));
  network->Schedule(to);
  return absl::OkStatus();
}

void End::Close() {
  const std::shared_ptr<Network> network = network_.lock();
  if (network == nullptr) return;
  std::lock_guard lock(network->mu);
  network->BreakStream(shared_from_this(), absl::CancelledError("closed by this end"),
                       absl::UnavailableError("the peer closed the stream"));
}

void Network::Schedule(const EndPtr& end) {
  if (end->scheduled || end->corked) return;
  if (end->inbox.empty() && !end->ended.has_value()) return;
  end->scheduled = true;
  ready.push_back(end);
  changed.notify_all();
}

void Network::Break(const EndPtr& end, absl::Status status, bool drop_inbox) {
  if (end == nullptr || end->ended.has_value()) return;
  end->ended = std::move(status);
  if (drop_inbox) end->inbox.clear();
  Schedule(end);
}

void Network::BreakStream(const EndPtr& end, absl::Status here, absl::Status there) {
  Break(end, std::move(here), /*drop_inbox=*/true);
  Break(end->peer.lock(), std::move(there), /*drop_inbox=*/false);
}

void Network::DeliverOne(const EndPtr& end, std::unique_lock<std::mutex>& lock) {
  if (!end->inbox.empty()) {
    Message message = std::move(end->inbox.front());
    end->inbox.pop_front();
    end->inbox_bytes -= SizeOf(message);
    lock.unlock();
    if (end->handlers.on_message) end->handlers.on_message(std::move(message));
    lock.lock();
    end->scheduled = false;
    Schedule(end);
    return;
  }
  // Never unscheduled again: this was the last event.
  const absl::Status status = *end->ended;
  lock.unlock();
  {
    const StreamHandlers handlers = std::move(end->handlers);
    end->handlers = {};
    if (handlers.on_closed) handlers.on_closed(status);
  }
  lock.lock();
  live.erase(end);
  changed.notify_all();
}

void Network::Dispatch() {
  std::unique_lock lock(mu);
  while (true) {
    changed.wait(lock, [this] { return stopping || !ready.empty(); });
    if (ready.empty()) return;
    const EndPtr end = std::move(ready.front());
    ready.pop_front();
    DeliverOne(end, lock);
  }
}

}  // namespace

struct InprocNetwork::Impl {
  explicit Impl(StreamBounds bounds) : network(std::make_shared<Network>(bounds)), thread([this] { network->Dispatch(); }) {}

  const std::shared_ptr<Network> network;
  std::thread thread;
};

InprocNetwork::InprocNetwork(StreamBounds bounds) : impl_(std::make_shared<Impl>(bounds)) {}

InprocNetwork::~InprocNetwork() {
  Network& network = *impl_->network;
  {
    std::unique_lock lock(network.mu);
    network.listeners.clear();
    const std::set<EndPtr> ends = network.live;
    for (const EndPtr& end : ends) network.Break(end, absl::UnavailableError("the network is gone"), /*drop_inbox=*/true);
    network.changed.wait(lock, [&] { return network.live.empty(); });
    network.stopping = true;
    network.changed.notify_all();
  }
  impl_->thread.join();
}

absl::Status InprocNetwork::Listen(const std::string& address, const std::string& method, AcceptFunction accept) {
  std::lock_guard lock(impl_->network->mu);
  const bool inserted = impl_->network->listeners.emplace(std::pair(address, method), std::move(accept)).second;
  return inserted ? absl::OkStatus() : absl::AlreadyExistsError(absl::StrCat(method, " is already served at ", address));
}

void InprocNetwork::Kill(const std::string& address) {
  Network& network = *impl_->network;
  std::lock_guard lock(network.mu);
  std::erase_if(network.listeners, [&](const auto& entry) { return entry.first.first == address; });
  const std::set<EndPtr> ends = network.live;
  for (const EndPtr& end : ends) {
    if (end->address == address) network.Break(end, absl::UnavailableError(absl::StrCat(address, " is gone")), /*drop_inbox=*/true);
  }
}

std::shared_ptr<Connection> InprocNetwork::Connect(const std::string& address, const std::string& method, StreamHandlers handlers) {
  Network& network = *impl_->network;
  const auto client = std::make_shared<End>(impl_->network, address);
  client->handlers = std::move(handlers);
  const auto server = std::make_shared<End>(impl_->network, address);
  AcceptFunction accept;
  {
    std::lock_guard lock(network.mu);
    network.live.insert(client);
    const auto listener = network.listeners.find(std::pair(address, method));
    if (listener == network.listeners.end()) {
      network.Break(client, absl::UnavailableError(absl::StrCat("nothing serves ", method, " at ", address)), /*drop_inbox=*/true);
      return client;
    }
    accept = listener->second;
    client->peer = server;
    server->peer = client;
    server->corked = true;
    network.live.insert(server);
  }
  StreamHandlers served = accept(server);
  std::lock_guard lock(network.mu);
  server->handlers = std::move(served);
  server->corked = false;
  network.Schedule(server);
  return client;
}

}  // namespace baleen
