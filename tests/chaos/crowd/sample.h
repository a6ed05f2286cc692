// What became of one request of a crowd.
#ifndef BALEEN_TESTS_CHAOS_CROWD_SAMPLE_H_
#define BALEEN_TESTS_CHAOS_CROWD_SAMPLE_H_

#include <optional>
#include <string>
#include <vector>

namespace baleen {

struct Sample {
  double begun = 0;  // Seconds of the monotonic clock.
  // Seconds from then on to the first event of a stream, and to the end.
  std::optional<double> first_s;
  double took_s = 0;
  int status = 0;         // HTTP's; 0 when no answer began.
  bool answered = false;  // In full.
  std::optional<int> retry_after_s;
};

// {"cpu_s":0.5,"samples":[[begun,first_s,took_s,status,answered,retry_after_s],...]}, null for what there is not.
std::string SamplesToJson(double cpu_s, const std::vector<Sample>& samples);

}  // namespace baleen

#endif  // BALEEN_TESTS_CHAOS_CROWD_SAMPLE_H_
