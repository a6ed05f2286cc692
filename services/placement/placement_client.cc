#include "services/placement/placement_client.h"

#include <grpcpp/client_context.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <set>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/clock.h"
#include "proto/baleen/v1/placement.grpc.pb.h"
#include "services/common/channel_pool.h"
#include "services/common/log.h"
#include "services/placement/client_outbox.h"
#include "services/placement/timing.h"

namespace baleen {
namespace {

constexpr auto kCallTimeout = std::chrono::seconds(1);
constexpr auto kDeregisterTimeout = std::chrono::seconds(2);
constexpr auto kRetryPause = std::chrono::milliseconds(200);

using Assignment = std::vector<v1::ExpertRange>;

std::string Bytes(const Assignment& ranges) {
  std::string bytes;
  for (const v1::ExpertRange& range : ranges) absl::StrAppend(&bytes, range.SerializeAsString(), "|");
  return bytes;
}

absl::Status FromGrpc(const grpc::Status& status) {
  return absl::Status(static_cast<absl::StatusCode>(status.error_code()), status.error_message());
}

// Whether placement said no, rather than nothing.
bool IsRefusal(grpc::StatusCode code) {
  return code == grpc::StatusCode::INVALID_ARGUMENT || code == grpc::StatusCode::PERMISSION_DENIED ||
         code == grpc::StatusCode::UNAUTHENTICATED || code == grpc::StatusCode::RESOURCE_EXHAUSTED;
}

// Whether nobody answered, or one that does not lead.
bool IsAbsence(grpc::StatusCode code) { return code == grpc::StatusCode::UNAVAILABLE || code == grpc::StatusCode::DEADLINE_EXCEEDED; }

// What is left of a worker's standing after placement's answer.
absl::Status StandingAfter(const grpc::Status& answer, const absl::Status& before) {
  if (answer.ok()) return absl::OkStatus();
  if (IsRefusal(answer.error_code())) {
    return absl::UnavailableError(absl::StrCat("placement refuses this worker: ", answer.error_message()));
  }
  if (answer.error_code() == grpc::StatusCode::NOT_FOUND) {
    return absl::UnavailableError("placement has dropped this worker from the map; it is registering again");
  }
  return before;
}

}  // namespace

struct PlacementClient::Impl {
  explicit Impl(PlacementClientOptions given)
      : options(std::move(given)),
        addresses(absl::StrSplit(options.address, ',')),
        channels(options.credentials != nullptr ? options.credentials : grpc::InsecureChannelCredentials(), kWorkerSilence) {
    heartbeat_thread = std::thread([this] { HeartbeatLoop(); });
    watch_thread = std::thread([this] { WatchLoop(); });
    delivery_thread = std::thread([this] { DeliveryLoop(); });
  }

  ~Impl() {
    {
      std::lock_guard lock(mutex);
      stop = true;
      for (grpc::ClientContext* context : calls) context->TryCancel();
    }
    wake.notify_all();
    heartbeat_thread.join();
    watch_thread.join();
    delivery_thread.join();
    std::unique_lock lock(mutex);
    answered.wait(lock, [this] { return asking == 0; });
  }

  // Runs `call` with a context that the destructor can cancel.
  template <typename Call>
  grpc::Status Cancellable(Call call) {
    grpc::ClientContext context;
    {
      std::lock_guard lock(mutex);
      if (stop) return grpc::Status::CANCELLED;
      calls.insert(&context);
    }
    const grpc::Status status = call(context);
    std::lock_guard lock(mutex);
    calls.erase(&context);
    return status;
  }

  // Makes one unary call beside the heartbeats: `start` has the stub begin it.
  template <typename Request, typename Reply, typename Start>
  void Ask(const Request& request, Start start, std::function<void(absl::StatusOr<Reply>)> done) {
    struct Call {
      std::unique_ptr<v1::Placement::Stub> stub;
      grpc::ClientContext context;
      Request request;
      Reply reply;
    };
    auto call = std::make_shared<Call>();
    call->request = request;
    call->context.set_deadline(std::chrono::system_clock::now() + kCallTimeout);
    call->stub = Stub();
    bool stopping = false;
    {
      std::lock_guard lock(mutex);
      stopping = stop;
      if (!stopping) ++asking;
      if (!stopping) calls.insert(&call->context);
    }
    if (stopping) return done(absl::CancelledError("this worker is stopping"));
    start(*call->stub, &call->context, &call->request, &call->reply,
          [this, call, done = std::move(done)](const grpc::Status& status) mutable {
            {
              std::lock_guard lock(mutex);
              calls.erase(&call->context);
            }
            status.ok() ? done(std::move(call->reply)) : done(FromGrpc(status));
            call = nullptr;  // It holds the channel, and gRPC's last one must not go in a callback (OpenCalls).
            std::lock_guard lock(mutex);
            --asking;
            answered.notify_all();
          });
  }

