#include "services/placement/etcd/etcd_watch.h"

#include <grpcpp/grpcpp.h>

#include <condition_variable>
#include <utility>

#include "absl/strings/str_split.h"
#include "etcd/etcdserver/etcdserverpb/rpc.grpc.pb.h"
#include "services/placement/etcd/etcd_channel.h"

namespace baleen {

namespace pb = etcdserverpb;

// One Watch call. Lives until gRPC is done with it and nobody holds it.
class EtcdWatch::Stream final : public grpc::ClientBidiReactor<pb::WatchRequest, pb::WatchResponse> {
 public:
  static std::shared_ptr<Stream> Open(pb::Watch::Stub& stub, const std::string& key, std::function<void()> changed) {
    std::shared_ptr<Stream> stream(new Stream(key, std::move(changed)));
    stream->self_ = stream;
    stub.async()->Watch(stream->context_.get(), stream.get());
    stream->StartWrite(&stream->request_);
    stream->StartRead(&stream->response_);
    stream->StartCall();
    return stream;
  }

  bool over() {
    const std::lock_guard<std::mutex> lock(mutex_);
    return over_;
  }

  // Returns when no call of `changed` follows.
  void Close() {
    std::unique_lock<std::mutex> lock(mutex_);
    if (context_ != nullptr) context_->TryCancel();
    ended_.wait(lock, [this] { return over_; });
  }

  void OnReadDone(bool ok) override {
    if (!ok) return;
    if (!response_.events().empty()) changed_();
    // The watch is gone, though its stream is not.
    response_.canceled() ? Cancel() : StartRead(&response_);
  }

  void OnDone(const grpc::Status&) override {
    const std::shared_ptr<Stream> self = std::move(self_);
    const std::lock_guard<std::mutex> lock(mutex_);
    context_.reset();  // It has the channel, which must not go in a callback: before whoever owns the channel goes on.
    over_ = true;
    ended_.notify_all();
  }

 private:
  void Cancel() {
    const std::lock_guard<std::mutex> lock(mutex_);
    context_->TryCancel();
  }

  Stream(const std::string& key, std::function<void()> changed) : changed_(std::move(changed)) {
    request_.mutable_create_request()->set_key(key);
    context_->set_wait_for_ready(true);
  }

  const std::function<void()> changed_;
  pb::WatchRequest request_;
  pb::WatchResponse response_;
  std::shared_ptr<Stream> self_;  // Until gRPC is done with it.
  std::mutex mutex_;              // Guards what follows.
  std::condition_variable ended_;
  std::unique_ptr<grpc::ClientContext> context_ = std::make_unique<grpc::ClientContext>();  // Until the call's end.
  bool over_ = false;
};

struct EtcdWatch::Member {
  std::shared_ptr<grpc::Channel> channel;
  std::unique_ptr<pb::Watch::Stub> stub;
};

EtcdWatch::EtcdWatch(const std::string& addresses, std::shared_ptr<grpc::ChannelCredentials> credentials, std::string key,
                     std::function<void()> changed)
    : key_(std::move(key)), changed_(std::move(changed)) {
  for (const absl::string_view address : absl::StrSplit(addresses, ',')) {
    std::shared_ptr<grpc::Channel> channel = MakeEtcdChannel(std::string(address), credentials);
    members_.push_back({channel, pb::Watch::NewStub(channel)});
  }
}

EtcdWatch::~EtcdWatch() {
  if (stream_ != nullptr) stream_->Close();
}

void EtcdWatch::Renew() {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (stream_ != nullptr && !stream_->over()) return;
  stream_ = Stream::Open(*members_[next_++ % members_.size()].stub, key_, changed_);
}

}  // namespace baleen
