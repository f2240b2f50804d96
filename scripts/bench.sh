#!/usr/bin/env bash
# Measures the service, and ClickHouse, DuckDB and PostgreSQL on the same readings; see docs/performance.md.
set -euo pipefail
cd "$(dirname "$0")/.."

need() { command -v "$1" >/dev/null || { echo "$2" >&2; exit 1; }; }
need cargo 'A Rust toolchain is missing: https://rustup.rs'
need python3 'Python 3.11 or later is missing.'
python3 -c 'import sys, venv; sys.exit(sys.version_info < (3, 11))' || { echo 'Python 3.11 or later, with venv, is needed.' >&2; exit 1; }
if ! command -v initdb >/dev/null && ! compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null; then
  echo "PostgreSQL's server is missing (on Debian: apt-get install postgresql)." >&2
  exit 1
fi

venv=.venv/bench
# Checked against the wanted versions rather than for existence, so that a changed file is installed anew.
if ! cmp -s bench/requirements.txt "$venv/requirements.txt"; then
  python3 -m venv --clear "$venv"
  "$venv/bin/pip" install --quiet --requirement bench/requirements.txt
  cp bench/requirements.txt "$venv/requirements.txt"
fi

cargo build --release --locked --bin device-stats --bin device-stats-bench
target=$(cargo metadata --format-version 1 --no-deps --locked |
  python3 -c 'import json, sys; print(json.load(sys.stdin)["target_directory"])')
BENCH_PROGRAMS=$target/release exec "$venv/bin/python" bench/main.py