  void GetActivity(std::function<void(absl::StatusOr<v1::Activity>)> done) {
    const auto start = [](v1::Placement::Stub& stub, grpc::ClientContext* context, const v1::GetActivityRequest* request,
                          v1::Activity* reply, auto on_done) { stub.async()->GetActivity(context, request, reply, on_done); };
    Ask<v1::GetActivityRequest, v1::Activity>({}, start, std::move(done));
  }

  void SetScale(uint32_t expert_shards, std::function<void(absl::Status)> done) {
    const auto start = [](v1::Placement::Stub& stub, grpc::ClientContext* context, const v1::SetScaleRequest* request,
                          v1::SetScaleReply* reply, auto on_done) { stub.async()->SetScale(context, request, reply, on_done); };
    v1::SetScaleRequest request;
    request.set_expert_shards(expert_shards);
    Ask<v1::SetScaleRequest, v1::SetScaleReply>(
        request, start, [done = std::move(done)](const absl::StatusOr<v1::SetScaleReply>& reply) { done(reply.status()); });
  }

  void Drain(const std::string& worker_id, std::function<void(absl::Status)> done) {
    const auto start = [](v1::Placement::Stub& stub, grpc::ClientContext* context, const v1::DrainRequest* request, v1::DrainReply* reply,
                          auto on_done) { stub.async()->Drain(context, request, reply, on_done); };
    v1::DrainRequest request;
    request.set_worker_id(worker_id);
    Ask<v1::DrainRequest, v1::DrainReply>(request, start,
                                          [done = std::move(done)](const absl::StatusOr<v1::DrainReply>& reply) { done(reply.status()); });
  }

  void HeartbeatLoop() {
    std::unique_lock lock(mutex);
    while (!stop) {
      nudged = false;
      lock.unlock();
      const absl::Status status = leaving ? Leave() : (registered ? Beat() : Register());
      lock.lock();
      NoteLocked(status);
      if (leave_result.has_value()) break;
      const bool again_now = status.ok() && !beaten;  // A registration's first report follows at once.
      const auto pause = status.ok() ? std::chrono::milliseconds(interval_ms) : kRetryPause;
      if (!again_now) wake.wait_for(lock, pause, [this] { return stop || nudged; });
    }
  }

  absl::Status Register() {
    v1::RegisterRequest request;
    *request.mutable_worker() = options.worker;
    v1::HeartbeatRequest report;
    if (options.report) options.report(&report);
    *request.mutable_loaded() = report.loaded();
    outbox.Exchange(report);  // New ones are kept for the first heartbeat.
    {
      std::lock_guard lock(mutex);
      request.set_epoch_seen(newest ? newest->epoch() : 0);
    }
    v1::RegisterReply reply;
    const grpc::Status status = Cancellable([&](grpc::ClientContext& context) {
      context.set_deadline(std::chrono::system_clock::now() + kCallTimeout);
      return Stub()->Register(&context, request, &reply);
    });
    TakeStanding(status);
    if (!status.ok()) return TryNext(status);
    registered = true;
    beaten = false;
    outbox.SendAllAgain();
    if (reply.heartbeat_interval_ms() > 0) interval_ms = reply.heartbeat_interval_ms();
    Assign({reply.assigned().begin(), reply.assigned().end()});
    return absl::OkStatus();
  }

