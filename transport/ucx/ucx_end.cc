#include "transport/ucx/ucx_end.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "transport/ucx/ucx_worker.h"

namespace baleen {

namespace {

// With a dozen devices it is a few hundred bytes.
constexpr size_t kMaxAddressBytes = 16 << 10;

}  // namespace

v1::UcxEnd ToWire(const UcxCoordinates& coordinates, const UcxPlace& here) {
  v1::UcxEnd end;
  end.set_ucx_version(UcxWorker::Version());
  end.set_worker_address(coordinates.worker_address);
  end.set_session(coordinates.session);
  end.set_token(coordinates.token.data(), coordinates.token.size());
  end.set_host(here.host);
  end.set_network_namespace(here.network_namespace);
  return end;
}

absl::StatusOr<UcxCoordinates> FromWire(const v1::UcxEnd& end, const UcxPlace& here) {
  UcxCoordinates coordinates;
  if (end.ucx_version() != UcxWorker::Version()) {
    return absl::FailedPreconditionError(absl::StrCat("this end has UCX ", UcxWorker::Version(), ", the peer another version"));
  }
  if (CannotWake(here, {.host = end.host(), .network_namespace = end.network_namespace()})) {
    return absl::FailedPreconditionError("shared memory does not wake a peer in another network namespace");
  }
  if (end.worker_address().empty()) return absl::FailedPreconditionError("the peer could not open a port of UCX");
  if (end.worker_address().size() > kMaxAddressBytes) {
    return absl::InvalidArgumentError(absl::StrCat("UCX worker address of ", end.worker_address().size(), " bytes"));
  }
  if (end.token().size() != coordinates.token.size()) {
    return absl::InvalidArgumentError(absl::StrCat("UCX token of ", end.token().size(), " bytes"));
  }
  coordinates.worker_address = end.worker_address();
  coordinates.session = end.session();
  std::copy(end.token().begin(), end.token().end(), coordinates.token.begin());
  return coordinates;
}

}  // namespace baleen
