#!/usr/bin/env bash
# Tests the dashboard in Chromium, on this build of the service: everything over SQLite, and the tests with
# the tag @stores over PostgreSQL, too. Arguments are passed on to Playwright.
set -euo pipefail
cd "$(dirname "$0")/.."

if [[ -z ${POSTGRES_URL-} ]]; then exec scripts/with-postgres.sh scripts/dashboard-test.sh "$@"; fi
DEVICE_STATS_POSTGRES=$POSTGRES_URL exec scripts/with-browser.sh npx playwright test "$@"
