#!/usr/bin/env bash
# Builds the dashboard into dashboard/dist, if its sources have changed since the last build. Cargo embeds the
# result in the binary.
#
# Usage: dashboard.sh [--optional]. With --optional, a machine without the Node of dashboard/.nvmrc is no
# error: the binary then has a page that says how to get the dashboard.
set -euo pipefail
cd "$(dirname "$0")/../dashboard"

wanted=$(<.nvmrc)
found=$(node --version 2>/dev/null || true)
found=${found#v}
# Versions with the same first number build the same files.
if [[ ${found%%.*} != "${wanted%%.*}" ]] || ! command -v npm >/dev/null; then
  echo "The dashboard needs Node $wanted and npm; found Node: ${found:-none}. Install it, for example with nvm install." >&2
  if [[ ${1-} == --optional ]]; then
    echo 'Building without the dashboard.' >&2
    exit 0
  fi
  exit 1
fi

# hash FILE...: a hash of the names and contents of these files.
hash() { printf '%s\0' "$@" | LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum; }
# changed STAMP HASH: whether a step has not been done yet with this hash.
changed() { [[ ! -f $1 || $(<"$1") != "$2" ]]; }

packages=$(hash .nvmrc package.json package-lock.json)
if changed node_modules/.packages "$packages"; then
  npm ci --no-audit --no-fund
  mkdir -p node_modules
  echo "$packages" >node_modules/.packages
fi

# The types of the requests come from the document of the interface.
inputs() {
  local files
  mapfile -d '' files < <(
    find . \( -name node_modules -o -name dist -o -name test-results -o -name playwright-report \) -prune -o -type f -print0
  )
  hash "${files[@]}" ../docs/openapi.json
}
if [[ ! -f dist/index.html ]] || changed node_modules/.inputs "$(inputs)"; then
  npm run build
  # The build may write files next to its sources.
  inputs >node_modules/.inputs
fi
