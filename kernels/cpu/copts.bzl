"""Compiler flags of the kernels for one instruction set. -O3 unrolls the register tiles.

The compiler may use what it is given anywhere in a file, so flags of instructions that not every such CPU has go to the files that need them.
"""

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
    # GCC 12's own headers read their "undefined" vectors.
    "-Wno-maybe-uninitialized",
    "-Wno-uninitialized",
]

AVX512_BF16 = AVX512 + ["-mavx512bf16"]

AVX512_VNNI = AVX512 + ["-mavx512vnni"]

AMX = AVX512_BF16 + [
    "-mamx-tile",
    "-mamx-bf16",
    "-mamx-int8",
]
