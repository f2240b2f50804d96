#!/usr/bin/env bash
# Checks the files of Prometheus and Grafana in deploy/: the syntax of the configuration, the alerts with
# invented values, and all queries with the metrics of the running service at URL.
#
# Usage: scripts/with-server.sh prometheus scripts/prometheus/check.sh, which adds the address as the argument
set -euo pipefail
cd "$(dirname "$0")/../.."

# Prints the output of promtool only if it finds a fault.
quiet() {
  local output
  output=$("$@" 2>&1) || { printf '%s\n' "$output" >&2; return 1; }
}
quiet promtool check config deploy/prometheus/prometheus.yml
quiet promtool check rules deploy/prometheus/alerts.yml
quiet promtool test rules scripts/prometheus/alerts-test.yml
PYTHONDONTWRITEBYTECODE=1 python scripts/prometheus/queries.py "$1"
