#!/bin/bash
# Installs the Debian packages of packages.txt that are missing. Asks for root only when something is.
set -euo pipefail
cd "$(dirname "$0")"

missing=()
while read -r package; do
  dpkg-query --show --showformat='${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed || missing+=("$package")
done < packages.txt
if [[ ${#missing[@]} -eq 0 ]]; then
  exit 0
fi

install=(env DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends "${missing[@]}")
if [[ $(id -u) -eq 0 ]]; then
  root=()
elif command -v sudo >/dev/null && sudo --non-interactive true 2>/dev/null; then
  root=(sudo)
else
  echo "setup: these Debian packages are missing, and installing them needs root. Run this, then try again:" >&2
  echo "  sudo apt-get update && sudo apt-get install --yes --no-install-recommends ${missing[*]}" >&2
  exit 1
fi
echo "setup: installing ${#missing[@]} Debian packages: ${missing[*]}"
"${root[@]}" apt-get update --quiet=2
"${root[@]}" "${install[@]}"
