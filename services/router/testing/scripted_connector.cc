#include "services/router/testing/scripted_connector.h"

#include <utility>

#include "proto/baleen/v1/expert.pb.h"

namespace baleen {

absl::Status ScriptedStream::Send(Message message) {
  v1::ExpertCallHeader call;
  if (!call.ParseFromString(message.header)) return absl::InvalidArgumentError("malformed call header");
  if (call.call_id() == 0) {
    Answer(0, 0);
    return absl::OkStatus();
  }
  {
    std::lock_guard lock(mu_);
    call_id_ = call.call_id();
    if (!called_.HasBeenNotified()) called_.Notify();
  }
  released_.WaitForNotification();
  return absl::OkStatus();
}

void ScriptedStream::Close() {
  std::lock_guard lock(mu_);
  if (!closed_.HasBeenNotified()) closed_.Notify();
}

void ScriptedStream::Answer(uint64_t call_id, size_t bytes) {
  v1::ExpertReplyHeader reply;
  reply.set_call_id(call_id);
  handlers_.on_message({reply.SerializeAsString(), Payload::Own(std::vector<std::byte>(bytes))});
}

uint64_t ScriptedStream::call_id() {
  called_.WaitForNotification();
  std::lock_guard lock(mu_);
  return call_id_;
}

std::shared_ptr<Connection> ScriptedConnector::Connect(const std::string& /*address*/, const std::string& /*method*/,
                                                       StreamHandlers handlers) {
  std::lock_guard lock(mu_);
  streams_.push_back(std::make_shared<ScriptedStream>(std::move(handlers)));
  return streams_.back();
}

std::vector<std::shared_ptr<ScriptedStream>> ScriptedConnector::streams() const {
  std::lock_guard lock(mu_);
  return streams_;
}

}  // namespace baleen
