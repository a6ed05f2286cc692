// AMX's matrix registers: how they are set up, and what GCC must be told. Only for files compiled for AMX.
#ifndef BALEEN_KERNELS_CPU_TILE_REGISTERS_H_
#define BALEEN_KERNELS_CPU_TILE_REGISTERS_H_

#include <immintrin.h>

#include <cstdint>

namespace baleen::amx {

// A matrix register holds 16 rows of 64 bytes.
constexpr int kTileRows = 16;
constexpr int64_t kTileBytes = 1024;
constexpr int64_t kLine = 64;

// What _tile_loadconfig reads: rows of a whole line each, or none. Loading costs as much as ten products and clears all registers.
struct alignas(64) TileConfig {
  uint8_t palette = 1;
  uint8_t start_row = 0;
  uint8_t reserved[14] = {};
  uint16_t row_bytes[16] = {};
  uint8_t rows[16] = {};

  __attribute__((always_inline)) void SetRows(int tile, int64_t count) {
    rows[tile] = static_cast<uint8_t>(count);
    row_bytes[tile] = count == 0 ? 0 : static_cast<uint16_t>(kLine);
  }
  __attribute__((always_inline)) void Load() const { _tile_loadconfig(this); }
};

// GCC's tile loads do not say that they read memory: what was written before must be there.
__attribute__((always_inline)) inline void WritesBeforeLoads() { __asm__ volatile("" ::: "memory"); }

}  // namespace baleen::amx

#endif  // BALEEN_KERNELS_CPU_TILE_REGISTERS_H_
