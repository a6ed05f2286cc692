// The flags of workers that stream to each other: --transport --ucx_devices.
#ifndef BALEEN_SERVICES_COMMON_TRANSPORT_FLAGS_H_
#define BALEEN_SERVICES_COMMON_TRANSPORT_FLAGS_H_

#include "services/common/worker_transport.h"

namespace baleen {

// As the flags say; WorkerTransport::Create checks them.
WorkerTransportOptions TransportOptionsFromFlags();

}  // namespace baleen

#endif  // BALEEN_SERVICES_COMMON_TRANSPORT_FLAGS_H_
