#!/usr/bin/env bash
# Shows what carry does; `--help` says what that is.
set -euo pipefail

usage() {
    cat <<'END'
Shows what carry does, on two etcds of its own that are gone afterwards: one is
filled with objects as a real kube-apiserver stored them, carry mirrors what the
example rules select into the other, and then follows three changes.

  deploy/quickstart.sh                  all of that
  deploy/quickstart.sh --stay [MINUTES] the two etcds alone, the one filled, to
                                        try things out: for 30 minutes, or until
                                        Enter or Ctrl-C
  deploy/quickstart.sh --help           print this

Needs Debian or Ubuntu with Rust, and root or sudo where something is missing.
Exits 0 only if everything was as it should be.
END
}

# Before anything is looked for or built.
case ${1:-} in
-h | --help)
    usage
    exit 0
    ;;
esac

cd "$(dirname "$0")/.."
# shellcheck source=deploy/prerequisites.sh
. deploy/prerequisites.sh
export ETCDCTL_API=3

EXAMPLE=deploy/examples
RULES=$EXAMPLE/rules.yaml
# A copy of the example's, in WORK: such a file is for its owner's eyes alone,
# and git keeps no such mode.
ENCRYPTION=
# What has to arrive: no more, no less.
SELECTED=(
    /registry/configmaps/unit-test/influxdb1
    /registry/namespaces/unique
    /registry/namespaces/unit-test
    /registry/secrets/unique/influxdb
)
BOUND_SECONDS=20

WORK=
PIDS=()

