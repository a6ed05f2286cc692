// The parts that all runs of a process share.
#ifndef BALEEN_TESTS_SIMULATION_SHARED_PARTS_H_
#define BALEEN_TESTS_SIMULATION_SHARED_PARTS_H_

#include "tests/simulation/world.h"

namespace baleen {

// Loads the shipped tokenizer from the working directory, aborts without it, and silences logs below errors. Lives as long as the process.
const SharedParts& GetSharedParts();

}  // namespace baleen

#endif  // BALEEN_TESTS_SIMULATION_SHARED_PARTS_H_
