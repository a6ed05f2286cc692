// Philox-4x32-10 (Salmon, Moraes, Dror, Shaw: Parallel random numbers: as easy as 1, 2, 3; SC 2011): a random number is a function of its
// key and counter, so no state travels with a request.
#ifndef BALEEN_MODEL_SAMPLING_PHILOX_H_
#define BALEEN_MODEL_SAMPLING_PHILOX_H_

#include <array>
#include <cstdint>

namespace baleen {

constexpr std::array<uint32_t, 4> Philox4x32(std::array<uint32_t, 4> counter, std::array<uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    const uint64_t first = uint64_t{0xD2511F53u} * counter[0];
    const uint64_t second = uint64_t{0xCD9E8D57u} * counter[2];
    counter = {static_cast<uint32_t>(second >> 32) ^ counter[1] ^ key[0], static_cast<uint32_t>(second),
               static_cast<uint32_t>(first >> 32) ^ counter[3] ^ key[1], static_cast<uint32_t>(first)};
    key = {key[0] + 0x9E3779B9u, key[1] + 0xBB67AE85u};
  }
  return counter;
}

// Uniform in [0, 1), 53 bits.
constexpr double PhiloxUniform(uint64_t seed, uint32_t choice, uint64_t position) {
  const std::array<uint32_t, 4> words = Philox4x32({static_cast<uint32_t>(position), static_cast<uint32_t>(position >> 32), choice, 0},
                                                   {static_cast<uint32_t>(seed), static_cast<uint32_t>(seed >> 32)});
  const uint64_t bits = static_cast<uint64_t>(words[0]) << 21 | words[1] >> 11;
  return static_cast<double>(bits) * 0x1p-53;
}

}  // namespace baleen

#endif  // BALEEN_MODEL_SAMPLING_PHILOX_H_
