#!/usr/bin/env bash
# Checks licences, sources and duplicates of the libraries, and known vulnerabilities if their database is
# reachable.
set -euo pipefail
cd "$(dirname "$0")/.."

version=0.20.2
if ! command -v cargo-deny >/dev/null; then
  # Outside the checkout, because building it takes minutes in each new one.
  tools=${XDG_CACHE_HOME:-$HOME/.cache}/device-stats/cargo-deny-$version
  PATH=$tools/bin:$PATH
  if ! command -v cargo-deny >/dev/null; then
    # Unoptimized, because building it takes longer than all its checks.
    cargo install cargo-deny --version "$version" --locked --quiet --debug --root "$tools"
  fi
fi

cargo deny --log-level error check bans licenses sources
if cargo deny --log-level off fetch db >/dev/null 2>&1; then
  cargo deny --log-level error check advisories
else
  echo 'Known vulnerabilities were not checked: the advisory database is unreachable.'
fi
