#!/usr/bin/env bash
# Derives valid and invalid requests from the OpenAPI document of this build, sends them, and compares the
# responses with the document. SECONDS_MAX limits the time, SEED chooses the requests.
set -euo pipefail
cd "$(dirname "$0")/.."

venv=$PWD/.venv/schemathesis
scripts=$PWD/scripts/schemathesis
seconds_max=${SECONDS_MAX:-60}
seed=${SEED:-1}

# Compares the requirements, so that a change of versions reinstalls the packages.
if ! cmp -s "$scripts/requirements.txt" "$venv/requirements.txt"; then
  python3 -m venv --clear "$venv"
  "$venv/bin/pip" install --quiet --requirement "$scripts/requirements.txt"
  cp "$scripts/requirements.txt" "$venv/requirements.txt"
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

# The responses of live streams do not end.
cd "$work"
SCHEMATHESIS_HOOKS=hooks PYTHONPATH=$scripts PYTHONDONTWRITEBYTECODE=1 \
  "$venv/bin/schemathesis" --config-file "$scripts/schemathesis.toml" run "$url/api/v1/openapi.json" \
  --url "$url" --checks all --mode all --seed "$seed" --max-examples 20 --max-time "$seconds_max" \
  --continue-on-failure --generation-database none --warnings off --no-color \
  --exclude-operation-id watch_device --exclude-operation-id watch_user
kill "$server"
wait "$server"
server=
