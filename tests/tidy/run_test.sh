#!/bin/bash
# Tests the rules themselves: run_test.sh rules_test.py
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
export PYTHONDONTWRITEBYTECODE=1
exec python3 "$here/$1"
