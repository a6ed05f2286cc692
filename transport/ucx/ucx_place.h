// Where an end of a stream runs, as far as shared memory cares.
#ifndef BALEEN_TRANSPORT_UCX_UCX_PLACE_H_
#define BALEEN_TRANSPORT_UCX_UCX_PLACE_H_

#include <string>

#include "transport/ucx/ucx_options.h"

namespace baleen {

struct UcxPlace {
  std::string host;  // The kernel's boot id.
  std::string network_namespace;
};

// Of this process; empty without shared memory.
UcxPlace ThisPlace(const UcxOptions& options);

// Whether two ends would write into each other's memory without being able to wake each other: UCX finds shared memory by host, but its
// wake-up calls go to abstract Unix sockets, which belong to a network namespace.
bool CannotWake(const UcxPlace& one, const UcxPlace& other);

}  // namespace baleen

#endif  // BALEEN_TRANSPORT_UCX_UCX_PLACE_H_