  absl::Status Beat() {
    beaten = true;
    v1::HeartbeatRequest request;
    if (options.report) options.report(&request);
    request.set_worker_id(options.worker.worker_id());
    outbox.Exchange(request);
    v1::HeartbeatReply reply;
    const grpc::Status status = Cancellable([&](grpc::ClientContext& context) {
      context.set_deadline(std::chrono::system_clock::now() + kCallTimeout);
      return Stub()->Heartbeat(&context, request, &reply);
    });
    TakeStanding(status);
    if (status.error_code() == grpc::StatusCode::NOT_FOUND) registered = false;
    // A refusal is an answer too: placement remembers it.
    if (status.ok() || status.error_code() == grpc::StatusCode::INVALID_ARGUMENT) outbox.Answered();
    if (!status.ok()) return TryNext(status);
    Assign({reply.assigned().begin(), reply.assigned().end()});
    if (reply.drain() && !std::exchange(told_to_drain, true) && options.on_drain) options.on_drain();
    std::lock_guard lock(mutex);
    released = request.draining() && reply.released();
    return absl::OkStatus();
  }

  void TakeStanding(const grpc::Status& answer) {
    std::lock_guard lock(mutex);
    standing = StandingAfter(answer, standing);
  }

  // An address that does not answer, or does not lead, is left for the next one.
  absl::Status TryNext(const grpc::Status& status) {
    if (IsAbsence(status.error_code()) && addresses.size() > 1) {
      std::lock_guard lock(mutex);
      current = (current + 1) % addresses.size();
      if (watch != nullptr) watch->TryCancel();
    }
    return FromGrpc(status);
  }

  std::unique_ptr<v1::Placement::Stub> Stub() {
    size_t index = 0;
    {
      std::lock_guard lock(mutex);
      index = current;
    }
    return v1::Placement::NewStub(channels.To(addresses[index]));
  }

  // To be called again while nobody who leads has answered.
  absl::Status Leave() {
    v1::DeregisterRequest request;
    request.set_worker_id(options.worker.worker_id());
    v1::DeregisterReply reply;
    const grpc::Status status = Cancellable([&](grpc::ClientContext& context) {
      context.set_deadline(std::chrono::system_clock::now() + kCallTimeout);
      return Stub()->Deregister(&context, request, &reply);
    });
    if (IsAbsence(status.error_code())) return TryNext(status);
    std::lock_guard lock(mutex);
    leave_result = FromGrpc(status);
    left.notify_all();
    return *leave_result;
  }

  // Tells who waits; logs a change of fortune once, not at each heartbeat.
  void NoteLocked(const absl::Status& status) {
    if (status.ok()) last_answer = Clock::Real()->Now();
    left.notify_all();
    if (stop || status.code() == last_status.code()) return;
    last_status = status;
    if (status.ok()) {
      Log(LogLevel::kInfo, "placement_reached", {{"address", options.address}});
    } else {
      Log(LogLevel::kWarning, "placement_call_failed", {{"address", options.address}, {"reason", status.ToString()}});
    }
  }

  void Assign(Assignment ranges) {
    if (!options.on_assignment) return;
    std::string bytes = Bytes(ranges);
    std::lock_guard lock(mutex);
    if (bytes == assigned_bytes) return;
    assigned_bytes = std::move(bytes);
    undelivered_assignment = std::move(ranges);
    wake.notify_all();
  }

  void WatchLoop() {
    while (true) {
      Cancellable([this](grpc::ClientContext& context) {
        context.set_wait_for_ready(true);
        {
          std::lock_guard lock(mutex);
          watch = &context;
        }
        const auto stub = Stub();
        v1::WatchMapRequest request;
        request.set_worker_id(options.worker.worker_id());
        auto stream = stub->WatchMap(&context, request);
        auto map = std::make_shared<v1::ClusterMap>();
        while (stream->Read(map.get())) {
          Receive(std::move(map));
          map = std::make_shared<v1::ClusterMap>();
        }
        const grpc::Status ended = stream->Finish();
        std::lock_guard lock(mutex);
        watch = nullptr;
        return ended;
      });
      std::unique_lock lock(mutex);
      if (wake.wait_for(lock, kRetryPause, [this] { return stop; })) return;
    }
  }

  void Receive(std::shared_ptr<const v1::ClusterMap> map) {
    std::lock_guard lock(mutex);
    if (newest && map->epoch() <= newest->epoch()) return;
    newest = std::move(map);
    undelivered_map = newest;
    wake.notify_all();
  }

