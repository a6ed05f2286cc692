#!/bin/bash
# Installs the Debian packages of packages.txt that are missing. Asks for root only when something is.
set -euo pipefail
cd "$(dirname "$0")"

if ! command -v dpkg-query >/dev/null; then
  echo "setup: this needs Debian 12 (no dpkg-query here); install what tools/setup/packages.txt lists by hand" >&2
  exit 1
fi
installed=$(dpkg-query --show --showformat='${Package} ${db:Status-Status}\n' | sed -n 's/ installed$//p' | sort -u)
mapfile -t missing < <(comm -23 <(sort -u packages.txt) <(echo "$installed"))
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
