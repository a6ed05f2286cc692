#include "transport/ucx/ucx_worker.h"

#include <poll.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <ucp/api/ucp.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <deque>
#include <functional>
#include <iterator>
#include <optional>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/status_macros.h"
#include "transport/ucx/ucx_handles.h"

namespace baleen {

namespace {

using Steady = std::chrono::steady_clock;

constexpr unsigned kMessageId = 0;
// How long to look for more before sleeping. Going to sleep and being woken costs two system calls and a switch, about as much, so at
// most twice the best possible time is spent, and an answer that is computed within it comes without a sleep.
constexpr auto kSpin = std::chrono::microseconds(10);
// A peer whose queue is full is looked at again after this, and after twice as long each time that nothing moved.
constexpr auto kFirstNap = std::chrono::microseconds(20);
constexpr auto kLastNap = std::chrono::microseconds(1000);
constexpr auto kTick = std::chrono::milliseconds(100);
// Packets taken before the receivers get their turn.
constexpr int kMaxProgress = 32;
// Packets of one port taken at once for a session that ends: more than a queue in shared memory holds.
constexpr int kMaxArrived = 1024;
constexpr int kLockSpins = 100;
// Sleeps in a row that ended with nothing to do.
constexpr int kIdleRounds = 8;

struct Session {
  std::shared_ptr<UcxReceiver> receiver;
  SessionToken token;
  std::shared_ptr<UcxPort> port;
  bool scheduled = false;
  bool ticking = false;
};

static_assert(sizeof(UcxPost::Slice) == sizeof(ucp_dt_iov_t) && offsetof(UcxPost::Slice, size) == offsetof(ucp_dt_iov_t, length));

timespec ToTimespec(Steady::duration duration) {
  const auto nanoseconds = std::chrono::duration_cast<std::chrono::nanoseconds>(duration).count();
  return {.tv_sec = nanoseconds / 1'000'000'000, .tv_nsec = nanoseconds % 1'000'000'000};
}

}  // namespace

class UcxEndpoint {
 public:
  std::shared_ptr<UcxPort> port;
  ucp_ep_h handle = nullptr;
  uint64_t session = 0;
  UcxWorker::Impl* owner = nullptr;
};

struct UcxWorker::Impl {
  ~Impl() {
    if (epoll_fd >= 0) close(epoll_fd);
    if (wake_fd >= 0) close(wake_fd);
  }

  absl::Status Open(const UcxOptions& options);
  absl::Status OpenSleep();
  absl::StatusOr<std::shared_ptr<UcxPort>> NewPort();
  void Loop();
  bool Turn();
  int Progress();
  std::vector<std::shared_ptr<UcxPort>> TakeUnusedPorts();
  void RunScheduled();
  void TickIfDue(Steady::time_point now);
  bool IsOver() {
    std::lock_guard lock(mu);
    return IsOverLocked();
  }
  bool IsOverLocked() const { return stopping && disconnecting == 0; }
  void Sleep(int idle_rounds);
  bool Arm();
  void Wake() {
    if (asleep.exchange(false)) (void)eventfd_write(wake_fd, 1);
  }

  static ucs_status_t OnMessage(void* self, const void* header, size_t header_bytes, void* data, size_t bytes,
                                const ucp_am_recv_param_t* param);
  static void OnError(void* endpoint, ucp_ep_h handle, ucs_status_t status);
  static void OnPosted(void* request, ucs_status_t status, void* post);
  static void OnDisconnected(void* request, ucs_status_t status, void* endpoint);

  std::shared_ptr<const UcxContext> context;
  UcxPlace place;
  std::function<void()> on_dropped;
  std::shared_ptr<UcxPort> common_port;  // Null where each session has one of its own.
  int epoll_fd = -1;                     // Readable when a port or `wake_fd` is.
  int wake_fd = -1;
  std::atomic<bool> asleep{false};  // Set before the lock is taken for a last look, so that who changes anything after it wakes the thread.
  std::thread thread;

