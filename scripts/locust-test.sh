#!/usr/bin/env bash
# Plays devices against a running service for a few seconds and fails on any wrong answer.
#
#   scripts/locust-test.sh [URL]
#
# LOCUST_USERS and LOCUST_SECONDS say how many at once and for how long.
set -euo pipefail
cd "$(dirname "$0")/.."

url=${1:-http://127.0.0.1:8000}
venv=.venv/locust

# Checked against the wanted versions rather than for existence, so that a changed file is installed anew.
if ! cmp -s locust/requirements.txt "$venv/requirements.txt"; then
  python3 -m venv --clear "$venv"
  "$venv/bin/pip" install --quiet --requirement locust/requirements.txt
  cp locust/requirements.txt "$venv/requirements.txt"
fi

# Without time to finish their task, clients are cut off in the middle of a request and leave their users behind.
exec "$venv/bin/locust" --locustfile locust/locustfile.py --host "$url" --headless --only-summary \
  --users "${LOCUST_USERS:-20}" --spawn-rate 20 --run-time "${LOCUST_SECONDS:-10}s" --stop-timeout 30
