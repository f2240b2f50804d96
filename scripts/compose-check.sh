#!/usr/bin/env bash
# Checks the Compose files without a Docker engine: Compose accepts compose.yaml and its variants,
# .env.example shows their defaults, and versions that are written in two files agree.
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

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
sed -n 's/^#\([A-Z_]*=\)/\1/p' .env.example >"$work/every-setting"
touch "$work/no-setting"
# The password of Grafana has no default.
if GRAFANA_PASSWORD='' "${compose[@]}" --file compose.yaml --file compose.monitoring.yaml \
  --env-file "$work/no-setting" config --quiet 2>"$work/refusal" || ! grep -q GRAFANA_PASSWORD "$work/refusal"; then
  echo 'compose.monitoring.yaml must require GRAFANA_PASSWORD:' >&2
  cat "$work/refusal" >&2
  exit 1
fi
export GRAFANA_PASSWORD=secret
for variant in '' token monitoring 'token monitoring'; do
  files=(--file compose.yaml)
  for name in $variant; do files+=(--file "compose.$name.yaml"); done
  "${compose[@]}" "${files[@]}" config --quiet
  with_settings=$("${compose[@]}" "${files[@]}" --env-file "$work/every-setting" config)
  without=$("${compose[@]}" "${files[@]}" --env-file "$work/no-setting" config)
  if [[ $with_settings != "$without" ]]; then
    echo ".env.example and the Compose files (${files[*]}) have different defaults. Correct .env.example:" >&2
    diff <(printf '%s' "$without") <(printf '%s' "$with_settings") >&2
    exit 1
  fi
done
# Docker would create a missing source of a mount as an empty folder.
while read -r source; do
  if [[ ! -e $source ]]; then
    echo "A Compose file mounts $source, which does not exist" >&2
    exit 1
  fi
done < <(sed -nE 's/^ *- (\.\/[^:]*):.*/\1/p' compose*.yaml)

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
echo 'The Compose files, .env.example and the versions agree.'
