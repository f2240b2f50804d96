#!/usr/bin/env bash
# Builds stand-ins, from Debian packages and package indexes, for the base images of Dockerfile and
# compose.yaml that cannot be pulled. For a temporary engine only: do not keep these images.
#
#   scripts/compose/stand-ins.sh FOLDER      (DOCKER_HOST selects the engine)
set -euo pipefail
cd "$(dirname "$0")/../.."

folder=$1/stand-ins
mirror=${DEBIAN_MIRROR:-http://deb.debian.org/debian}
mkdir -p "$folder"

# full_name FILE KEYWORD IMAGE: the name of this image in the file, with its tag.
full_name() { sed -nE "s|^ *$2 ($3:[^ ]+).*|\1|p" "$1" | head -1; }
debian=$(full_name Dockerfile FROM debian)
rust=$(full_name Dockerfile FROM rust)
node=$(full_name Dockerfile FROM node)
postgres=$(full_name compose.yaml image: postgres)
locust=$(full_name compose.yaml image: locustio/locust)

missing() { ! docker pull --quiet "$1" 2>/dev/null; }

announce() {
  printf '\n*** %s cannot be pulled. Building a STAND-IN from %s.\n*** This run does not test the real image.\n' "$1" "$2"
}

# debian_root SUITE PACKAGES: creates a root file system of this Debian release.
debian_root() {
  if ! command -v debootstrap >/dev/null; then
    DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends -qq debootstrap >/dev/null
  fi
  if ! debootstrap --variant=minbase ${2:+--include="$2"} "$1" "$folder/$1" "$mirror" >"$folder/$1.log"; then
    tail -20 "$folder/$1.log" >&2
    return 1
  fi
  rm -rf "$folder/$1"/var/cache/apt/* "$folder/$1"/var/lib/apt/lists/*
}

make_debian() {
  announce "$debian" "Debian's bookworm"
  debian_root bookworm ''
  tar --directory "$folder/bookworm" --create . | docker import - "$debian"
  rm -rf "$folder/bookworm"
}

make_rust() {
  local context=$folder/rust sysroot
  sysroot=$(rustc --print sysroot)
  announce "$rust" "this machine's $(rustc --version)"
  mkdir -p "$context/toolchain/bin"
  cp -a "$sysroot"/bin/{cargo,rustc} "$context/toolchain/bin"
  cp -a "$sysroot/lib" "$context/toolchain/lib"
  # Includes all crates, so that the build needs no registry.
  CARGO_HOME=$context/cargo cargo fetch --quiet --locked --target "$(rustc -vV | sed -n 's/^host: //p')"
  rm -rf "$context/cargo/registry/src"
  printf '[net]\noffline = true\n' >"$context/cargo/config.toml"
  cat >"$context/Dockerfile" <<END
FROM $debian
COPY toolchain /usr/local
COPY cargo /usr/local/cargo
ENV CARGO_HOME=/usr/local/cargo
END
  docker build --quiet --tag "$rust" "$context"
  rm -rf "$context"
}

make_node() {
  local context=$folder/node version=${node#*:} machine
  version=${version%%-*}
  machine=$(uname -m | sed 's/x86_64/x64/; s/aarch64/arm64/')
  announce "$node" "Node $version from the package index of npm"
  mkdir -p "$context/packages" "$context/dashboard"
  cd "$context/packages"
  npm pack --silent "node-linux-$machine@$version" npm@10
  cd - >/dev/null
  for package in node npm; do
    mkdir "$context/$package"
    tar --extract --strip-components=1 --directory "$context/$package" --file "$(ls "$context/packages/$package"-*.tgz)"
  done
  # Includes all packages of the dashboard, so that the build needs no registry.
  cp dashboard/package.json dashboard/package-lock.json "$context/dashboard"
  npm ci --prefix "$context/dashboard" --cache "$context/cache" --silent --no-audit --no-fund
  cat >"$context/Dockerfile" <<END
FROM $debian
COPY node/bin/node /usr/local/bin/node
COPY npm /usr/local/lib/node_modules/npm
RUN ln -s ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm
COPY cache /usr/local/cache
ENV npm_config_cache=/usr/local/cache npm_config_offline=true
END
  docker build --quiet --tag "$node" "$context"
  rm -rf "$context"
}

make_locust() {
  local context=$folder/locust
  announce "$locust" "Debian's Python and Locust from the Python package index"
  mkdir -p "$context"
  # For the Python of bookworm, even if this machine has another version.
  python3 -m pip install --quiet --no-warn-conflicts --disable-pip-version-check --target "$context/packages" \
    --python-version 3.11 --only-binary=:all: --requirement locust/requirements.txt
  printf '#!/bin/sh\nexec python3 -m locust "$@"\n' >"$context/locust"
  chmod +x "$context/locust"
  cat >"$context/Dockerfile" <<END
FROM $debian
RUN apt-get update && apt-get install --yes --no-install-recommends python3 && useradd --create-home locust
COPY packages /usr/local/lib/python3.11/dist-packages
COPY locust /usr/local/bin/locust
USER locust
WORKDIR /home/locust
ENTRYPOINT ["locust"]
END
  docker build --quiet --tag "$locust" "$context"
  rm -rf "$context"
}

make_postgres() {
  local context=$folder/postgres version=${postgres#*:}
  version=${version%%-*}
  announce "$postgres" "Debian's trixie and its postgresql-$version"
  debian_root trixie "postgresql-$version"
  tar --directory "$folder/trixie" --create . | docker import - debian:trixie-postgresql
  rm -rf "$folder/trixie"
  mkdir "$context"
  cp scripts/compose/postgres-entrypoint.sh "$context"
  cat >"$context/Dockerfile" <<END
FROM debian:trixie-postgresql
COPY postgres-entrypoint.sh /usr/local/bin
ENV PATH=/usr/lib/postgresql/$version/bin:\$PATH PGDATA=/var/lib/postgresql/data
VOLUME /var/lib/postgresql/data
STOPSIGNAL SIGINT
ENTRYPOINT ["postgres-entrypoint.sh"]
END
  docker build --quiet --tag "$postgres" "$context"
}

missing "$debian" && make_debian
missing "$rust" && make_rust
missing "$node" && make_node
missing "$postgres" && make_postgres
missing "$locust" && make_locust
docker image ls
