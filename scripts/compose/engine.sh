# shellcheck shell=bash
# A Docker engine in a folder: own data, own socket, stopped by its process id. To be sourced.

# start_engine FOLDER: installs the engine where that is possible and it is missing, starts it and sets DOCKER_HOST.
start_engine() {
  local folder=$1 deadline=$((SECONDS + 60)) options=()
  if ((EUID)); then
    echo 'No Docker engine answers. Start one, or run this as root, which starts one for itself.' >&2
    return 1
  fi
  if ! command -v dockerd docker >/dev/null || ! { command -v docker-compose || docker compose version; } >/dev/null 2>&1; then
    if ! command -v apt-get >/dev/null; then
      echo 'dockerd, docker or docker-compose is missing, and there is no apt-get to install them with.' >&2
      return 1
    fi
    echo 'Installing docker.io and docker-compose'
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends -qq docker.io docker-compose >/dev/null
  fi
  # It chooses the best driver that works here, which in a container is often vfs alone.
  [[ -z ${COMPOSE_TEST_STORAGE_DRIVER:-} ]] || options+=(--storage-driver "$COMPOSE_TEST_STORAGE_DRIVER")
  mkdir -p "$folder/engine"
  export DOCKER_HOST=unix://$folder/engine/docker.sock
  ip link show docker0 >/dev/null 2>&1 || touch "$folder/engine/bridge-is-ours"
  # In a session of its own: an interrupt meant for the script must not take the engine from under the clean-up.
  setsid dockerd --host "$DOCKER_HOST" --data-root "$folder/engine/data" --exec-root "$folder/engine/exec" \
    --pidfile "$folder/engine/pid" "${options[@]}" >"$folder/engine/log" 2>&1 &
  engine_pid=$!
  until docker version >/dev/null 2>&1; do
    if ((SECONDS >= deadline)) || ! kill -0 "$engine_pid" 2>/dev/null; then
      echo 'The engine does not start:' >&2
      tail -20 "$folder/engine/log" >&2
      return 1
    fi
    sleep 0.5
  done
  docker info --format 'Docker {{.ServerVersion}}, storage driver {{.Driver}}' 2>/dev/null
}

# stop_engine FOLDER: stops the engine that start_engine has started there, if it has.
stop_engine() {
  [[ -n ${engine_pid:-} ]] || return 0
  docker ps --quiet | xargs --no-run-if-empty docker kill >/dev/null 2>&1
  kill "$engine_pid" 2>/dev/null
  wait "$engine_pid" 2>/dev/null
  [[ ! -e $1/engine/bridge-is-ours ]] || ip link delete docker0 2>/dev/null
  return 0
}
