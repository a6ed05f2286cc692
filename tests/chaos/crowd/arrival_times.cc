#include "tests/chaos/crowd/arrival_times.h"

#include <cmath>
#include <cstdint>
#include <random>

namespace baleen {

std::vector<double> ArrivalTimes(double rate, double seconds, const std::string& seed) {
  std::seed_seq words(seed.begin(), seed.end());
  std::mt19937_64 random(words);
  // The standard library's distributions differ from one to the next. Above 0, so that it has a logarithm.
  const auto uniform = [&random] { return (static_cast<double>(random() >> 11) + 0.5) * 0x1p-53; };
  std::vector<double> times;
  for (double at = -std::log(uniform()) / rate; at < seconds; at -= std::log(uniform()) / rate) times.push_back(at);
  return times;
}

}  // namespace baleen
