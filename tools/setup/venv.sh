#!/bin/bash
# Makes a Python environment with the packages of a requirements file: venv.sh DIRECTORY REQUIREMENTS. Does nothing when it is current.
set -euo pipefail
directory=$1
requirements=$2

if [[ -x "$directory/bin/python" ]] && cmp --silent "$requirements" "$directory/installed.txt"; then
  exit 0
fi
echo "setup: installing Python packages into $directory: $(grep -v '^#' "$requirements" | tr '\n' ' ')"
python3 -m venv "$directory"
"$directory/bin/python" -m pip install --quiet --disable-pip-version-check --requirement "$requirements"
cp "$requirements" "$directory/installed.txt"
