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

compose() { docker-compose -f docker-compose.prod.yml -f docker-compose.proxy.yml "$@"; }
say() { printf 'deploy: %s\n' "$*" >&2; }

old=$(compose ps -q adapter | sort)
[ -n "$old" ] || { say "no adapter runs; start with: docker-compose -f docker-compose.prod.yml -f docker-compose.proxy.yml up -d"; exit 1; }
count=$(wc -l <<<"$old")
new=
removed() {
    # Whatever came, also where Compose failed half way.
    new=$(compose ps -q --all adapter 2>/dev/null || compose ps -q adapter)
    new=$(comm -13 <(echo "$old") <(sort <<<"$new"))
    [ -z "$new" ] || docker rm --force --volumes $new >/dev/null
    say "$image was not deployed; what ran before goes on"
}
trap removed EXIT

say "starting $count adapters of $image"
ADAPTER_IMAGE=$image compose up -d --no-deps --no-recreate --scale "adapter=$((2 * count))" adapter
new=$(comm -13 <(echo "$old") <(compose ps -q adapter | sort))
for container in $new; do
    while state=$(docker inspect --format '{{.RestartCount}} {{.State.Health.Status}}' "$container"); do
        case $state in
            "0 healthy") break ;;
            "0 starting") sleep 1 ;;
            *) docker logs --tail 40 "$container" >&2; say "it does not start"; exit 1 ;;
        esac
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
