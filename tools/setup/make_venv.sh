#!/bin/bash
# Makes or completes a Python environment: make_venv.sh DIRECTORY REQUIREMENTS. Does nothing when it was made from the same list.
set -euo pipefail
directory=$1 requirements=$2
stamp="$directory/.made-from"
cmp -s "$requirements" "$stamp" && exit 0
echo "setup: installing into $directory: $(grep -v '^#' "$requirements" | tr '\n' ' ')"
python3 -m venv "$directory"
"$directory/bin/pip" install -q --disable-pip-version-check -r "$requirements"
cp "$requirements" "$stamp"
