# What carry needs to be built and tried out on Debian or Ubuntu, for the
# scripts beside it and in tests/: this file is sourced, it does nothing by
# itself. Only what is missing is installed, and only then is a network needed.

say() {
    printf '%s\n' "$*" >&2
}

fail() {
    say "error: $*"
    exit 2
}

# A rustup installation that the shell has not been told of yet.
require_rust() {
    if ! command -v cargo >/dev/null && [ -x "${CARGO_HOME:-${HOME:-}/.cargo}/bin/cargo" ]; then
        PATH="${CARGO_HOME:-$HOME/.cargo}/bin:$PATH"
    fi
    command -v cargo >/dev/null || fail "cargo is missing: install Rust first, see https://rustup.rs"
}

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        fail "cannot run \`$*\`: become root, or install sudo"
    fi
}

apt_install() {
    command -v apt-get >/dev/null || fail "please install: $* (no apt-get here)"
    say "installing: $*"
    as_root apt-get update -qq >&2 </dev/null || say "apt-get update failed; going on with the lists that are there"
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >&2 </dev/null ||
        fail "apt-get could not install: $*"
}

has_libclang() {
    [ -n "${LIBCLANG_PATH:-}" ] || compgen -G '/usr/lib/llvm-*/lib/libclang*.so*' >/dev/null ||
        compgen -G '/usr/lib/*/libclang*.so*' >/dev/null
}

# The definitions that come with protoc, which Debian packages by themselves.
has_protobuf_includes() {
    local protoc
    protoc=$(command -v protoc) || return 1
    [ -n "${PROTOC_INCLUDE:-}" ] || [ -e /usr/include/google/protobuf/struct.proto ] ||
        [ -e "$(dirname "$(readlink -f "$protoc")")/../include/google/protobuf/struct.proto" ]
}

# The compilers: RocksDB is C++ (bound by bindgen, which needs libclang), etcd's
# protocol is compiled by protoc.
require_build_tools() {
    local missing=()
    command -v cc >/dev/null || missing+=(gcc libc6-dev)
    command -v c++ >/dev/null || missing+=(g++)
    command -v make >/dev/null || missing+=(make)
    command -v clang >/dev/null || missing+=(clang)
    has_libclang || missing+=(libclang-dev)
    command -v protoc >/dev/null || missing+=(protobuf-compiler)
    has_protobuf_includes || missing+=(libprotobuf-dev)
    [ ${#missing[@]} = 0 ] || apt_install "${missing[@]}"
}

require_etcd() {
    local missing=()
    command -v etcd >/dev/null || missing+=(etcd-server)
    command -v etcdctl >/dev/null || missing+=(etcd-client)
    [ ${#missing[@]} = 0 ] && return
    apt_install "${missing[@]}"
    if [ -d /run/systemd/system ]; then
        say "note: the package etcd-server has started a service of its own on 127.0.0.1:2379."
        say "      carry does not use it; \`systemctl disable --now etcd\` turns it off."
    fi
}
