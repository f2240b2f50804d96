#!/usr/bin/env bash
# Runs a client of another project against this build of the service.
#
# Usage: with-server.sh NAME COMMAND [ARGUMENT...]. Installs the packages of scripts/NAME/requirements.txt,
# starts the service over SQLite on a free port, and runs COMMAND with the packages in its PATH. The URL of
# the service and the path of its binary follow the arguments.
set -euo pipefail
cd "$(dirname "$0")/.."

venv=$(scripts/venv.sh "scripts/$1")
shift
binary=$(scripts/debug-binary.sh)
work=$(mktemp -d)
server=

stop() {
  if [[ -n $server ]]; then kill "$server" 2>/dev/null || true; wait "$server" 2>/dev/null || true; fi
  rm -rf "$work"
}
trap stop EXIT

port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
url=http://127.0.0.1:$port
DATABASE_URL="sqlite:$work/device-stats.db" "$binary" serve --listen "127.0.0.1:$port" --log warn &
server=$!
timeout 30 bash -c "until '$binary' health --url $url >/dev/null 2>&1; do sleep 0.1; done"
PATH="$venv/bin:$PATH" "$@" "$url" "$binary"
kill "$server"
wait "$server"
server=
