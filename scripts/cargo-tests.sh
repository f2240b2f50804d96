#!/usr/bin/env bash
# Runs all tests of the Rust code. Many of them wait most of the time: for a restart, a lock or a time limit.
# So two cores get three threads, and the tests of the stores and of the binary run beside the others.
set -euo pipefail
cd "$(dirname "$0")/.."

run() { cargo test --workspace --all-features --locked --no-fail-fast "$@"; }
waiting=(--test binary --test postgres --test sqlite)
others=(--lib --bins --examples --test http --test segment)
export RUST_TEST_THREADS=${RUST_TEST_THREADS:-$(($(nproc) * 3 / 2))}

for file in crates/*/tests/*/main.rs; do
    name=$(basename "$(dirname "$file")")
    [[ " ${waiting[*]} ${others[*]} " == *" --test $name "* ]] || { echo "error: nothing runs the tests $name" >&2; exit 1; }
done

run --no-run
output=$(mktemp)
run "${waiting[@]}" >"$output" 2>&1 &
waiting_pid=$!
# Also after an interruption, the tests in the background end and their output is shown.
trap 'kill "$waiting_pid" 2>/dev/null || true; cat "$output"; rm -f "$output"' EXIT
trap 'exit 130' INT TERM
failed=()
run "${others[@]}" || failed+=("the tests of the libraries, http and segment (above)")
run --doc || failed+=("the examples in the documentation (above)")
wait "$waiting_pid" || failed+=("the tests of binary, postgres and sqlite (below)")
((${#failed[@]} == 0)) || { printf 'FAILED: %s\n' "${failed[@]}" >&2; exit 1; }
