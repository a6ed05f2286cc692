#!/bin/bash
# Runs a Python test file with the interpreter that `make setup` made: run_python_test.sh tests/e2e/api_test.py
set -euo pipefail
checkout=$(dirname "$(dirname "$(dirname "$(readlink -f "$0")")")")
python="$checkout/.baleen/venv/bin/python"
[[ -x "$python" ]] || { echo "no $python: run 'make setup' first" >&2; exit 1; }
export PYTHONPATH="$PWD" PYTHONDONTWRITEBYTECODE=1
exec "$python" -m unittest -v "$1"
