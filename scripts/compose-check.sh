#!/usr/bin/env bash
# Reads what compose-test starts, without starting it: compose.yaml as Compose understands it, and that versions which
# are written in two places are the same in both.
set -euo pipefail
cd "$(dirname "$0")/.."

if docker compose version >/dev/null 2>&1; then
  compose=(docker compose)
else
  compose=(docker-compose)
  if ! command -v docker-compose >/dev/null; then
    if ((EUID)) || ! command -v apt-get >/dev/null; then
      echo 'Neither docker compose nor docker-compose is installed, nor can it be installed here.' >&2
      exit 1
    fi
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends -qq docker-compose >/dev/null
  fi
fi

"${compose[@]}" --file compose.yaml config --quiet
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
sed -n 's/^#\([A-Z_]*=\)/\1/p' .env.example >"$work/every-setting"
touch "$work/no-setting"
with_settings=$("${compose[@]}" --file compose.yaml --env-file "$work/every-setting" config)
without=$("${compose[@]}" --file compose.yaml --env-file "$work/no-setting" config)
if [[ $with_settings != "$without" ]]; then
  echo '.env.example shows other defaults than compose.yaml has:' >&2
  diff <(printf '%s' "$without") <(printf '%s' "$with_settings") >&2
  exit 1
fi

# same NAME VALUE VALUE
same() {
  if [[ -z $2 || $2 != "$3" ]]; then
    echo "$1: '$2' in one file, '$3' in the other" >&2
    exit 1
  fi
}
same 'Locust in compose.yaml and locust/requirements.txt' \
  "$(sed -n 's|^ *image: locustio/locust:||p' compose.yaml)" "$(sed -n 's/^locust==//p' locust/requirements.txt)"
same 'Rust in Dockerfile and Cargo.toml' \
  "$(sed -nE 's/^FROM rust:([0-9.]+)-.*/\1/p' Dockerfile | sort -u)" "$(sed -nE 's/^rust-version = "(.*)"/\1/p' Cargo.toml)"
echo 'compose.yaml, .env.example and the versions agree.'
