#!/usr/bin/env bash
# Tests compose.yaml: starts all services, sends requests, puts load on them, restarts them, and checks that
# the data are still there.
#
# Uses the running Docker engine. If there is none, and the script runs as root, it starts an engine in a
# temporary folder, with stand-ins for base images that cannot be pulled, and removes it at the end. The
# project has a name of its own, so it does not touch containers and volumes of a real `docker compose up -d`
# in this folder.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/compose/engine.sh
source scripts/compose/engine.sh

work=$(mktemp -d "${TMPDIR:-/var/tmp}/device-stats-compose.XXXXXX")
export COMPOSE_PROJECT_NAME=device-stats-test
# Contains special characters of addresses, to test that they are escaped.
export POSTGRES_USER=device_stats POSTGRES_PASSWORD='p@ss/w:rd?%20 &#' POSTGRES_DB=device_stats_test
# Container and volume of the test of the image alone.
alone=$COMPOSE_PROJECT_NAME-alone
compose=()

say() { printf '\n== %s\n' "$*"; }
fail() {
  printf '\nFAILED: %s\n' "$*" >&2
  exit 1
}

remove_all() {
  "${compose[@]}" down --volumes --remove-orphans >/dev/null 2>&1 || true
  docker rm --force "$alone" >/dev/null 2>&1 || true
  docker volume rm "$alone" >/dev/null 2>&1 || true
}

