#!/bin/bash
# Verifies the CUDA kernels on the GPU at hand: verify.sh OUT_DIR [BINARIES_DIR]
#
# Builds kernel_tests and kernel_bench with CMake (or takes them from BINARIES_DIR), runs all tests, the tests again under compute-sanitizer,
# and the benchmarks. Writes OUT_DIR/verify.json (what each step returned), bench.json, and a log a step. Exit code 1 when a step failed, 3
# when there is no GPU to verify on. Every step has a time limit; all of them together stay within nine minutes.
#
# BUNDLE=DIR: the unpacked archive of tools/bundle/pack.py. Then what serves runs too, in up to five minutes more: a cluster held to its
# promises in BF16 and in FP8 (cluster.json, cluster_fp8.json), and what --extra of pack.py put there: tests, a V3 layer through a process,
# a slice of V3 beside the CPU and in a cluster.
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
out=${1:?usage: verify.sh OUT_DIR [BINARIES_DIR]}
binaries=${2:-}
mkdir -p "$out"
out=$(cd "$out" && pwd)
steps=()
failed=0

# run NAME SECONDS COMMAND...: logs to OUT_DIR/NAME.log.
run() {
  local name=$1 limit=$2 begin=$SECONDS code=0
  shift 2
  timeout "$limit" "$@" >"$out/$name.log" 2>&1 || code=$?
  steps+=("{\"step\": \"$name\", \"exit_code\": $code, \"seconds\": $((SECONDS - begin))}")
  [[ $code -eq 0 ]] || failed=1
  echo "== $name: exit code $code after $((SECONDS - begin)) s"
  tail -n 25 "$out/$name.log"
}

report() {
  local joined
  joined=$(printf ', %s' "${steps[@]}")
  printf '{"device": "%s", "date": "%s", "steps": [%s]}\n' "$device" "$(date -u +%F)" "${joined:2}" >"$out/verify.json"
}

device=$(nvidia-smi --query-gpu=name --format=csv,noheader 2>/dev/null | head -n 1)
if [[ -z $binaries ]]; then
  binaries=$out/build
  generator=(-G "Unix Makefiles")
  if command -v ninja >/dev/null; then generator=(-G Ninja); fi
  run configure 30 cmake "${generator[@]}" -S "$here" -B "$binaries"
  run build 150 cmake --build "$binaries" --parallel "$(nproc)"
fi
if [[ $failed -ne 0 ]]; then
  report
  exit 1
fi
if [[ -z $device ]]; then
  echo "SKIPPED: no CUDA device"
  report
  exit 3
fi

run tests 60 "$binaries/kernel_tests"
if [[ -n ${BUNDLE:-} ]]; then
  experts=$BUNDLE/bazel-bin/model/cuda/device_experts_test
  layer=$BUNDLE/bazel-bin/tools/bench/layer_overhead
  [[ ! -x $experts ]] || run experts 30 "$experts"
  shape=(--hidden=7168 --inner=2048 --experts=256 --top_k=8 --shards=1 --rows=1,16,128)
  [[ ! -x $layer ]] || run layer 60 "$layer" --compute=device --transport=ucx "${shape[@]}"
  # The engine's tests find checkpoints and goldens from the repository's root.
  for part in services/attention/engine/engine_test services/attention/worker/engine_loop_test tests/invariance/engine_invariance_test \
    tests/invariance/gpu_agreement_test tests/golden/golden_test; do
    [[ ! -x $BUNDLE/bazel-bin/$part ]] || run "$(basename "$part")" 45 env -C "$here/../.." "$BUNDLE/bazel-bin/$part" --gtest_filter='*gpu*:*Gpu*'
  done
  run cluster 90 "$BUNDLE/tools/bundle/check.py" --device=cuda --out="$out/cluster.json"
  run cluster_fp8 90 env DTYPE=fp8 "$BUNDLE/tools/bundle/check.py" --device=cuda --out="$out/cluster_fp8.json"
  make_checkpoint=$BUNDLE/bazel-bin/tools/make_checkpoint/make_checkpoint
  if [[ -x $make_checkpoint ]]; then
    scratch=$(mktemp -d)
    run slice 60 "$make_checkpoint" --shape=v3-slice --experts=32 --fp8 --out="$scratch/v3-slice"
    run slice_logits 90 "$BUNDLE/tools/bundle/agreement.py" --model="$scratch/v3-slice" --device=cuda --out="$out/slice_logits.json"
    run slice_cluster 90 "$BUNDLE/tools/bundle/check.py" --model="$scratch/v3-slice" --device=cuda --out="$out/slice_cluster.json"
    rm -r "$scratch"
  fi
fi
run bench 90 "$binaries/kernel_bench" --out="$out/bench.json"
if command -v compute-sanitizer >/dev/null; then
  run memcheck 60 compute-sanitizer --tool memcheck --error-exitcode 9 "$binaries/kernel_tests" --filter=Agree
  run memcheck_matches 30 compute-sanitizer --tool memcheck --error-exitcode 9 "$binaries/kernel_tests" --filter=Matches
  run memcheck_permute 15 compute-sanitizer --tool memcheck --error-exitcode 9 "$binaries/kernel_tests" --filter=Permute
  run memcheck_groups 25 compute-sanitizer --tool memcheck --error-exitcode 9 "$binaries/kernel_tests" --filter=Groups
  engine=${BUNDLE:-}/bazel-bin/services/attention/engine/engine_test
  [[ ! -x $engine ]] || run memcheck_engine 60 compute-sanitizer --tool memcheck --target-processes all --error-exitcode 9 "$engine" --gtest_filter='*LogitsWhereWantedOnly/gpu'
  for kernel in Gate Permute RmsNorm SamplingMatches; do
    run "racecheck_$kernel" 20 compute-sanitizer --tool racecheck --error-exitcode 9 "$binaries/kernel_tests" --filter="$kernel"
  done
else
  echo "SKIPPED: no compute-sanitizer"
  steps+=('{"step": "memcheck", "exit_code": -1, "seconds": 0}')
fi
report
exit "$failed"