  void DeliveryLoop() {
    std::unique_lock lock(mutex);
    while (true) {
      wake.wait(lock, [this] { return stop || undelivered_map || undelivered_assignment; });
      if (stop) return;
      const auto map = std::exchange(undelivered_map, nullptr);
      const auto assignment = std::exchange(undelivered_assignment, std::nullopt);
      lock.unlock();
      if (map && options.on_map) options.on_map(map);
      if (assignment) options.on_assignment(*assignment);
      lock.lock();
    }
  }

  const PlacementClientOptions options;
  const std::vector<std::string> addresses;
  ChannelPool channels;

  // The heartbeat thread's own.
  bool registered = false;
  bool beaten = false;  // A report has followed the registration.
  bool told_to_drain = false;
  uint32_t interval_ms = static_cast<uint32_t>(absl::ToInt64Milliseconds(kHeartbeatInterval));
  DigestOutbox outbox;

  std::mutex mutex;  // Guards what follows, up to the threads.
  std::condition_variable wake;
  std::condition_variable left;
  std::condition_variable answered;
  int asking = 0;  // Calls of Ask under way.
  bool stop = false;
  bool nudged = false;
  std::atomic<bool> leaving = false;
  bool released = false;
  absl::Time last_answer = Clock::Real()->Now();
  std::optional<absl::Status> leave_result;
  absl::Status standing = absl::UnavailableError("placement has not registered this worker yet");
  absl::Status last_status = absl::UnknownError("no call yet");
  size_t current = 0;  // Of addresses.
  grpc::ClientContext* watch = nullptr;
  std::set<grpc::ClientContext*> calls;
  std::shared_ptr<const v1::ClusterMap> newest;
  std::shared_ptr<const v1::ClusterMap> undelivered_map;
  std::string assigned_bytes;
  std::optional<Assignment> undelivered_assignment;

  std::thread heartbeat_thread;
  std::thread watch_thread;
  std::thread delivery_thread;
};

PlacementClient::PlacementClient(PlacementClientOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {}

PlacementClient::~PlacementClient() = default;

absl::Status PlacementClient::Standing() const {
  std::lock_guard lock(impl_->mutex);
  return impl_->standing;
}

std::shared_ptr<const v1::ClusterMap> PlacementClient::map() const {
  std::lock_guard lock(impl_->mutex);
  return impl_->newest;
}

void PlacementClient::GetActivity(std::function<void(absl::StatusOr<v1::Activity>)> done) { impl_->GetActivity(std::move(done)); }

void PlacementClient::SetScale(uint32_t expert_shards, std::function<void(absl::Status)> done) {
  impl_->SetScale(expert_shards, std::move(done));
}

void PlacementClient::Drain(const std::string& worker_id, std::function<void(absl::Status)> done) {
  impl_->Drain(worker_id, std::move(done));
}

void PlacementClient::Nudge() {
  std::lock_guard lock(impl_->mutex);
  impl_->nudged = true;
  impl_->wake.notify_all();
}

absl::Status PlacementClient::AwaitRelease(absl::Duration timeout) {
  const absl::Time deadline = Clock::Real()->Now() + timeout;
  std::unique_lock lock(impl_->mutex);
  impl_->last_answer = Clock::Real()->Now();
  impl_->nudged = true;
  impl_->wake.notify_all();
  while (!impl_->released) {
    const absl::Time now = Clock::Real()->Now();
    if (now >= deadline) return absl::DeadlineExceededError("placement still needs this worker");
    const absl::Time silent = impl_->last_answer + impl_->options.release_patience;
    if (now > silent) return absl::UnavailableError("placement does not answer");
    impl_->left.wait_for(lock, absl::ToChronoNanoseconds(std::min(deadline, silent) - now));
  }
  return absl::OkStatus();
}

absl::Status PlacementClient::Deregister() {
  std::unique_lock lock(impl_->mutex);
  impl_->leaving = true;
  impl_->nudged = true;
  impl_->wake.notify_all();
  if (!impl_->left.wait_for(lock, kDeregisterTimeout, [this] { return impl_->leave_result.has_value(); })) {
    return absl::DeadlineExceededError(absl::StrCat("placement at ", impl_->options.address, " did not confirm the departure"));
  }
  return *impl_->leave_result;
}

}  // namespace baleen
