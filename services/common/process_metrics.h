// What Prometheus dashboards expect of every process, read from /proc, and whether it is ready.
#ifndef BALEEN_SERVICES_COMMON_PROCESS_METRICS_H_
#define BALEEN_SERVICES_COMMON_PROCESS_METRICS_H_

#include <prometheus/metric_family.h>

#include <vector>

namespace baleen {

// baleen_ready and, under the names of Prometheus' client libraries, process_cpu_seconds_total, process_resident_memory_bytes,
// process_open_fds, process_max_fds and process_start_time_seconds. What /proc does not tell is left out. Thread-safe.
std::vector<prometheus::MetricFamily> CollectProcessMetrics(bool ready);

}  // namespace baleen

#endif  // BALEEN_SERVICES_COMMON_PROCESS_METRICS_H_
