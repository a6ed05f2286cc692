"""Compiler flags of the kernels for one instruction set. -O3 unrolls the register tiles."""

AVX2 = [
    "-O3",
    "-mavx2",
    "-mfma",
]

AVX512 = AVX2 + [
    "-mavx512f",
    "-mavx512bw",
    "-mavx512vl",
    "-mavx512dq",
    "-mavx512bf16",
    "-mavx512vnni",
    # GCC 12's own headers read their "undefined" vectors.
    "-Wno-maybe-uninitialized",
    "-Wno-uninitialized",
]

AMX = AVX512 + [
    "-mamx-tile",
    "-mamx-bf16",
    "-mamx-int8",
]
