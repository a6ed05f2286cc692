#!/bin/bash
# Runs a Python module of the runfiles with the interpreter that `make setup` made: run_python_module.sh tests.chaos.main --seed=2
set -euo pipefail
checkout=$(dirname "$(dirname "$(dirname "$(readlink -f tests/testing/cluster.py)")")")
python="$checkout/.baleen/venv/bin/python"
[[ -x "$python" ]] || { echo "no $python: run 'make setup' first" >&2; exit 1; }
export PYTHONPATH="$PWD" PYTHONDONTWRITEBYTECODE=1
exec "$python" -m "$@"