  std::mutex mu;  // Also guards every call of UCX on a port that is open.
  bool stopping = false;
  std::vector<std::shared_ptr<UcxPort>> ports;
  uint64_t last_session = 0;
  std::unordered_map<uint64_t, Session> sessions;
  std::deque<uint64_t> scheduled;
  int ticking = 0;
  int disconnecting = 0;
  Steady::time_point next_tick = Steady::time_point::min();
};

UcxWorker::Lock::Lock(UcxWorker& worker) : held_(worker.impl_->mu, std::defer_lock) { Take(); }

void UcxWorker::Lock::Take() {
  for (int i = 0; i < kLockSpins; ++i) {
    if (held_.try_lock()) return;
    __builtin_ia32_pause();
  }
  held_.lock();
}

absl::StatusOr<std::unique_ptr<UcxWorker>> UcxWorker::Create(const UcxOptions& options) {
  auto impl = std::make_unique<Impl>();
  RETURN_IF_ERROR(impl->Open(options));
  impl->thread = std::thread([self = impl.get()] { self->Loop(); });
  return std::unique_ptr<UcxWorker>(new UcxWorker(std::move(impl)));
}

UcxWorker::UcxWorker(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

UcxWorker::~UcxWorker() {
  {
    std::lock_guard lock(impl_->mu);
    impl_->stopping = true;
  }
  impl_->Wake();
  impl_->thread.join();
}

std::string UcxWorker::Version() { return ucp_get_version_string(); }

const UcxPlace& UcxWorker::place() const { return impl_->place; }

absl::StatusOr<std::shared_ptr<UcxPort>> UcxWorker::OpenPort() {
  if (impl_->common_port != nullptr) return impl_->common_port;
  return impl_->NewPort();
}

const std::string& UcxWorker::AddressOf(const UcxPort& port) { return port.address; }

uint64_t UcxWorker::Register(std::shared_ptr<UcxReceiver> receiver, const SessionToken& token, std::shared_ptr<UcxPort> port) {
  const uint64_t session = ++impl_->last_session;
  impl_->sessions[session] = {.receiver = std::move(receiver), .token = token, .port = std::move(port)};
  return session;
}

void UcxWorker::Unregister(uint64_t session) {
  SetTicking(session, false);
  impl_->sessions.erase(session);
  impl_->Wake();  // Its port may be closed.
}

void UcxWorker::Schedule(uint64_t session) {
  const auto found = impl_->sessions.find(session);
  if (found == impl_->sessions.end() || std::exchange(found->second.scheduled, true)) return;
  impl_->scheduled.push_back(session);
  if (std::this_thread::get_id() != impl_->thread.get_id()) impl_->Wake();
}

void UcxWorker::SetTicking(uint64_t session, bool ticking) {
  const auto found = impl_->sessions.find(session);
  if (found == impl_->sessions.end() || found->second.ticking == ticking) return;
  found->second.ticking = ticking;
  impl_->ticking += ticking ? 1 : -1;
  impl_->Wake();
}

void UcxWorker::TakeArrived(uint64_t session) {
  const auto found = impl_->sessions.find(session);
  if (found == impl_->sessions.end()) return;
  const std::shared_ptr<UcxPort> port = found->second.port;
  if (port == nullptr) return;
  for (int i = 0; i < kMaxArrived && ucp_worker_progress(port->worker) != 0; ++i) continue;
}

absl::StatusOr<UcxEndpoint*> UcxWorker::Connect(const std::string& peer_address, uint64_t session) {
  auto endpoint = std::make_unique<UcxEndpoint>();
  endpoint->port = impl_->sessions.at(session).port;
  endpoint->session = session;
  endpoint->owner = impl_.get();
  ucp_ep_params_t params{};
  params.field_mask = UCP_EP_PARAM_FIELD_REMOTE_ADDRESS | UCP_EP_PARAM_FIELD_ERR_HANDLING_MODE | UCP_EP_PARAM_FIELD_ERR_HANDLER;
  params.address = reinterpret_cast<const ucp_address_t*>(peer_address.data());
  params.err_mode = UCP_ERR_HANDLING_MODE_PEER;
  params.err_handler = {.cb = &Impl::OnError, .arg = endpoint.get()};
  const ucs_status_t status = ucp_ep_create(endpoint->port->worker, &params, &endpoint->handle);
  if (status != UCS_OK) return ToUnavailable("no path to the peer", status);
  impl_->Wake();  // Connections are made by progress.
  return endpoint.release();
}

bool UcxWorker::Post(UcxEndpoint* endpoint, UcxPost* post) {
  ucp_request_param_t param{};
  param.op_attr_mask = UCP_OP_ATTR_FIELD_CALLBACK | UCP_OP_ATTR_FIELD_USER_DATA | UCP_OP_ATTR_FIELD_FLAGS | UCP_OP_ATTR_FIELD_DATATYPE;
  param.flags = UCP_AM_SEND_FLAG_EAGER;
  param.cb.send = &Impl::OnPosted;
  param.user_data = post;
  const void* buffer = post->slices;
  size_t count = post->slice_count;
  param.datatype = UCP_DATATYPE_IOV;
  if (post->slice_count <= 1) {
    param.datatype = ucp_dt_make_contig(1);
    buffer = post->slice_count == 0 ? nullptr : post->slices[0].data;
    count = post->slice_count == 0 ? 0 : post->slices[0].size;
  }
  const ucs_status_ptr_t request =
      ucp_am_send_nbx(endpoint->handle, kMessageId, post->header.data(), post->header.size(), buffer, count, &param);
  if (request == nullptr) return true;
  if (UCS_PTR_IS_ERR(request)) {
    Impl::OnError(endpoint, endpoint->handle, UCS_PTR_STATUS(request));
    return true;
  }
  if (std::this_thread::get_id() != impl_->thread.get_id()) impl_->Wake();
  return false;
}

void UcxWorker::Disconnect(UcxEndpoint* endpoint) {
  ucp_request_param_t param{};
  param.op_attr_mask = UCP_OP_ATTR_FIELD_FLAGS | UCP_OP_ATTR_FIELD_CALLBACK | UCP_OP_ATTR_FIELD_USER_DATA;
  param.flags = UCP_EP_CLOSE_FLAG_FORCE;
  param.cb.send = &Impl::OnDisconnected;
  param.user_data = endpoint;
  endpoint->session = 0;
  const ucs_status_ptr_t request = ucp_ep_close_nbx(endpoint->handle, &param);
  if (!UCS_PTR_IS_PTR(request)) {
    delete endpoint;
    return;
  }
  ++impl_->disconnecting;
  impl_->Wake();
}

absl::Status UcxWorker::Impl::Open(const UcxOptions& options) {
  on_dropped = options.on_dropped;
  place = ThisPlace(options);
  ASSIGN_OR_RETURN(context, OpenUcx(options));
  RETURN_IF_ERROR(OpenSleep());
  // Also where it is not kept: what is missing shows now.
  ASSIGN_OR_RETURN(std::shared_ptr<UcxPort> first, NewPort());
  if (!UsesSharedMemory(options)) common_port = std::move(first);
  return absl::OkStatus();
}

absl::Status UcxWorker::Impl::OpenSleep() {
  epoll_fd = epoll_create1(EPOLL_CLOEXEC);
  wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  epoll_event event{.events = EPOLLIN, .data = {}};
  if (epoll_fd >= 0 && wake_fd >= 0 && epoll_ctl(epoll_fd, EPOLL_CTL_ADD, wake_fd, &event) == 0) return absl::OkStatus();
  return absl::ErrnoToStatus(errno, "UCX: descriptors to sleep on");
}

absl::StatusOr<std::shared_ptr<UcxPort>> UcxWorker::Impl::NewPort() {
  ASSIGN_OR_RETURN(std::shared_ptr<UcxPort> port, baleen::OpenPort(context));
  ucp_am_handler_param_t handler{};
  handler.field_mask = UCP_AM_HANDLER_PARAM_FIELD_ID | UCP_AM_HANDLER_PARAM_FIELD_CB | UCP_AM_HANDLER_PARAM_FIELD_ARG;
  handler.id = kMessageId;
  handler.cb = &Impl::OnMessage;
  handler.arg = this;
  const ucs_status_t status = ucp_worker_set_am_recv_handler(port->worker, &handler);
  if (status != UCS_OK) return ToUnavailable("active messages", status);
  epoll_event event{.events = EPOLLIN, .data = {}};
  if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, port->event_fd, &event) != 0) return absl::ErrnoToStatus(errno, "UCX: a port's event descriptor");
  std::lock_guard lock(mu);
  ports.push_back(port);
  return port;
}

