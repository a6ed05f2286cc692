#include "transport/ucx/ucx_handles.h"

#include <ucs/config/global_opts.h>

#include <cstdlib>
#include <mutex>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"

namespace baleen {

namespace {

absl::Status Check(absl::string_view what, ucs_status_t status) {
  return status == UCS_OK ? absl::OkStatus() : ToUnavailable(what, status);
}

void SetUpOnce() {
  static std::once_flag once;
  std::call_once(once, [] {
    for (const auto& [name, value] : UcxEnvironment()) setenv(name.c_str(), value.c_str(), /*overwrite=*/0);
    // UCX writes to standard output, and says of a peer that died what the transport reports anyway.
    if (std::getenv("UCX_LOG_LEVEL") == nullptr) ucs_global_opts_set_value("LOG_LEVEL", "fatal");
  });
}

absl::Status OpenContext(const UcxOptions& options, UcxContext* context) {
  ASSIGN_OR_RETURN(const UcxConfig settings, UcxConfigOf(options));
  ucp_config_t* config = nullptr;
  RETURN_IF_ERROR(Check("configuration", ucp_config_read(nullptr, nullptr, &config)));
  const std::unique_ptr<ucp_config_t, void (*)(ucp_config_t*)> owner(config, ucp_config_release);
  for (const auto& [name, value] : settings) {
    RETURN_IF_ERROR(Check(absl::StrCat(name, "=", value), ucp_config_modify(config, name.c_str(), value.c_str())));
  }
  ucp_params_t params{};
  params.field_mask = UCP_PARAM_FIELD_FEATURES | UCP_PARAM_FIELD_MT_WORKERS_SHARED;
  params.features = UCP_FEATURE_AM | UCP_FEATURE_WAKEUP;
  params.mt_workers_shared = 1;  // Ports are opened while others are moved on.
  return Check(absl::StrCat("devices ", options.devices), ucp_init(&params, config, &context->handle));
}

absl::Status OpenWorker(UcxPort* port) {
  ucp_worker_params_t params{};
  params.field_mask = UCP_WORKER_PARAM_FIELD_THREAD_MODE;
  params.thread_mode = UCS_THREAD_MODE_SERIALIZED;
  RETURN_IF_ERROR(Check("worker", ucp_worker_create(port->context->handle, &params, &port->worker)));
  RETURN_IF_ERROR(Check("event descriptor", ucp_worker_get_efd(port->worker, &port->event_fd)));
  ucp_address_t* address = nullptr;
  size_t size = 0;
  RETURN_IF_ERROR(Check("worker address", ucp_worker_get_address(port->worker, &address, &size)));
  port->address.assign(reinterpret_cast<const char*>(address), size);
  ucp_worker_release_address(port->worker, address);
  return absl::OkStatus();
}

}  // namespace

absl::Status ToUnavailable(absl::string_view what, ucs_status_t status) {
  return absl::UnavailableError(absl::StrCat("UCX: ", what, ": ", ucs_status_string(status)));
}

UcxContext::~UcxContext() {
  if (handle != nullptr) ucp_cleanup(handle);
}

UcxPort::~UcxPort() {
  if (worker != nullptr) ucp_worker_destroy(worker);
}

absl::StatusOr<std::shared_ptr<const UcxContext>> OpenUcx(const UcxOptions& options) {
  if (options.encryption_required) {
    return absl::FailedPreconditionError("UCX has no encryption, and this process may not send without");
  }
  SetUpOnce();
  auto context = std::make_shared<UcxContext>();
  RETURN_IF_ERROR(OpenContext(options, context.get()));
  return context;
}

absl::StatusOr<std::shared_ptr<UcxPort>> OpenPort(std::shared_ptr<const UcxContext> context) {
  auto port = std::make_shared<UcxPort>();
  port->context = std::move(context);
  RETURN_IF_ERROR(OpenWorker(port.get()));
  return port;
}

}  // namespace baleen
