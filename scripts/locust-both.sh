#!/usr/bin/env bash
# Runs the load test against this build of the service: on the embedded store, open for everybody, and on a
# private PostgreSQL, with a token.
set -euo pipefail
cd "$(dirname "$0")/.."

service=$(scripts/debug-binary.sh)
work=$(mktemp -d)
server=
postgres=

stop() {
  if [[ -n $server ]]; then kill "$server" 2>/dev/null || true; wait "$server" 2>/dev/null || true; fi
  if [[ -n $postgres ]]; then as_postgres pg_ctl --pgdata="$work/postgres" stop --mode=immediate --silent || true; fi
  rm -rf "$work"
}
trap stop EXIT

bin=$(dirname "$(command -v postgres || compgen -G '/usr/lib/postgresql/*/bin/postgres' | sort -V | tail -n 1)")
# PostgreSQL refuses to run as root.
as_postgres() {
  local command=$1
  shift
  if ((EUID)); then "$bin/$command" "$@"; else (cd / && runuser -u postgres -- "$bin/$command" "$@"); fi
}

free_port() {
  python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# run_load MODE DATABASE_URL: starts the service over this database in the access mode, and runs the load test
# against it. If clients need tokens, the test has one of an administrator.
run_load() {
  local port mode=$1
  export DATABASE_URL=$2
  port=$(free_port)
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

echo 'Locust on SQLite, open'
run_load open "sqlite:$work/device-stats.db"

chmod 755 "$work"
install -d -m 700 "$work/postgres"
if ((EUID == 0)); then chown postgres "$work/postgres"; fi
as_postgres initdb --pgdata="$work/postgres" --auth=trust --username=postgres --no-sync --no-instructions >/dev/null
port=$(free_port)
as_postgres pg_ctl --pgdata="$work/postgres" --log="$work/postgres/log" --silent --wait start \
  --options="-p $port -c listen_addresses=127.0.0.1 -c unix_socket_directories='$work/postgres' -c fsync=off"
postgres=started
echo 'Locust on PostgreSQL, with a token'
run_load token "postgres://postgres@127.0.0.1:$port/postgres"
