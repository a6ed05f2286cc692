// When requests come that do not wait for each other.
#ifndef BALEEN_TESTS_CHAOS_CROWD_ARRIVAL_TIMES_H_
#define BALEEN_TESTS_CHAOS_CROWD_ARRIVAL_TIMES_H_

#include <string>
#include <vector>

namespace baleen {

// Ascending times within [0, seconds): a Poisson process of `rate` a second, drawn by the seed, the same ones wherever it is built.
std::vector<double> ArrivalTimes(double rate, double seconds, const std::string& seed);

}  // namespace baleen

#endif  // BALEEN_TESTS_CHAOS_CROWD_ARRIVAL_TIMES_H_
