#!/usr/bin/env bash
# Installs what the tests need and this machine lacks, where it may; says what to install where it may not.
set -euo pipefail

# need WHAT PACKAGE COMMAND...: WHAT is there when one of the commands is.
missing=()
need() {
  local what=$1 package=$2
  shift 2
  for command in "$@"; do
    # shellcheck disable=SC2086 # a pattern such as that of PostgreSQL's directories
    if command -v $command >/dev/null || compgen -G "$command" >/dev/null; then return; fi
  done
  echo "$what is missing ($package)."
  missing+=("$package")
}

need 'A PostgreSQL server' postgresql postgres '/usr/lib/postgresql/*/bin/postgres'
need 'A C compiler, for the bundled SQLite,' build-essential cc
need "Python 3 with venv, for Locust and InfluxDB's client," python3-venv python3
need 'strace, to fail single calls to the system,' strace strace
need 'script, for a terminal,' bsdutils script
need 'unshare, for a disk that can be filled,' util-linux unshare
need 'docker compose, to read compose.yaml,' docker-compose docker-compose

if ((${#missing[@]} == 0)); then exit 0; fi
if ((EUID)) || ! command -v apt-get >/dev/null; then
  echo "Install: ${missing[*]} (on Debian: apt-get install ${missing[*]})" >&2
  exit 1
fi
apt-get update -qq
DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends -qq "${missing[@]}"
