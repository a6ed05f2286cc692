// Matrix products of a warpgroup (see wgmma.cuh) of which both operands have rows along K: sums = A B^T, plus what they were unless
// `fresh`. Overloads by the number of sums that a thread holds, half of B's rows.
#ifndef BALEEN_KERNELS_CUDA_PTX_WGMMA_ALONG_K_CUH_
#define BALEEN_KERNELS_CUDA_PTX_WGMMA_ALONG_K_CUH_

#include <cstdint>

// The operands of 8, 16, 32, 64 and 96 sums, and their names in the instruction.
#define BALEEN_SUMS_8(s, i) \
  "+f"(s[i]), "+f"(s[i + 1]), "+f"(s[i + 2]), "+f"(s[i + 3]), "+f"(s[i + 4]), "+f"(s[i + 5]), "+f"(s[i + 6]), "+f"(s[i + 7])
#define BALEEN_SUMS_16(s, i) BALEEN_SUMS_8(s, i), BALEEN_SUMS_8(s, i + 8)
#define BALEEN_SUMS_32(s, i) BALEEN_SUMS_16(s, i), BALEEN_SUMS_16(s, i + 16)
#define BALEEN_SUMS_64(s, i) BALEEN_SUMS_32(s, i), BALEEN_SUMS_32(s, i + 32)
#define BALEEN_SUMS_96(s, i) BALEEN_SUMS_64(s, i), BALEEN_SUMS_32(s, i + 64)
#define BALEEN_NAMES_8 "%0, %1, %2, %3, %4, %5, %6, %7"
#define BALEEN_NAMES_16 BALEEN_NAMES_8 ", %8, %9, %10, %11, %12, %13, %14, %15"
#define BALEEN_NAMES_32 BALEEN_NAMES_16 ", %16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31"
#define BALEEN_NAMES_64                                                                                   \
  BALEEN_NAMES_32                                                                                         \
  ", %32, %33, %34, %35, %36, %37, %38, %39, %40, %41, %42, %43, %44, %45, %46, %47, %48, %49, %50, %51," \
  " %52, %53, %54, %55, %56, %57, %58, %59, %60, %61, %62, %63"
#define BALEEN_NAMES_96                                                                                   \
  BALEEN_NAMES_64                                                                                         \
  ", %64, %65, %66, %67, %68, %69, %70, %71, %72, %73, %74, %75, %76, %77, %78, %79, %80, %81, %82, %83," \
  " %84, %85, %86, %87, %88, %89, %90, %91, %92, %93, %94, %95"

// a, b and fresh are the names of the operands behind the sums.
#define BALEEN_PRODUCT(shape, sums, a, b, fresh, flags)                          \
  "{\n"                                                                          \
  ".reg .pred add;\n"                                                            \
  "setp.eq.b32 add, " fresh                                                      \
  ", 0;\n"                                                                       \
  "wgmma.mma_async.sync.aligned." shape " {" sums "}, " a ", " b ", add, " flags \
  ";\n"                                                                          \
  "}"

