// The client's end of UcxControl.Open.
#ifndef BALEEN_TRANSPORT_UCX_UCX_CONTROL_CALL_H_
#define BALEEN_TRANSPORT_UCX_UCX_CONTROL_CALL_H_

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <grpcpp/support/client_callback.h>

#include <functional>
#include <memory>
#include <mutex>

#include "proto/baleen/v1/ucx.grpc.pb.h"

namespace baleen {

// On gRPC's threads, one at a time.
struct UcxControlEvents {
  std::function<void(const v1::UcxAcceptance&)> on_accepted;  // At most once.
  std::function<void(const grpc::Status&)> on_done;           // Exactly once and last; gRPC is done with the call.
};

// Keeps itself alive from Start to on_done. Thread-safe.
class UcxControlCall final : public grpc::ClientBidiReactor<v1::UcxOffer, v1::UcxAcceptance>,
                             public std::enable_shared_from_this<UcxControlCall> {
 public:
  explicit UcxControlCall(UcxControlEvents events);
  void Start(const std::shared_ptr<grpc::Channel>& channel, v1::UcxOffer offer);
  // on_done follows, or, if it comes before Start, soon after that.
  void Cancel();

 private:
  void OnReadDone(bool ok) override;
  void OnDone(const grpc::Status& status) override;

  v1::UcxOffer offer_;
  UcxControlEvents events_;
  v1::UcxAcceptance acceptance_;
  bool accepted_ = false;
  std::unique_ptr<v1::UcxControl::Stub> stub_;
  std::mutex mu_;
  std::unique_ptr<grpc::ClientContext> context_ = std::make_unique<grpc::ClientContext>();  // Until OnDone.
  std::shared_ptr<UcxControlCall> self_;
};

}  // namespace baleen

#endif  // BALEEN_TRANSPORT_UCX_UCX_CONTROL_CALL_H_