ucs_status_t UcxWorker::Impl::OnMessage(void* self, const void* header, size_t header_bytes, void* data, size_t bytes,
                                        const ucp_am_recv_param_t* param) {
  auto* const impl = static_cast<Impl*>(self);
  const std::optional<FragmentHeader> fragment = DecodeFragmentHeader({static_cast<const std::byte*>(header), header_bytes});
  // A rendezvous would announce bytes instead of bringing them.
  if (fragment.has_value() && (param->recv_attr & UCP_AM_RECV_ATTR_FLAG_RNDV) == 0) {
    const auto found = impl->sessions.find(fragment->session);
    if (found != impl->sessions.end() && TokensMatch(found->second.token, fragment->token)) {
      const std::shared_ptr<UcxReceiver> receiver = found->second.receiver;
      receiver->OnFragment(*fragment, {static_cast<const std::byte*>(data), bytes});
      return UCS_OK;
    }
  }
  if (impl->on_dropped) impl->on_dropped();
  return UCS_OK;
}

void UcxWorker::Impl::OnError(void* endpoint, ucp_ep_h, ucs_status_t status) {
  const auto* const failed = static_cast<UcxEndpoint*>(endpoint);
  const auto found = failed->owner->sessions.find(failed->session);
  if (found == failed->owner->sessions.end()) return;
  const std::shared_ptr<UcxReceiver> receiver = found->second.receiver;
  receiver->OnEndpointError(ToUnavailable("path to the peer", status));
}

void UcxWorker::Impl::OnPosted(void* request, ucs_status_t status, void* post) {
  ucp_request_free(request);
  auto* const posted = static_cast<UcxPost*>(post);
  posted->done(posted, status == UCS_OK ? absl::OkStatus() : ToUnavailable("send", status));
}

