#!/usr/bin/env bash
# Runs a command beside a private PostgreSQL server, which is removed at the end.
#
# Usage: with-postgres.sh COMMAND [ARGUMENT...]. POSTGRES_URL is the address of an empty database. The server
# loses data if the machine fails.
set -euo pipefail

work=$(mktemp -d)
chmod 755 "$work"
install -d -m 700 "$work/postgres"
if ((EUID == 0)); then chown postgres "$work/postgres"; fi

bin=$(dirname "$(command -v postgres || compgen -G '/usr/lib/postgresql/*/bin/postgres' | sort -V | tail -n 1)")
# PostgreSQL refuses to run as root.
as_postgres() {
  local command=$1
  shift
  if ((EUID)); then "$bin/$command" "$@"; else (cd / && runuser -u postgres -- "$bin/$command" "$@"); fi
}

stop() {
  as_postgres pg_ctl --pgdata="$work/postgres" stop --mode=immediate --silent || true
  rm -rf "$work"
}
trap stop EXIT

as_postgres initdb --pgdata="$work/postgres" --auth=trust --username=postgres --no-sync --no-instructions >/dev/null
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
as_postgres pg_ctl --pgdata="$work/postgres" --log="$work/postgres/log" --silent --wait start \
  --options="-p $port -c listen_addresses=127.0.0.1 -c unix_socket_directories='$work/postgres' -c fsync=off"
POSTGRES_URL=postgres://postgres@127.0.0.1:$port/postgres "$@"
