// An amount of work: what the cluster can run, or what somebody runs.
#ifndef BALEEN_SERVICES_GATEWAY_ADMISSION_ADMISSION_CAPACITY_H_
#define BALEEN_SERVICES_GATEWAY_ADMISSION_ADMISSION_CAPACITY_H_

#include <cstdint>

namespace baleen {

struct AdmissionCapacity {
  int64_t sequences = 0;  // A choice of a request is one.
  int64_t tokens = 0;     // Of KV, prompt and answer.

  friend bool operator==(const AdmissionCapacity&, const AdmissionCapacity&) = default;
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_GATEWAY_ADMISSION_ADMISSION_CAPACITY_H_
