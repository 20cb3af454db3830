#!/usr/bin/env bash
# Makes stand-ins for the public base images where they cannot be pulled (no registry within reach).
#
#   infra/stand-ins.sh [IMAGE...]     the images that are to be there, by default all of them
#
# An image that is present is left as it is; one that can be pulled is pulled; only the rest is made here, from
# Debian's packages and this machine's Rust. What is made bears the label `limbeck.stand-in`:
#
#   docker image ls --filter label=limbeck.stand-in
#
# The stand-ins keep what the Dockerfiles and compose files of this repository rely on, and nothing beyond that. They
# are for tests on machines without a registry, not for production.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/stand-ins"

debian=debian:bookworm-slim
known=("$debian" postgres:15 redis:7 haproxy:2.6 rust:1-bookworm)

say() { printf 'stand-ins: %s\n' "$*" >&2; }
fail() { say "$*"; exit 1; }

present() { docker image inspect "$1" >/dev/null 2>&1; }

# Without a registry a pull fails at once, or never ends.
pulled() { timeout "${PULL_TIMEOUT:-90}" docker pull --quiet "$1" >/dev/null 2>&1; }

# What the official slim image leaves out, and how apt behaves in it.
slim() {
    cat >"$1/etc/dpkg/dpkg.cfg.d/docker" <<'CONF'
path-exclude /usr/share/doc/*
path-include /usr/share/doc/*/copyright
path-exclude /usr/share/man/*
path-exclude /usr/share/locale/*
path-exclude /usr/share/info/*
path-exclude /usr/share/groff/*
path-exclude /usr/share/lintian/*
path-exclude /usr/share/linda/*
force-unsafe-io
CONF
    cat >"$1/etc/apt/apt.conf.d/docker" <<'CONF'
APT::Install-Recommends "false";
Acquire::Languages "none";
Acquire::GzipIndexes "true";
Apt::AutoRemove::SuggestsImportant "false";
DPkg::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb /var/cache/apt/*.bin || true"; };
Dir::Cache::pkgcache "";
Dir::Cache::srcpkgcache "";
CONF
    printf '#!/bin/sh\nexit 101\n' >"$1/usr/sbin/policy-rc.d"
    chmod +x "$1/usr/sbin/policy-rc.d"
    find "$1/usr/share/doc" -type f ! -name copyright -delete
    find "$1/usr/share/doc" -type l -delete
    find "$1/usr/share/doc" -type d -empty -delete
    rm -rf "$1"/usr/share/{man,info,groff,lintian,linda}/* "$1"/usr/share/locale/* \
        "$1"/var/lib/apt/lists/* "$1"/var/cache/apt/*.bin "$1"/var/cache/apt/archives/*.deb \
        "$1"/var/log/{dpkg,bootstrap,alternatives}.log "$1"/var/log/apt/* "$1"/var/cache/ldconfig/aux-cache
    rm -f "$1/etc/hostname" "$1/etc/resolv.conf"
}

make_debian() {
    command -v debootstrap >/dev/null || fail "debootstrap is needed to make $debian (apt-get install debootstrap)"
    [ "$(id -u)" = 0 ] || fail "debootstrap works for root only: run this once as root to make $debian"
    local mirror=${DEBIAN_MIRROR:-http://deb.debian.org} root
    root=$(mktemp -d)
    # debootstrap leaves files that only a subshell's trap surely removes.
    (
        trap 'rm -rf "$root"' EXIT
        chmod 755 "$root"
        DEBIAN_FRONTEND=noninteractive debootstrap --variant=minbase bookworm "$root" "$mirror/debian" \
            </dev/null >"$root.log" 2>&1 ||
            { tail -n 20 "$root.log" >&2; fail "debootstrap failed; all it said is in $root.log"; }
        rm -f "$root.log"
        cat >"$root/etc/apt/sources.list" <<CONF
deb $mirror/debian bookworm main
deb $mirror/debian bookworm-updates main
deb $mirror/debian-security bookworm-security main
CONF
        slim "$root"
        tar -C "$root" --numeric-owner -c . |
            docker import --change 'CMD ["bash"]' --change 'LABEL limbeck.stand-in=debian' - "$debian" >/dev/null
    )
}

# A Dockerfile here, on top of Debian.
build() {
    local log
    log=$(docker build --label "limbeck.stand-in=$2" --tag "$1" "${3:-$2}" 2>&1) ||
        { tail -n 40 >&2 <<<"$log"; fail "$1 cannot be built"; }
}

# The host's toolchain without its documentation, its linker and C compiler from Debian, and the host's certificates:
# where a proxy signs the traffic, cargo inside needs them too.
make_rust() {
    command -v rustc >/dev/null || fail "rustc is needed to make rust:1-bookworm (https://rustup.rs)"
    local context sysroot
    context=$(mktemp -d)
    sysroot=$(rustc --print sysroot)
    (
        trap 'rm -rf "$context"' EXIT
        cp rust/Dockerfile "$context"
        cp "${SSL_CERT_FILE:-/etc/ssl/certs/ca-certificates.crt}" "$context/ca-certificates.crt"
        mkdir "$context/toolchain"
        cp -a "$sysroot/bin" "$sysroot/lib" "$context/toolchain"
        [ ! -d "$sysroot/libexec" ] || cp -a "$sysroot/libexec" "$context/toolchain"
        build rust:1-bookworm rust "$context"
    )
}

make() {
    case $1 in
        "$debian") make_debian ;;
        postgres:15) build postgres:15 postgres ;;
        redis:7) build redis:7 redis ;;
        haproxy:2.6) build haproxy:2.6 haproxy ;;
        rust:1-bookworm) make_rust ;;
        *) fail "there is no stand-in for $1, only for: ${known[*]}" ;;
    esac
}

ensure() {
    ! present "$1" || return 0
    if pulled "$1"; then say "$1 was pulled"; return 0; fi
    # Every other one stands on Debian.
    [ "$1" = "$debian" ] || ensure "$debian"
    say "$1 cannot be pulled: making a stand-in"
    make "$1"
}

command -v docker >/dev/null || fail "Docker is needed (Debian: apt-get install docker.io docker-compose)"
docker version >/dev/null 2>&1 || fail "the Docker daemon does not answer: $(docker version 2>&1 >/dev/null | tail -n 1)"
for image in "${@:-${known[@]}}"; do ensure "$image"; done
