#!/bin/bash
# Runs a Python test that needs the standard library only: python_test.sh FILE (relative to the workspace).
set -euo pipefail
export PYTHONDONTWRITEBYTECODE=1
exec python3 "$1"
