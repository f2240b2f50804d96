#!/usr/bin/env bash
# Runs the load test against a running service for a few seconds, and fails on any wrong answer.
#
#   scripts/locust-test.sh [URL]
#
# LOCUST_USERS sets the number of concurrent clients (20), and LOCUST_SECONDS the duration (10).
set -euo pipefail
cd "$(dirname "$0")/.."

url=${1:-http://127.0.0.1:8000}
venv=$(scripts/venv.sh locust)

# The stop timeout lets clients finish their task and delete their users.
exec "$venv/bin/locust" --locustfile locust/locustfile.py --host "$url" --headless --only-summary \
  --users "${LOCUST_USERS:-20}" --spawn-rate 20 --run-time "${LOCUST_SECONDS:-10}s" --stop-timeout 30
