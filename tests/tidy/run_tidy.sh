#!/bin/bash
# Checks the whole checkout, which it finds through its own link.
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
export PYTHONDONTWRITEBYTECODE=1
python3 "$here/tidy_test.py"
python3 "$here/tidy.py" "$(dirname "$(dirname "$here")")"
