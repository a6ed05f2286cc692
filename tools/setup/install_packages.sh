#!/bin/bash
# Installs the Debian packages that are missing: install_packages.sh LIST. Does nothing, in milliseconds, when none is.
set -euo pipefail
list=$(dirname "$0")/debian_packages.txt
missing=()
while read -r package; do
  [[ $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) == installed ]] || missing+=("$package")
done < "$list"
[[ ${#missing[@]} -gt 0 ]] || exit 0

if [[ $(id -u) -eq 0 ]]; then
  as_root=()
elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
  as_root=(sudo)
else
  echo "setup: these Debian packages are missing and this user may not install them. As root, run:" >&2
  echo "  apt-get update && apt-get install -y --no-install-recommends ${missing[*]}" >&2
  exit 1
fi
echo "setup: installing ${#missing[@]} Debian packages: ${missing[*]}"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! { "${as_root[@]}" apt-get update -q && DEBIAN_FRONTEND=noninteractive "${as_root[@]}" apt-get install -qy --no-install-recommends "${missing[@]}"; } \
    > "$log" 2>&1; then
  tail -20 "$log" >&2
  echo "setup: apt-get failed; what it said last stands above" >&2
  exit 1
fi
