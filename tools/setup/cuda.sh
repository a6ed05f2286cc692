#!/bin/bash
# Installs a CUDA toolkit from PyPI into .baleen/venv-cuda, unless CUDA_HOME or an nvcc on PATH names one. Run in the checkout's root.
set -euo pipefail
if [[ -n ${CUDA_HOME:-} ]] || command -v nvcc >/dev/null; then
  exit 0
fi
"$(dirname "$0")/venv.sh" .baleen/venv-cuda "$(dirname "$0")/requirements-cuda.txt"
# One name for what lies under the Python's version.
ln -sfn "$(cd .baleen/venv-cuda/lib/python3*/site-packages/nvidia/cu13 && pwd)" .baleen/cuda
# NCCL lies beside it.
ln -sf ../../nccl/include/nccl.h .baleen/cuda/include/
ln -sf ../../nccl/lib/libnccl.so.2 .baleen/cuda/lib/
