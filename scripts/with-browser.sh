#!/usr/bin/env bash
# Runs a command in the folder of the dashboard, with a debug binary that contains it, and with Chromium.
#
# Usage: with-browser.sh COMMAND [ARGUMENT...]. DEVICE_STATS_BINARY and CHROMIUM are the paths of both.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/dashboard.sh
DEVICE_STATS_BINARY=$(realpath "$(scripts/debug-binary.sh)")
CHROMIUM=$(command -v chromium || command -v chromium-browser || command -v google-chrome)
export DEVICE_STATS_BINARY CHROMIUM
cd dashboard
exec "$@"
