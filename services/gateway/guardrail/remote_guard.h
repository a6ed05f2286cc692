// A guard that is a service of its own, baleen.v1.Guardrail.
#ifndef BALEEN_SERVICES_GATEWAY_GUARDRAIL_REMOTE_GUARD_H_
#define BALEEN_SERVICES_GATEWAY_GUARDRAIL_REMOTE_GUARD_H_

#include <grpcpp/security/credentials.h>

#include <memory>
#include <string>

#include "absl/time/time.h"
#include "services/gateway/guardrail/guard.h"

namespace baleen {

struct RemoteGuardOptions {
  std::string address;  // host:port
  std::string model;    // What the guard is told.
  absl::Duration timeout = absl::Seconds(1);
  std::shared_ptr<grpc::ChannelCredentials> credentials = {};  // Null = plaintext.
};

// One call a request. A call that breaks is made again with the same texts while the oldest check's timeout lasts, at most three times in a
// row without an answer; then its checks fail with the call's status, a check that waits longer than `timeout` with DEADLINE_EXCEEDED, and
// all later ones of the request at once. The request's texts are kept for that until its session goes.
std::unique_ptr<Guard> MakeRemoteGuard(RemoteGuardOptions options);

}  // namespace baleen

#endif  // BALEEN_SERVICES_GATEWAY_GUARDRAIL_REMOTE_GUARD_H_