void UcxWorker::Impl::OnDisconnected(void* request, ucs_status_t, void* endpoint) {
  ucp_request_free(request);
  auto* const closed = static_cast<UcxEndpoint*>(endpoint);
  --closed->owner->disconnecting;
  delete closed;
}

void UcxWorker::Impl::Loop() {
  Steady::time_point busy_until = Steady::now() + kSpin;
  int idle_rounds = 0;
  while (true) {
    const bool moved = Turn();
    const Steady::time_point now = Steady::now();
    if (moved) {
      idle_rounds = 0;
      busy_until = now + kSpin;
      continue;
    }
    if (now < busy_until) {
      sched_yield();  // Whoever else wants this core goes first.
      continue;
    }
    if (IsOver()) return;
    Sleep(idle_rounds++);
    asleep = false;
    busy_until = Steady::now() + kSpin;
  }
}

// Whether anything happened.
bool UcxWorker::Impl::Turn() {
  int progressed = 0;
  std::vector<std::shared_ptr<UcxPort>> unused;  // Closed without the lock.
  {
    std::lock_guard lock(mu);
    progressed = Progress();
    unused = TakeUnusedPorts();
    if (ticking > 0) TickIfDue(Steady::now());
    if (scheduled.empty()) return progressed > 0;
  }
  RunScheduled();
  return true;
}

int UcxWorker::Impl::Progress() {
  int all = 0;
  for (const std::shared_ptr<UcxPort>& port : ports) {
    int progressed = 0;
    while (progressed < kMaxProgress && ucp_worker_progress(port->worker) != 0) ++progressed;
    all += progressed;
  }
  return all;
}

// Those that nobody else holds: no session, no path, nobody who is about to register one.
std::vector<std::shared_ptr<UcxPort>> UcxWorker::Impl::TakeUnusedPorts() {
  const auto first = std::partition(ports.begin(), ports.end(), [](const auto& port) { return port.use_count() > 1; });
  std::vector<std::shared_ptr<UcxPort>> unused(std::make_move_iterator(first), std::make_move_iterator(ports.end()));
  ports.erase(first, ports.end());
  for (const auto& port : unused) (void)epoll_ctl(epoll_fd, EPOLL_CTL_DEL, port->event_fd, nullptr);
  return unused;
}

void UcxWorker::Impl::RunScheduled() {
  std::deque<uint64_t> batch;
  {
    std::lock_guard lock(mu);
    batch.swap(scheduled);
  }
  for (const uint64_t session : batch) {
    std::shared_ptr<UcxReceiver> receiver;
    {
      std::lock_guard lock(mu);
      const auto found = sessions.find(session);
      if (found == sessions.end()) continue;
      found->second.scheduled = false;
      receiver = found->second.receiver;
    }
    receiver->Run();
  }
}

void UcxWorker::Impl::TickIfDue(Steady::time_point now) {
  if (now < next_tick) return;
  next_tick = now + kTick;
  std::deque<std::shared_ptr<UcxReceiver>> due;
  for (const auto& [number, session] : sessions) {
    if (session.ticking) due.push_back(session.receiver);
  }
  for (const auto& receiver : due) receiver->OnTick(Clock::Real()->Now());
}

// Until UCX has news or somebody calls Wake. UCX refuses to be armed while it has news, and also while a message waits for room at a
// peer, of which no transport tells, or a peer has stopped in the middle of a write; hence the naps, also for a descriptor that is
// readable for nothing.
void UcxWorker::Impl::Sleep(int idle_rounds) {
  asleep = true;
  bool armed = false;
  std::optional<Steady::duration> timeout;
  {
    std::lock_guard lock(mu);
    if (!scheduled.empty() || IsOverLocked()) return;
    armed = Arm();
    if (ticking > 0 || disconnecting > 0) timeout = kTick;
  }
  if (idle_rounds > (armed ? kIdleRounds : 0)) {
    std::this_thread::sleep_for(std::min<Steady::duration>(kFirstNap * (1 << std::min(idle_rounds, 6)), kLastNap));
  }
  if (armed) {
    pollfd event{.fd = epoll_fd, .events = POLLIN, .revents = 0};
    const timespec limit = timeout.has_value() ? ToTimespec(*timeout) : timespec{};
    (void)ppoll(&event, 1, timeout.has_value() ? &limit : nullptr, nullptr);
    eventfd_t woken = 0;
    (void)eventfd_read(wake_fd, &woken);
  }
}

// False when a port has news, which is then not to be slept on.
bool UcxWorker::Impl::Arm() {
  for (const std::shared_ptr<UcxPort>& port : ports) {
    if (ucp_worker_arm(port->worker) != UCS_OK) return false;
  }
  return true;
}

}  // namespace baleen
