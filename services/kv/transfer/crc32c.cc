#include "services/kv/transfer/crc32c.h"

#include <array>
#include <cstring>

#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

namespace baleen {
namespace {

constexpr uint32_t kPolynomial = 0x82f63b78u;  // Reflected.

// Slicing by 8: tables[k][b] is the CRC of byte b followed by k zero bytes.
using Tables = std::array<std::array<uint32_t, 256>, 8>;

constexpr Tables MakeTables() {
  Tables tables{};
  for (uint32_t byte = 0; byte < 256; ++byte) {
    uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1u) != 0 ? kPolynomial : 0u);
    tables[0][byte] = crc;
  }
  for (size_t k = 1; k < 8; ++k) {
    for (size_t byte = 0; byte < 256; ++byte) tables[k][byte] = (tables[k - 1][byte] >> 8) ^ tables[0][tables[k - 1][byte] & 0xffu];
  }
  return tables;
}

constexpr Tables kTables = MakeTables();

// Both take and give the register, which is the complement of the checksum.
uint32_t Portable(uint32_t crc, const std::byte* data, size_t size) {
  for (; size >= 8; data += 8, size -= 8) {
    uint64_t word;
    std::memcpy(&word, data, 8);
    word ^= crc;
    crc = 0;
    for (size_t k = 0; k < 8; ++k) crc ^= kTables[7 - k][(word >> (8 * k)) & 0xffu];
  }
  for (; size > 0; ++data, --size) crc = (crc >> 8) ^ kTables[0][(crc ^ static_cast<uint32_t>(*data)) & 0xffu];
  return crc;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) uint32_t Sse42(uint32_t crc, const std::byte* data, size_t size) {
  uint64_t wide = crc;
  for (; size >= 8; data += 8, size -= 8) {
    uint64_t word;
    std::memcpy(&word, data, 8);
    wide = _mm_crc32_u64(wide, word);
  }
  crc = static_cast<uint32_t>(wide);
  for (; size > 0; ++data, --size) crc = _mm_crc32_u8(crc, static_cast<uint8_t>(*data));
  return crc;
}
#endif

using Update = uint32_t (*)(uint32_t, const std::byte*, size_t);

Update Fastest() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("sse4.2")) return Sse42;
#endif
  return Portable;
}

}  // namespace

uint32_t Crc32c(const std::byte* data, size_t size) {
  static const Update update = Fastest();
  return ~update(~0u, data, size);
}

uint32_t PortableCrc32c(const std::byte* data, size_t size) { return ~Portable(~0u, data, size); }

}  // namespace baleen
