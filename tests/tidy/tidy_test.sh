#!/bin/bash
# Tidies the whole checkout, not the sandbox's part of it.
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
export PYTHONDONTWRITEBYTECODE=1
exec python3 "$here/tidy.py" "$here/../.."
