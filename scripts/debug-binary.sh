#!/usr/bin/env bash
# Builds the debug binary and prints its path.
set -euo pipefail
cd "$(dirname "$0")/.."

# Selects a test, because cargo otherwise builds all libraries again, without the features that tests add.
cargo test --workspace --all-features --locked --no-run --quiet --test binary >&2
echo "${CARGO_TARGET_DIR:-target}/debug/device-stats"