namespace baleen::cuda {

// 64 x 16, 32, 64, 128 and 192, 32 of K, FP8-E4M3.
__device__ inline void MultiplyE4m3(float (&sums)[8], uint64_t a, uint64_t b, bool fresh) {
  asm volatile(BALEEN_PRODUCT("m64n16k32.f32.e4m3.e4m3", BALEEN_NAMES_8, "%8", "%9", "%10", "1, 1")
               : BALEEN_SUMS_8(sums, 0)
               : "l"(a), "l"(b), "r"(static_cast<int>(fresh)));
}
__device__ inline void MultiplyE4m3(float (&sums)[16], uint64_t a, uint64_t b, bool fresh) {
  asm volatile(BALEEN_PRODUCT("m64n32k32.f32.e4m3.e4m3", BALEEN_NAMES_16, "%16", "%17", "%18", "1, 1")
               : BALEEN_SUMS_16(sums, 0)
               : "l"(a), "l"(b), "r"(static_cast<int>(fresh)));
}
__device__ inline void MultiplyE4m3(float (&sums)[32], uint64_t a, uint64_t b, bool fresh) {
  asm volatile(BALEEN_PRODUCT("m64n64k32.f32.e4m3.e4m3", BALEEN_NAMES_32, "%32", "%33", "%34", "1, 1")
               : BALEEN_SUMS_32(sums, 0)
               : "l"(a), "l"(b), "r"(static_cast<int>(fresh)));
}
__device__ inline void MultiplyE4m3(float (&sums)[64], uint64_t a, uint64_t b, bool fresh) {
  asm volatile(BALEEN_PRODUCT("m64n128k32.f32.e4m3.e4m3", BALEEN_NAMES_64, "%64", "%65", "%66", "1, 1")
               : BALEEN_SUMS_64(sums, 0)
               : "l"(a), "l"(b), "r"(static_cast<int>(fresh)));
}
__device__ inline void MultiplyE4m3(float (&sums)[96], uint64_t a, uint64_t b, bool fresh) {
  asm volatile(BALEEN_PRODUCT("m64n192k32.f32.e4m3.e4m3", BALEEN_NAMES_96, "%96", "%97", "%98", "1, 1")
               : BALEEN_SUMS_96(sums, 0)
               : "l"(a), "l"(b), "r"(static_cast<int>(fresh)));
}

// 64 x 16, 32, 64 and 128, 16 of K, BF16.
__device__ inline void MultiplyBf16(float (&sums)[8], uint64_t a, uint64_t b, bool fresh) {
  asm volatile(BALEEN_PRODUCT("m64n16k16.f32.bf16.bf16", BALEEN_NAMES_8, "%8", "%9", "%10", "1, 1, 0, 0")
               : BALEEN_SUMS_8(sums, 0)
               : "l"(a), "l"(b), "r"(static_cast<int>(fresh)));
}
__device__ inline void MultiplyBf16(float (&sums)[16], uint64_t a, uint64_t b, bool fresh) {
  asm volatile(BALEEN_PRODUCT("m64n32k16.f32.bf16.bf16", BALEEN_NAMES_16, "%16", "%17", "%18", "1, 1, 0, 0")
               : BALEEN_SUMS_16(sums, 0)
               : "l"(a), "l"(b), "r"(static_cast<int>(fresh)));
}
__device__ inline void MultiplyBf16(float (&sums)[32], uint64_t a, uint64_t b, bool fresh) {
  asm volatile(BALEEN_PRODUCT("m64n64k16.f32.bf16.bf16", BALEEN_NAMES_32, "%32", "%33", "%34", "1, 1, 0, 0")
               : BALEEN_SUMS_32(sums, 0)
               : "l"(a), "l"(b), "r"(static_cast<int>(fresh)));
}
__device__ inline void MultiplyBf16(float (&sums)[64], uint64_t a, uint64_t b, bool fresh) {
  asm volatile(BALEEN_PRODUCT("m64n128k16.f32.bf16.bf16", BALEEN_NAMES_64, "%64", "%65", "%66", "1, 1, 0, 0")
               : BALEEN_SUMS_64(sums, 0)
               : "l"(a), "l"(b), "r"(static_cast<int>(fresh)));
}

#undef BALEEN_PRODUCT
#undef BALEEN_NAMES_96
#undef BALEEN_NAMES_64
#undef BALEEN_NAMES_32
#undef BALEEN_NAMES_16
#undef BALEEN_NAMES_8
#undef BALEEN_SUMS_96
#undef BALEEN_SUMS_64
#undef BALEEN_SUMS_32
#undef BALEEN_SUMS_16
#undef BALEEN_SUMS_8

}  // namespace baleen::cuda

#endif  // BALEEN_KERNELS_CUDA_PTX_WGMMA_ALONG_K_CUH_
