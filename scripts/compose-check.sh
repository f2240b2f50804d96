#!/usr/bin/env bash
# Checks the files of compose-test without a Docker engine: Compose accepts compose.yaml, .env.example shows
# its defaults, and versions that are written in two files agree.
set -euo pipefail
cd "$(dirname "$0")/.."

if docker compose version >/dev/null 2>&1; then
  compose=(docker compose)
else
  compose=(docker-compose)
  if ! command -v docker-compose >/dev/null; then
    if ((EUID)) || ! command -v apt-get >/dev/null; then
      echo 'docker-compose is missing and cannot be installed here. Install docker compose or docker-compose.' >&2
      exit 1
    fi
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends -qq docker-compose >/dev/null
  fi
fi

"${compose[@]}" --file compose.yaml config --quiet
"${compose[@]}" --file compose.yaml --file compose.token.yaml config --quiet
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
sed -n 's/^#\([A-Z_]*=\)/\1/p' .env.example >"$work/every-setting"
touch "$work/no-setting"
with_settings=$("${compose[@]}" --file compose.yaml --env-file "$work/every-setting" config)
without=$("${compose[@]}" --file compose.yaml --env-file "$work/no-setting" config)
if [[ $with_settings != "$without" ]]; then
  echo '.env.example and compose.yaml have different defaults. Correct .env.example:' >&2
  diff <(printf '%s' "$without") <(printf '%s' "$with_settings") >&2
  exit 1
fi

# same NAME VALUE VALUE: fails if the values differ or are empty.
same() {
  if [[ -z $2 || $2 != "$3" ]]; then
    echo "The versions of $1 differ: '$2' and '$3'" >&2
    exit 1
  fi
}
same 'Locust in compose.yaml and locust/requirements.txt' \
  "$(sed -n 's|^ *image: locustio/locust:||p' compose.yaml)" "$(sed -n 's/^locust==//p' locust/requirements.txt)"
same 'Rust in Dockerfile and Cargo.toml' \
  "$(sed -nE 's/^FROM rust:([0-9.]+)-.*/\1/p' Dockerfile | sort -u)" "$(sed -nE 's/^rust-version = "(.*)"/\1/p' Cargo.toml)"
same 'Node in Dockerfile and dashboard/.nvmrc' \
  "$(sed -nE 's/^FROM node:([0-9.]+)-.*/\1/p' Dockerfile)" "$(<dashboard/.nvmrc)"
echo 'compose.yaml, .env.example and the versions agree.'
