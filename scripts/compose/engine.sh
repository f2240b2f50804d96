# shellcheck shell=bash
# Functions, to be sourced, that run a Docker engine with its data and its socket in a given folder.

# start_engine FOLDER: installs a missing engine if possible, starts it and sets DOCKER_HOST.
start_engine() {
  local folder=$1 deadline=$((SECONDS + 60)) options=()
  if ((EUID)); then
    echo 'No Docker engine is running. Start one, or run this script as root so that it can start one.' >&2
    return 1
  fi
  if ! command -v dockerd >/dev/null || ! command -v docker >/dev/null || ! { command -v docker-compose || docker compose version; } >/dev/null 2>&1; then
    if ! command -v apt-get >/dev/null; then
      echo 'dockerd, docker or docker-compose is missing, and there is no apt-get. Install them.' >&2
      return 1
    fi
    echo 'Installing docker.io and docker-compose'
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends -qq docker.io docker-compose >/dev/null
  fi
  # By default, the engine chooses the best storage driver that works. In a container, often only vfs works.
  [[ -z ${COMPOSE_TEST_STORAGE_DRIVER:-} ]] || options+=(--storage-driver "$COMPOSE_TEST_STORAGE_DRIVER")
  mkdir -p "$folder/engine"
  export DOCKER_HOST=unix://$folder/engine/docker.sock
  ip link show docker0 >/dev/null 2>&1 || touch "$folder/engine/bridge-is-ours"
  # In a session of its own, so that an interrupt of the script does not stop the engine before the clean-up.
  setsid dockerd --host "$DOCKER_HOST" --data-root "$folder/engine/data" --exec-root "$folder/engine/exec" \
    --pidfile "$folder/engine/pid" "${options[@]}" >"$folder/engine/log" 2>&1 &
  engine_pid=$!
  until docker version >/dev/null 2>&1; do
    if ((SECONDS >= deadline)) || ! kill -0 "$engine_pid" 2>/dev/null; then
      echo 'The Docker engine does not start. The end of its log:' >&2
      tail -20 "$folder/engine/log" >&2
      return 1
    fi
    sleep 0.5
  done
  docker info --format 'Docker {{.ServerVersion}}, storage driver {{.Driver}}' 2>/dev/null
}

# stop_engine FOLDER: stops the engine that start_engine has started in this folder, if any.
stop_engine() {
  [[ -n ${engine_pid:-} ]] || return 0
  docker ps --quiet | xargs --no-run-if-empty docker kill >/dev/null 2>&1
  kill "$engine_pid" 2>/dev/null
  wait "$engine_pid" 2>/dev/null
  [[ ! -e $1/engine/bridge-is-ours ]] || ip link delete docker0 2>/dev/null
  return 0
}
