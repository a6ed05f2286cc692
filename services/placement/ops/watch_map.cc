#include "services/placement/ops/watch_map.h"

#include <mutex>
#include <utility>

namespace baleen {
namespace {

class MapWatch : public grpc::ServerWriteReactor<v1::ClusterMap> {
 public:
  explicit MapWatch(Cluster& cluster) : cluster_(cluster) {
    const absl::StatusOr<uint64_t> handle = cluster_.Watch([this](const MapPtr& map) { Offer(map); });
    if (handle.ok()) {
      handle_ = *handle;
    } else {
      std::lock_guard lock(mutex_);
      finished_ = true;
      Finish(grpc::Status(grpc::StatusCode::RESOURCE_EXHAUSTED, std::string(handle.status().message())));
    }
  }

  void OnWriteDone(bool ok) override {
    std::lock_guard lock(mutex_);
    writing_ = nullptr;
    if (ok && !finished_ && waiting_ != nullptr) Write(std::exchange(waiting_, nullptr));
  }

  void OnCancel() override {
    std::lock_guard lock(mutex_);
    if (!std::exchange(finished_, true)) Finish(grpc::Status::CANCELLED);
  }

  void OnDone() override {
    if (handle_ != 0) cluster_.Unwatch(handle_);
    delete this;
  }

 private:
  void Offer(const MapPtr& map) {
    std::lock_guard lock(mutex_);
    if (finished_) return;
    if (writing_ == nullptr) {
      Write(map);
    } else {
      waiting_ = map;
    }
  }

  void Write(MapPtr map) {
    writing_ = std::move(map);
    StartWrite(writing_.get());
  }

  Cluster& cluster_;
  uint64_t handle_ = 0;
  std::mutex mutex_;  // Guards what follows.
  bool finished_ = false;
  MapPtr writing_;
  MapPtr waiting_;
};

class RefusedWatch : public grpc::ServerWriteReactor<v1::ClusterMap> {
 public:
  explicit RefusedWatch(const absl::Status& status) {
    Finish(grpc::Status(static_cast<grpc::StatusCode>(status.raw_code()), std::string(status.message())));
  }
  void OnDone() override { delete this; }
};

}  // namespace

grpc::ServerWriteReactor<v1::ClusterMap>* StartWatchMap(Cluster& cluster) { return new MapWatch(cluster); }

grpc::ServerWriteReactor<v1::ClusterMap>* RefuseWatchMap(const absl::Status& status) { return new RefusedWatch(status); }

}  // namespace baleen