cleanup() {
    local status=$?
    trap - EXIT INT TERM
    if [ ${#PIDS[@]} != 0 ]; then
        kill "${PIDS[@]}" 2>/dev/null || true
        wait "${PIDS[@]}" 2>/dev/null || true
    fi
    if [ -n "$WORK" ]; then rm -rf "$WORK"; fi
    exit "$status"
}

wrong() {
    echo
    echo "NOT AS IT SHOULD BE: $*"
    if [ -s "$WORK/carry.log" ]; then
        echo "The end of what carry said:"
        tail -n 30 "$WORK/carry.log"
    fi
    exit 1
}

# --- time -------------------------------------------------------------------

now_ms() {
    local micros=${EPOCHREALTIME/[.,]/}
    echo $((micros / 1000))
}

# until_true WHAT COMMAND...: polls; says nothing.
until_true() {
    local what=$1 deadline=$((SECONDS + BOUND_SECONDS))
    shift
    until "$@"; do
        [ "$SECONDS" -lt "$deadline" ] || wrong "waited $BOUND_SECONDS s in vain for: $what"
        sleep 0.02
    done
}

# --- etcd -------------------------------------------------------------------

# A port below those that the system gives to outgoing connections.
free_port() {
    local port
    while :; do
        port=$((12000 + RANDOM % 20000))
        if ! (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
            echo "$port"
            return
        fi
    done
}

# start_etcd NAME: leaves its address in URL.
start_etcd() {
    local name=$1 client peer pid
    for _ in 1 2 3 4 5; do
        client=$(free_port) peer=$(free_port)
        URL=http://127.0.0.1:$client
        etcd --name="$name" --data-dir="$WORK/$name" \
            --listen-client-urls="$URL" --advertise-client-urls="$URL" \
            --listen-peer-urls="http://127.0.0.1:$peer" \
            --initial-advertise-peer-urls="http://127.0.0.1:$peer" \
            --initial-cluster="$name=http://127.0.0.1:$peer" \
            --heartbeat-interval=20 --election-timeout=200 \
            </dev/null >"$WORK/$name.log" 2>&1 &
        pid=$!
        if etcd_up "$pid" "$URL"; then
            PIDS+=("$pid")
            return
        fi
        rm -rf "${WORK:?}/$name"
    done
    cat "$WORK/$name.log"
    wrong "etcd did not start"
}

etcd_up() {
    local deadline=$((SECONDS + BOUND_SECONDS))
    while kill -0 "$1" 2>/dev/null; do
        if etcdctl --endpoints="$2" --dial-timeout=1s --command-timeout=2s get / >/dev/null 2>&1; then return 0; fi
        if [ "$SECONDS" -ge "$deadline" ]; then
            kill "$1"
            return 1
        fi
        sleep 0.05
    done
    return 1
}

at_source() {
    etcdctl --endpoints="$SOURCE" "$@"
}

at_dest() {
    etcdctl --endpoints="$DEST" "$@"
}

dest_keys() {
    at_dest get /registry --prefix --keys-only | sed '/^$/d'
}

# put_tree DIRECTORY: a file's path below it is its key.
put_tree() {
    local file
    while IFS= read -r file; do
        at_source put "/${file#"$1/"}" <"$file" >/dev/null
    done < <(find "$1" -type f | LC_ALL=C sort)
}

same_bytes() {
    cmp -s <(at_source get "$1" --print-value-only) <(at_dest get "$1" --print-value-only)
}

# dest_holds KEY...: exactly these, each byte-identical with the source.
dest_holds() {
    local key
    [ "$(dest_keys)" = "$(printf '%s\n' "$@")" ] || return 1
    for key in "$@"; do same_bytes "$key" || return 1; done
}

# --- carry ------------------------------------------------------------------

build_carry() {
    say "building carry (the first time this compiles RocksDB: 10 to 30 minutes on 2 cores)"
    cargo build --release --locked </dev/null >&2
    local target
    target=$(cargo metadata --format-version 1 --no-deps --offline | sed -n 's/.*"target_directory":"\([^"]*\)".*/\1/p')
    CARRY=$target/release/carry
    [ -x "$CARRY" ] || fail "there is no $CARRY after the build"
}

start_carry() {
    PORT=$(free_port)
    RUN=(run "--mirror-rule=$RULES" "--encryption-provider-config=$ENCRYPTION"
        "--master-endpoints=$SOURCE" "--slave-endpoints=$DEST"
        "--db-path=$WORK/ledger" --bind-address=127.0.0.1 "--bind-port=$PORT")
    "$CARRY" "${RUN[@]}" </dev/null >"$WORK/carry.log" 2>&1 &
    CARRY_PID=$!
    PIDS+=("$CARRY_PID")
}

ready() {
    kill -0 "$CARRY_PID" 2>/dev/null || wrong "carry has ended"
    local status
    status=$( (
        exec 3<>"/dev/tcp/127.0.0.1/$PORT"
        printf 'GET /readyz HTTP/1.0\r\nHost: localhost\r\n\r\n' >&3
        head -n 1 <&3
    ) 2>/dev/null) || return 1
    [[ $status == HTTP/*\ 200* ]]
}

explain() {
    echo
    echo "   \$ carry explain $1"
    "$CARRY" explain "$1" "--mirror-rule=$RULES" "--encryption-provider-config=$ENCRYPTION" \
        "--master-endpoints=$SOURCE" "--slave-endpoints=$DEST" </dev/null 2>&1 | sed 's/^/   | /'
}

# --- the show ---------------------------------------------------------------

show_source() {
    local key mark
    while IFS= read -r key; do
        mark='  '
        [[ " ${SELECTED[*]} " == *" $key "* ]] && mark='->'
        echo "   $mark $key"
    done < <(at_source get / --prefix --keys-only | sed '/^$/d')
}

show_arrived() {
    local key bytes
    for key in "${SELECTED[@]}"; do
        bytes=$(wc -c <"$EXAMPLE/stored$key")
        echo "   -> $key: byte-identical ($bytes bytes)"
    done
}

# followed BEGIN KEY...: waits until the destination holds exactly these.
followed() {
    local begin=$1
    shift
    until_true "the destination to hold exactly: $*" dest_holds "$@"
    echo "   followed within $(($(now_ms) - begin)) ms. The destination now holds:"
    printf '   -> %s\n' "$@"
}

update() {
    echo
    echo "5. At the source, the ConfigMap unit-test/influxdb1 gets other data."
    local key=/registry/configmaps/unit-test/influxdb1 begin
    begin=$(now_ms)
    at_source put "$key" <"$EXAMPLE/changed$key" >/dev/null
    followed "$begin" "${SELECTED[@]}"
}

relabel() {
    echo
    echo "6. The Namespace unique gets the label test.io/namespace-kind=public instead of"
    echo "   =unique. No rule selects it any longer, and none its Secret."
    local key=/registry/namespaces/unique begin
    begin=$(now_ms)
    at_source put "$key" <"$EXAMPLE/changed$key" >/dev/null
    followed "$begin" /registry/configmaps/unit-test/influxdb1 /registry/namespaces/unit-test
}

delete() {
    echo
    echo "7. The ConfigMap unit-test/influxdb1 is deleted at the source."
    local begin
    begin=$(now_ms)
    at_source del /registry/configmaps/unit-test/influxdb1 >/dev/null
    followed "$begin" /registry/namespaces/unit-test
}

stop() {
    local begin code=0
    begin=$(now_ms)
    kill "$CARRY_PID"
    wait "$CARRY_PID" || code=$?
    [ "$code" = 0 ] || wrong "carry ended with exit code $code after SIGTERM"
    echo
    echo "8. carry was told to stop (SIGTERM) and ended in good order within $(($(now_ms) - begin)) ms."
}

# stay MINUTES: leaves the two etcds to whoever reads this.
stay() {
    echo "Two etcds run here for $1 minutes, or until you press Enter or Ctrl-C: a source that"
    echo "holds what a real Kubernetes cluster stored, and an empty destination."
    echo "In another terminal:"
    echo
    echo "   cd $PWD"
    echo "   export CARRY_MASTER_ENDPOINTS=$SOURCE CARRY_SLAVE_ENDPOINTS=$DEST"
    echo "   export ETCDCTL_API=3 PATH=${CARRY%/*}:\$PATH"
    echo
    echo "The source's Secrets are encrypted. Whatever shall read them takes"
    echo "   --encryption-provider-config $ENCRYPTION"
    echo
    if [ -t 0 ]; then
        read -r -t "$(($1 * 60))" || true
    else
        sleep "$(($1 * 60))" &
        PIDS+=("$!")
        wait "$!" || true
    fi
}

main() {
    local minutes=
    case ${1:-} in
    '') ;;
    --stay)
        minutes=${2:-30}
        [[ $minutes =~ ^[1-9][0-9]*$ ]] || fail "\`--stay $minutes\`: give a number of minutes"
        ;;
    *) fail "unknown argument \`$1\`: give none, \`--stay [MINUTES]\`, or \`--help\`" ;;
    esac
    require_rust
    require_build_tools
    require_etcd
    build_carry

    trap cleanup EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM
    if [ -w /dev/shm ]; then WORK=$(mktemp -d /dev/shm/carry-quickstart.XXXXXX); else WORK=$(mktemp -d); fi

    ENCRYPTION=$WORK/secrets-encryption.yaml
    install -m 600 "$EXAMPLE/secrets-encryption.yaml" "$ENCRYPTION"

    local begin first
    begin=$(now_ms)
    start_etcd source && SOURCE=$URL
    start_etcd destination && DEST=$URL
    if [ -n "$minutes" ]; then
        put_tree "$EXAMPLE/stored"
        stay "$minutes"
        return
    fi
    echo "1. Two etcds run here for a moment: the source ($SOURCE) and the"
    echo "   destination ($DEST). $(etcd --version | head -n 1)"

    put_tree "$EXAMPLE/stored"
    echo
    echo "2. The source holds these keys, with the bytes of a real Kubernetes cluster. Those"
    echo "   marked with -> are the ones that $RULES should select:"
    show_source

    echo
    first=$(now_ms)
    start_carry
    echo "3. carry mirrors (settings for both etcds as above, its own files left out; the"
    echo "   encryption configuration is a copy of $EXAMPLE/secrets-encryption.yaml"
    echo "   that its owner alone can read):"
    echo "   \$ carry run --mirror-rule=$RULES \\"
    echo "       --encryption-provider-config=$ENCRYPTION \\"
    echo "       --master-endpoints=$SOURCE --slave-endpoints=$DEST"
    until_true "carry to be ready" ready
    echo "   caught up within $(($(now_ms) - first)) ms of its start. The destination holds exactly:"
    if grep ' WARN ' "$WORK/carry.log"; then wrong "carry warns"; fi
    dest_holds "${SELECTED[@]}" || wrong "the destination holds: $(dest_keys | tr '\n' ' ')"
    show_arrived

    echo
    echo "4. Why one Secret came along and the other did not:"
    explain /registry/secrets/unique/influxdb || wrong "explain failed"
    explain /registry/secrets/unique/exclude-me-secret || wrong "explain failed"

    update
    relabel
    delete
    stop
    echo
    echo "All as it should be, in $(($(now_ms) - begin)) ms."
}

main "$@"
