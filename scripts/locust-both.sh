#!/usr/bin/env bash
# Runs the load test against this build of the service: on the embedded store, open for everybody, and on a
# private PostgreSQL, with a token.
set -euo pipefail
cd "$(dirname "$0")/.."

service=$(scripts/debug-binary.sh)
work=$(mktemp -d)
server=

stop() {
  if [[ -n $server ]]; then kill "$server" 2>/dev/null || true; wait "$server" 2>/dev/null || true; fi
  rm -rf "$work"
}
trap stop EXIT

# run_load MODE DATABASE_URL: starts the service over this database in the access mode, and runs the load test
# against it. If clients need tokens, the test has one of an administrator.
run_load() {
  local port mode=$1
  export DATABASE_URL=$2
  port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
  "$service" migrate >/dev/null
  DEVICE_STATS_TOKEN=$("$service" token create --admin)
  export DEVICE_STATS_TOKEN
  "$service" serve --listen "127.0.0.1:$port" --auth "$mode" --log warn &
  server=$!
  timeout 30 bash -c "until $service health --url http://127.0.0.1:$port >/dev/null 2>&1; do sleep 0.1; done"
  LOCUST_SECONDS=${LOCUST_SECONDS:-8} scripts/locust-test.sh "http://127.0.0.1:$port"
  kill "$server"
  wait "$server"
  server=
}

if [[ -n ${POSTGRES_URL-} ]]; then
  echo 'Locust on PostgreSQL, with a token'
  run_load token "$POSTGRES_URL"
else
  echo 'Locust on SQLite, open'
  run_load open "sqlite:$work/device-stats.db"
  scripts/with-postgres.sh scripts/locust-both.sh
fi
