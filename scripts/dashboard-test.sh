#!/usr/bin/env bash
# Tests the dashboard in Chromium, on this build of the service: everything over SQLite, and the tests with
# the tag @stores over PostgreSQL, too. Arguments are passed on to Playwright.
set -euo pipefail
cd "$(dirname "$0")/.."

if [[ -z ${POSTGRES_URL-} ]]; then exec scripts/with-postgres.sh scripts/dashboard-test.sh "$@"; fi
scripts/dashboard.sh
DEVICE_STATS_BINARY=$(realpath "$(scripts/debug-binary.sh)")
CHROMIUM=$(command -v chromium || command -v chromium-browser || command -v google-chrome)
export DEVICE_STATS_BINARY CHROMIUM DEVICE_STATS_POSTGRES=$POSTGRES_URL
cd dashboard
npx playwright test "$@"
