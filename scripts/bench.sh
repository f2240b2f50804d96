#!/usr/bin/env bash
# Builds the release binaries and runs a measurement in Python with them.
#
# Usage: bench.sh FOLDER [ARGUMENT...]. bench compares the service with ClickHouse, DuckDB and PostgreSQL
# (docs/performance.md); bench/soak puts load on the service for hours (docs/reliability.md).
set -euo pipefail
cd "$(dirname "$0")/.."

need() { command -v "$1" >/dev/null || { echo "$2" >&2; exit 1; }; }
need cargo 'A Rust toolchain is missing. Install it: https://rustup.rs'
need python3 'Python is missing. Install Python 3.11 or later, with venv.'
python3 -c 'import sys, venv; sys.exit(sys.version_info < (3, 11))' || { echo 'Python is too old or lacks venv. Install Python 3.11 or later, with venv.' >&2; exit 1; }
if ! command -v initdb >/dev/null && ! compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null; then
  echo "PostgreSQL's server programs are missing. Install them (on Debian: apt-get install postgresql)." >&2
  exit 1
fi

venv=$(scripts/venv.sh "$1")
cargo build --release --locked --bin device-stats --bin device-stats-bench
target=$(cargo metadata --format-version 1 --no-deps --locked |
  python3 -c 'import json, sys; print(json.load(sys.stdin)["target_directory"])')
BENCH_PROGRAMS=$target/release exec "$venv/bin/python" "$1/main.py" "${@:2}"
