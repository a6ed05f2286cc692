// UCX's context and workers, owned.
#ifndef BALEEN_TRANSPORT_UCX_UCX_HANDLES_H_
#define BALEEN_TRANSPORT_UCX_UCX_HANDLES_H_

#include <ucp/api/ucp.h>

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "transport/ucx/ucx_options.h"

namespace baleen {

struct UcxContext {
  UcxContext() = default;
  UcxContext(const UcxContext&) = delete;
  ~UcxContext();

  ucp_context_h handle = nullptr;
};

// A worker of UCX's: what peers write to, and what paths to them start from. Its caller keeps calls apart, also from its destruction.
struct UcxPort {
  UcxPort() = default;
  UcxPort(const UcxPort&) = delete;
  ~UcxPort();

  std::shared_ptr<const UcxContext> context;
  ucp_worker_h worker = nullptr;
  int event_fd = -1;    // UCX closes it.
  std::string address;  // What a peer needs to reach it.
};

// As UcxWorker::Create says. The first call sets variables of the environment, so it comes before threads that read it.
absl::StatusOr<std::shared_ptr<const UcxContext>> OpenUcx(const UcxOptions& options);

// UNAVAILABLE names what UCX could not do. Thread-safe.
absl::StatusOr<std::shared_ptr<UcxPort>> OpenPort(std::shared_ptr<const UcxContext> context);

absl::Status ToUnavailable(absl::string_view what, ucs_status_t status);

}  // namespace baleen

#endif  // BALEEN_TRANSPORT_UCX_UCX_HANDLES_H_