clean_up() {
  local code=$?
  trap - EXIT
  set +e
  if ((${#compose[@]})); then
    if ((code)); then
      say 'Logs of the containers'
      "${compose[@]}" ps
      "${compose[@]}" logs --tail=40
      docker logs --tail=40 "$alone"
    fi
    say 'Cleaning up'
    remove_all
  fi
  stop_engine "$work"
  rm -rf "$work"
  exit "$code"
}
trap clean_up EXIT
trap 'exit 130' INT TERM

# free_port PORT: the first free port of PORT, PORT + 10000 and so on.
free_port() {
  local port=$1
  while (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do port=$((port + 10000)); done
  printf '%s' "$port"
}

container() { "${compose[@]}" ps --all --quiet "$1"; }

# wait_healthy NAME CONTAINER: waits until the container is healthy, for at most 120 seconds.
wait_healthy() {
  local state=none deadline=$((SECONDS + 120))
  until state=$(docker inspect --format '{{.State.Health.Status}}' "$2") && [[ $state == healthy ]]; do
    ((SECONDS < deadline)) || fail "$1 is $state"
    sleep 1
  done
  echo "$1 is healthy"
}

wait_all() {
  local service state
  for service in db app locust; do wait_healthy "$service" "$(container "$service")"; done
  state=$(docker inspect --format '{{.State.Status}} {{.State.ExitCode}}' "$(container migration)")
  [[ $state == 'exited 0' ]] || fail "the migration did not succeed: $state"
  echo "migration has $state"
}

# expect METHOD PATH STATUS JSON [BODY]: sends a request and compares the response, as JSON values.
expect() {
  local method=$1 path=$2 status=$3 expected=$4 answered
  local request=(curl --silent --show-error --max-time 10 --request "$method" --output "$work/answer" --write-out '%{http_code}')
  (($# < 5)) || request+=(--header 'Content-Type: application/json' --data "$5")
  answered=$("${request[@]}" "$app$path")
  if [[ $answered != "$status" ]] ||
    ! python3 -c 'import json, sys; sys.exit(json.load(open(sys.argv[1])) != json.loads(sys.argv[2]))' "$work/answer" "$expected"; then
    fail "$method $path: answered $answered $(<"$work/answer"), expected $status $expected"
  fi
  echo "$method $path: $(<"$work/answer")"
}

expect_new_pump() {
  expect POST /api/v1/users/ 201 '{"username":"ada","email":"ada@example.com","id":1}' '{"username":"ada","email":"ada@example.com"}'
  expect POST /api/v1/devices/ 201 '{"device_id":"pump","name":null,"user_id":1,"id":1}' '{"device_id":"pump","user_id":1}'
  expect POST /api/v1/stats/devices/pump/batch 201 '{"accepted":3,"duplicates":0,"conflicts":0}' \
    '[{"x":0.1,"y":-1,"z":0},{"x":0.2,"y":2,"z":0},{"x":0.3,"y":4,"z":0}]'
}

expect_analysis() {
  # With rounding at each step, 0.1 + 0.2 + 0.3 would be 0.6000000000000001.
  local x='{"min_value":0.1,"max_value":0.3,"count":3,"sum":0.6,"median":0.2}'
  local y='{"min_value":-1,"max_value":4,"count":3,"sum":5,"median":2}'
  local z='{"min_value":0,"max_value":0,"count":3,"sum":0,"median":0}'
  expect POST /api/v1/stats/devices/pump/analyze 200 \
    "{\"x\":$x,\"y\":$y,\"z\":$z,\"period_start\":null,\"period_end\":null}" '{}'
}

if ! docker version >/dev/null 2>&1; then
  say 'Starting a Docker engine, because none is running'
  start_engine "$work"
  scripts/compose/stand-ins.sh "$work"
fi
if docker compose version >/dev/null 2>&1; then compose=(docker compose); else compose=(docker-compose); fi

APP_PUBLISH=127.0.0.1:$(free_port 8000) DB_PUBLISH=127.0.0.1:$(free_port 5432) LOCUST_PUBLISH=127.0.0.1:$(free_port 8089)
export APP_PUBLISH DB_PUBLISH LOCUST_PUBLISH
app=http://$APP_PUBLISH

say "Building with $("${compose[@]}" version --short)"
"${compose[@]}" build
docker image inspect --format 'device-stats: {{.Size}} bytes, user {{.Config.User}}' device-stats

say 'Up'
# A killed earlier test may have left containers.
remove_all
"${compose[@]}" up --detach
wait_all
[[ $("${compose[@]}" exec -T app id --user) == 10001 ]] || fail 'the service does not run as user 10001'

say 'A user, a device, three readings, an analysis'
expect_new_pump
expect_analysis

say 'The web page of Locust'
page=$(curl --silent --show-error --fail --max-time 10 "http://$LOCUST_PUBLISH")
[[ $page == *'<title>Locust'* ]] || fail 'the web page of Locust is missing'
echo "answers at $LOCUST_PUBLISH"

say 'Load with Locust, without its web page'
"${compose[@]}" exec -T locust locust --locustfile /mnt/locust/locustfile.py --host http://app:8000 --headless \
  --only-summary --users 20 --spawn-rate 20 --run-time 15s --stop-timeout 30

say 'Down and up again: the data must be there'
"${compose[@]}" stop app
[[ $(docker inspect --format '{{.State.ExitCode}}' "$(container app)") == 0 ]] || fail 'the service did not stop cleanly'
"${compose[@]}" down
"${compose[@]}" up --detach
wait_all
expect_analysis

say 'Down, deleting the data'
"${compose[@]}" down --volumes
[[ -z $(docker volume ls --quiet --filter "label=com.docker.compose.project=$COMPOSE_PROJECT_NAME") ]] || fail 'a volume still exists'

say 'The image alone: the embedded store in a volume'
run_alone() {
  docker run --detach --name "$alone" --publish "$APP_PUBLISH:8000" --volume "$alone:/var/lib/device-stats" \
    --env DEVICE_STATS_AUTH=open device-stats
  wait_healthy 'the image alone' "$alone"
}
run_alone
expect_new_pump
docker rm --force "$alone"
run_alone
expect_analysis

docker rm --force "$alone"

say 'The variant with tokens'
docker run --rm device-stats token generate >"$work/admin.token"
chmod 644 "$work/admin.token"
export ADMIN_TOKEN_FILE=$work/admin.token
compose+=(--file compose.yaml --file compose.token.yaml)
"${compose[@]}" up --detach
wait_all
[[ $(curl --silent --output /dev/null --write-out '%{http_code}' "$app/api/v1/users/") == 401 ]] || fail 'a request without a token was accepted'
curl --silent --show-error --fail --header "Authorization: Bearer $(<"$work/admin.token")" "$app/api/v1/users/"

say 'All checks passed.'
