// How tiles lie in shared memory, as the copy engine writes and the tensor cores read them: rows of 128 bytes, 128-byte swizzle.
#ifndef BALEEN_KERNELS_CUDA_BASE_SWIZZLE_H_
#define BALEEN_KERNELS_CUDA_BASE_SWIZZLE_H_

#include <cstdint>

#include "kernels/host_device.h"

namespace baleen::cuda {

inline constexpr uint32_t kSwizzleRowBytes = 128;
// Tiles begin at multiples of this: 8 rows, after which the pattern repeats.
inline constexpr uint32_t kSwizzleAtomBytes = 1024;

// Where byte `byte` (of 128) of row `row` lies, from the tile's begin: the eight 16-byte chunks of a row change places by row % 8.
BALEEN_HOST_DEVICE constexpr uint32_t SwizzledOffset(uint32_t row, uint32_t byte) {
  return row * kSwizzleRowBytes + (byte ^ (row % 8) << 4);
}

// A matrix descriptor of wgmma (PTX ISA, "Matrix Descriptor"): bits 0-13 address, 16-29 leading and 32-45 stride offset, all in units of
// 16 bytes; bits 62-63 = 1 for the 128-byte swizzle.
BALEEN_HOST_DEVICE constexpr uint64_t MatrixDescriptor(uint32_t address, uint32_t leading_bytes, uint32_t stride_bytes) {
  return (uint64_t{address} & 0x3ffffu) >> 4 | (uint64_t{leading_bytes} >> 4) << 16 | (uint64_t{stride_bytes} >> 4) << 32 |
         uint64_t{1} << 62;
}

// Of a tile whose rows run along K; the leading offset does not count. 32 bytes further along K is address + 32.
BALEEN_HOST_DEVICE constexpr uint64_t RowsAlongK(uint32_t address) { return MatrixDescriptor(address, 16, kSwizzleAtomBytes); }

// Of tiles whose rows run along N (64 BF16 values each), one row a step of K: `tile_bytes` from one 64 of N to the next.
// 8 steps of K further is address + kSwizzleAtomBytes.
BALEEN_HOST_DEVICE constexpr uint64_t RowsAlongN(uint32_t address, uint32_t tile_bytes) {
  return MatrixDescriptor(address, tile_bytes, kSwizzleAtomBytes);
}

// The same tile `bytes` (a multiple of 16) further; the address has room for all of shared memory, so nothing carries, and the upper half
// stays what the compiler may know.
BALEEN_HOST_DEVICE constexpr uint64_t Advance(uint64_t descriptor, uint32_t bytes) {
  return (descriptor & ~uint64_t{0xffffffffu}) | (static_cast<uint32_t>(descriptor) + (bytes >> 4));
}

}  // namespace baleen::cuda

#endif  // BALEEN_KERNELS_CUDA_BASE_SWIZZLE_H_
