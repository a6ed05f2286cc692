#!/bin/bash
# Tests the rules themselves.
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
export PYTHONDONTWRITEBYTECODE=1
exec python3 "$here/rules_test.py"
