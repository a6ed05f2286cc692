// UCX's context and worker, owned.
#ifndef BALEEN_TRANSPORT_UCX_UCX_HANDLES_H_
#define BALEEN_TRANSPORT_UCX_UCX_HANDLES_H_

#include <ucp/api/ucp.h>

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "transport/ucx/ucx_options.h"

namespace baleen {

struct UcxHandles {
  UcxHandles() = default;
  UcxHandles(const UcxHandles&) = delete;
  ~UcxHandles();

  ucp_context_h context = nullptr;
  ucp_worker_h worker = nullptr;  // Its caller keeps calls apart.
  int event_fd = -1;              // The worker's; UCX closes it.
  std::string address;            // The worker's.
};

// As UcxWorker::Create says. The first call sets variables of the environment, so it comes before threads that read it.
absl::StatusOr<std::unique_ptr<UcxHandles>> OpenUcx(const UcxOptions& options);

absl::Status ToUnavailable(absl::string_view what, ucs_status_t status);

}  // namespace baleen

#endif  // BALEEN_TRANSPORT_UCX_UCX_HANDLES_H_
