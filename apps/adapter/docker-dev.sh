#!/usr/bin/env bash
# The entrypoint of the image `dev`: builds a program of the mounted sources and starts it, and again whenever a source
# changes. A build or a migration that fails leaves the container up: for `exec`, and for the change that mends it.
#
#   docker-dev.sh adapter | web
set -u
cd /src || exit 1

# With a toolchain, that is: without one, the image brings the programs, and only revisions can change.
build() {
    local packages=(--package "$1")
    [ "$1" != adapter ] || packages+=(--package limbeck-cli)
    ! command -v cargo >/dev/null || cargo build --no-default-features "${packages[@]}"
}

start() {
    build "$1" || exit
    [ "$1" = adapter ] || exec "$@"
    cd apps/adapter || exit
    exec docker-entrypoint.sh "$@"
}

watched() {
    find apps crates -type f \
        \( -name '*.rs' -o -name '*.sql' -o -name '*.toml' -o -name '*.html' -o -name '*.css' \) 2>/dev/null
}

if [ "$1" = --once ]; then
    shift
    start "$@"
fi

# The first process of a container hears only the signals that it asks for.
trap 'kill "$entr" 2>/dev/null; wait "$entr"; exit 143' TERM INT
while :; do
    # It ends when a file comes or goes, to look for the sources anew.
    entr -dnr "$0" --once "$@" < <(watched) &
    entr=$!
    wait "$entr"
    sleep 0.2
done
