#!/usr/bin/env bash
# Derives valid and invalid requests from the OpenAPI document of the service at URL, sends them, and compares
# the responses with the document. SECONDS_MAX limits the time, SEED chooses the requests.
#
# Usage: scripts/with-server.sh schemathesis scripts/schemathesis/run.sh
set -euo pipefail

url=$1
scripts=$(realpath "$(dirname "$0")")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

# use_after_free: `DELETE /stats/devices/{device_id}` deletes readings, not the device, so later requests
# succeed. Other tests check that a deleted device or user is not found. The responses of live streams do not
# end.
SCHEMATHESIS_HOOKS=hooks PYTHONPATH=$scripts PYTHONDONTWRITEBYTECODE=1 \
  schemathesis --config-file "$scripts/schemathesis.toml" run "$url/api/v1/openapi.json" --url "$url" \
  --checks all --exclude-checks use_after_free --mode all \
  --seed "${SEED:-1}" --max-examples 20 --max-time "${SECONDS_MAX:-60}" \
  --continue-on-failure --generation-database none --warnings off --no-color \
  --exclude-operation-id watch_device --exclude-operation-id watch_user
