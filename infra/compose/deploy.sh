#!/usr/bin/env bash
# Deploys a release of the adapter beside the one that runs, and takes the old one away when the new one is ready. No
# request is refused, since the proxy sends them to those that are ready only.
#
#   ./deploy.sh transform-army/adapter:2026-11-27
#
# Back to the release before: the same with its image; a database that is ahead of a release does not hinder it. A release
# that does not become ready is removed again, and the old one goes on.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
image=${1:?usage: deploy.sh IMAGE}

# The program, or the plugin.
docker_compose=(docker-compose)
command -v docker-compose >/dev/null || docker_compose=(docker compose)
compose() { "${docker_compose[@]}" -f docker-compose.prod.yml -f docker-compose.proxy.yml "$@"; }
say() { printf 'deploy: %s\n' "$*" >&2; }

old=$(compose ps -q adapter | sort)
[ -n "$old" ] || { say "no adapter runs; start with: docker-compose -f docker-compose.prod.yml -f docker-compose.proxy.yml up -d"; exit 1; }
count=$(wc -l <<<"$old")

# The containers that came since.
added() { comm -13 <(echo "$old") <(compose ps -q adapter | sort); }

removed() {
    # Whatever came, also where Compose failed half way.
    local new
    new=$(added)
    # shellcheck disable=SC2086 # One word for each container.
    [ -z "$new" ] || docker rm --force --volumes $new >/dev/null
    say "$image was not deployed; what ran before goes on"
}
trap removed EXIT

# Waits until a container is healthy.
healthy() {
    local state
    while state=$(docker inspect --format '{{.RestartCount}} {{.State.Health.Status}}' "$1"); do
        case $state in
            "0 healthy") return ;;
            "0 starting") sleep 1 ;;
            *) docker logs --tail 40 "$1" >&2; break ;;
        esac
    done
    say "it does not start"
    return 1
}

# The first one migrates. One at a time, so that the proxy always has more that are ready than that are not.
for number in $(seq "$count"); do
    say "starting adapter $number of $count of $image"
    ADAPTER_IMAGE=$image compose up -d --no-deps --no-recreate --scale "adapter=$((count + number))" adapter
    for container in $(added); do
        healthy "$container"
    done
done

# Until the proxy has seen the new ones.
sleep 3
trap - EXIT
say "ready; stopping the old ones"
for container in $old; do
    docker stop -t 30 "$container" >/dev/null
    docker rm --volumes "$container" >/dev/null
done
say "$image is deployed. Write ADAPTER_IMAGE=$image into .env, so that the next \`up\` keeps it"
