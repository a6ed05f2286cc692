#include "tests/chaos/crowd/sample.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"

namespace baleen {
namespace {

std::string Microseconds(double seconds) { return absl::StrFormat("%.6f", seconds); }

void AppendSample(std::string* json, const Sample& sample) {
  absl::StrAppend(json, "[", Microseconds(sample.begun), ",", sample.first_s ? Microseconds(*sample.first_s) : "null", ",",
                  Microseconds(sample.took_s), ",", sample.status, ",", sample.answered ? "true" : "false", ",",
                  sample.retry_after_s ? absl::StrCat(*sample.retry_after_s) : "null", "]");
}

}  // namespace

std::string SamplesToJson(double cpu_s, const std::vector<Sample>& samples) {
  return absl::StrCat("{\"cpu_s\":", Microseconds(cpu_s), ",\"samples\":[", absl::StrJoin(samples, ",", AppendSample), "]}");
}

}  // namespace baleen
