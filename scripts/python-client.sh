#!/usr/bin/env bash
# Sends readings to this build of the service with clients of other projects, and checks that all are stored.
#
# Usage: python-client.sh NAME. The folder scripts/NAME contains the client: influx or dataframes.
set -euo pipefail
cd "$(dirname "$0")/.."

client=scripts/$1
venv=.venv/$1

# Compares the requirements, so that a change of versions reinstalls the packages.
if ! cmp -s "$client/requirements.txt" "$venv/requirements.txt"; then
  python3 -m venv --clear "$venv"
  "$venv/bin/pip" install --quiet --requirement "$client/requirements.txt"
  cp "$client/requirements.txt" "$venv/requirements.txt"
fi

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
"$venv/bin/python" "$client/client.py" "$url" "$binary"
kill "$server"
wait "$server"
server=
