#!/usr/bin/env bash
# Installs missing programs that the tests need. Without the rights to install, it lists them and fails.
set -euo pipefail

# need DESCRIPTION PACKAGE COMMAND...: installs PACKAGE unless one of the commands exists.
missing=()
need() {
  local description=$1 package=$2
  shift 2
  for command in "$@"; do
    # shellcheck disable=SC2086 # the command may be a pattern, as for PostgreSQL's directories
    if command -v $command >/dev/null || compgen -G "$command" >/dev/null; then return; fi
  done
  echo "$description is missing (package $package)."
  missing+=("$package")
}

need 'A PostgreSQL server' postgresql postgres '/usr/lib/postgresql/*/bin/postgres'
need 'PgBouncer, to test poolers,' pgbouncer pgbouncer /usr/sbin/pgbouncer
need 'A C compiler, for the bundled SQLite,' build-essential cc
need 'Python 3 with venv, for Locust and clients of other projects,' python3-venv python3
need 'openssl, to create keys of all forms,' openssl openssl
need 'strace, to fail single system calls,' strace strace
need 'script, to test with a terminal,' bsdutils script
need 'unshare, to fill a small disk,' util-linux unshare
need 'Chromium, to test web pages,' chromium chromium chromium-browser google-chrome
need 'docker compose, to check compose.yaml,' docker-compose docker-compose
need 'Prometheus, to test the alerts and the dashboard of Grafana,' prometheus prometheus

if ((${#missing[@]} == 0)); then exit 0; fi
if ((EUID)) || ! command -v apt-get >/dev/null; then
  echo "Install these packages: ${missing[*]} (on Debian: apt-get install ${missing[*]})" >&2
  exit 1
fi
apt-get update -qq
DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends -qq "${missing[@]}"
