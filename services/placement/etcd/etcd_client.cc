#include "services/placement/etcd/etcd_client.h"

#include <grpcpp/grpcpp.h>

#include <atomic>
#include <chrono>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "etcd/etcdserver/etcdserverpb/rpc.grpc.pb.h"
#include "services/placement/etcd/etcd_channel.h"

namespace baleen {
namespace {

namespace pb = etcdserverpb;

constexpr auto kCallTimeout = std::chrono::seconds(1);

// gRPC looks at its sockets while a call waits, else every five seconds: were calls to fail at once while there is no connection, each step
// of making one would take as long.
void SetDeadline(grpc::ClientContext& context) {
  context.set_deadline(std::chrono::system_clock::now() + kCallTimeout);
  context.set_wait_for_ready(true);
}

absl::Status ToStatus(const char* call, const grpc::Status& status) {
  if (status.ok()) return absl::OkStatus();
  return absl::Status(static_cast<absl::StatusCode>(status.error_code()), absl::StrCat("etcd ", call, ": ", status.error_message()));
}

// One member of the etcd cluster.
struct Member {
  Member(const std::string& address, const std::shared_ptr<grpc::ChannelCredentials>& credentials)
      : channel(MakeEtcdChannel(address, credentials)), kv(pb::KV::NewStub(channel)), lease(pb::Lease::NewStub(channel)) {}

  std::shared_ptr<grpc::Channel> channel;
  std::unique_ptr<pb::KV::Stub> kv;
  std::unique_ptr<pb::Lease::Stub> lease;
};

}  // namespace

struct EtcdClient::Impl {
  Impl(const std::string& addresses, const std::shared_ptr<grpc::ChannelCredentials>& credentials) {
    for (const absl::string_view address : absl::StrSplit(addresses, ',')) members.emplace_back(std::string(address), credentials);
  }

  const Member& member() const { return members[current]; }
  // A member that does not answer is left for the next one; the caller tries again.
  absl::Status Outcome(const char* call, const grpc::Status& status) {
    const bool silent = status.error_code() == grpc::StatusCode::UNAVAILABLE || status.error_code() == grpc::StatusCode::DEADLINE_EXCEEDED;
    if (silent) current = (current + 1) % members.size();
    return ToStatus(call, status);
  }

  std::vector<Member> members;
  std::atomic<size_t> current{0};
};

EtcdClient::EtcdClient(const std::string& addresses, std::shared_ptr<grpc::ChannelCredentials> credentials)
    : impl_(std::make_unique<Impl>(addresses, credentials)) {}
EtcdClient::~EtcdClient() = default;

absl::StatusOr<EtcdLease> EtcdClient::Grant(absl::Duration ttl) {
  grpc::ClientContext context;
  SetDeadline(context);
  pb::LeaseGrantRequest request;
  request.set_ttl(absl::ToInt64Seconds(ttl));
  pb::LeaseGrantResponse reply;
  const absl::Status status = impl_->Outcome("LeaseGrant", impl_->member().lease->LeaseGrant(&context, request, &reply));
  if (!status.ok()) return status;
  return EtcdLease{reply.id(), absl::Seconds(reply.ttl())};
}

absl::StatusOr<absl::Duration> EtcdClient::KeepAlive(int64_t lease) {
  grpc::ClientContext context;
  SetDeadline(context);
  const auto stream = impl_->member().lease->LeaseKeepAlive(&context);
  pb::LeaseKeepAliveRequest request;
  request.set_id(lease);
  pb::LeaseKeepAliveResponse reply;
  const bool answered = stream->Write(request) && stream->Read(&reply);
  stream->WritesDone();
  if (!answered) {
    const absl::Status status = impl_->Outcome("LeaseKeepAlive", stream->Finish());
    return status.ok() ? absl::UnavailableError("etcd LeaseKeepAlive: the stream ended without an answer") : status;
  }
  context.TryCancel();
  (void)stream->Finish();
  if (reply.ttl() <= 0) return absl::NotFoundError("etcd LeaseKeepAlive: the lease has ended");
  return absl::Seconds(reply.ttl());
}

absl::Status EtcdClient::Revoke(int64_t lease) {
  grpc::ClientContext context;
  SetDeadline(context);
  pb::LeaseRevokeRequest request;
  request.set_id(lease);
  pb::LeaseRevokeResponse reply;
  return impl_->Outcome("LeaseRevoke", impl_->member().lease->LeaseRevoke(&context, request, &reply));
}

absl::StatusOr<EtcdValue> EtcdClient::Get(const std::string& key) {
  grpc::ClientContext context;
  SetDeadline(context);
  pb::RangeRequest request;
  request.set_key(key);
  pb::RangeResponse reply;
  const absl::Status status = impl_->Outcome("Range", impl_->member().kv->Range(&context, request, &reply));
  if (!status.ok()) return status;
  if (reply.kvs().empty()) return EtcdValue();
  const auto& found = reply.kvs(0);
  return EtcdValue{found.value(), found.create_revision(), found.mod_revision(), found.lease()};
}

absl::StatusOr<std::optional<int64_t>> EtcdClient::PutIf(const EtcdPut& put) {
  grpc::ClientContext context;
  SetDeadline(context);
  pb::TxnRequest request;
  pb::Compare& expected = *request.add_compare();
  expected.set_key(put.key);
  expected.set_target(pb::Compare::MOD);
  expected.set_result(pb::Compare::EQUAL);
  expected.set_mod_revision(put.expected_mod_revision);
  if (!put.guard_key.empty()) {
    pb::Compare& guard = *request.add_compare();
    guard.set_key(put.guard_key);
    guard.set_target(pb::Compare::CREATE);
    guard.set_result(pb::Compare::EQUAL);
    guard.set_create_revision(put.guard_create_revision);
  }
  pb::PutRequest& write = *request.add_success()->mutable_request_put();
  write.set_key(put.key);
  write.set_value(put.value);
  write.set_lease(put.lease);
  pb::TxnResponse reply;
  const absl::Status status = impl_->Outcome("Txn", impl_->member().kv->Txn(&context, request, &reply));
  if (!status.ok()) return status;
  if (!reply.succeeded()) return std::optional<int64_t>();
  return std::optional<int64_t>(reply.header().revision());
}

}  // namespace baleen
