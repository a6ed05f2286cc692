// Whether the sequences of a decode worker that leaves can go on elsewhere.
#ifndef BALEEN_SERVICES_ATTENTION_DECODE_SUCCESSOR_H_
#define BALEEN_SERVICES_ATTENTION_DECODE_SUCCESSOR_H_

#include <string>

namespace baleen {

namespace v1 {
class ClusterMap;
}

// Whether `map` has a decode worker that is ready, does not drain and computes by these numerics, other than `leaving`, a worker's id.
bool HasSuccessor(const v1::ClusterMap& map, const std::string& leaving, const std::string& numerics_id);

}  // namespace baleen

#endif  // BALEEN_SERVICES_ATTENTION_DECODE_SUCCESSOR_H_
