#!/usr/bin/env bash
# Runs all tests of the Rust code. Many of them wait most of the time: for a restart, a lock or a time limit.
# So there are more threads than cores, and the tests of the stores and of the binary run beside the others.
set -euo pipefail
cd "$(dirname "$0")/.."

run() { cargo test --workspace --all-features --locked --no-fail-fast "$@"; }
waiting=(--test binary --test postgres --test sqlite)
others=(--lib --bins --examples --test http --test segment)
export RUST_TEST_THREADS=${RUST_TEST_THREADS:-3}

for file in crates/*/tests/*/main.rs; do
    name=$(basename "$(dirname "$file")")
    [[ " ${waiting[*]} ${others[*]} " == *" --test $name "* ]] || { echo "error: nothing runs the tests $name" >&2; exit 1; }
done

run --no-run
output=$(mktemp)
trap 'rm -f "$output"' EXIT
run "${waiting[@]}" >"$output" 2>&1 &
waiting_pid=$!
status=0
run "${others[@]}" && run --doc || status=$?
wait "$waiting_pid" || status=$?
cat "$output"
exit "$status"
