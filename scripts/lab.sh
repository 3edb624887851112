# shellcheck shell=bash
# Two hosts in network namespaces, joined only through ringway in a third. Source this file.
#
#   host A                          ringway                             host B
#   192.0.2.10/24  eth0 -- rw-lan  192.0.2.1 | 198.51.100.1  rw-wan -- eth0  198.51.100.2/24
#   SLAAC, 2001:db8:1::/64 ----  2001:db8:1::1 | 2001:db8:2::1  ---- 2001:db8:2::2/64, after lab_ipv6
#
# LAB names the lab (default: the process number), so that several can stand side by side. LAB_DRIVER is the driver of the
# ports whose file names none (default: what ringway chooses, `auto`). Nothing outside the three
# namespaces and LAB_DIR is touched, and only processes that were started here are ended, each by its number.
set -euo pipefail

RINGWAY_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
RINGWAY=${RINGWAY:-${CARGO_TARGET_DIR:-$RINGWAY_ROOT/target}/release/ringway}
LAB=${LAB:-$$}
LAB_A=rw-a-$LAB
LAB_B=rw-b-$LAB
LAB_ROUTER=rw-router-$LAB
LAB_DIR=/run/ringway-lab-$LAB
LAB_CONFIG=$RINGWAY_ROOT/config/examples/lab.toml
LAB_SOCKET=$LAB_DIR/ringway.sock
LAB_LOG=$LAB_DIR/ringway.log
export RINGWAY LAB_A LAB_B LAB_ROUTER LAB_SOCKET LAB_CONFIG LAB_LOG

in_a() { ip netns exec "$LAB_A" "$@"; }
in_b() { ip netns exec "$LAB_B" "$@"; }
in_router() { ip netns exec "$LAB_ROUTER" "$@"; }

# One command to the ringway of this lab.
rw() { "$RINGWAY" cli --socket "$LAB_SOCKET" "$@"; }

# lab_up: makes the three namespaces and the two cables; what an earlier run of the same name left behind goes first.
lab_up() {
    lab_down
    mkdir -p "$LAB_DIR"
    local namespace
    for namespace in "$LAB_A" "$LAB_B" "$LAB_ROUTER"; do
        ip netns add "$namespace"
        # The kernel's own IPv6 chatter would only blur the counters; forwarding by the kernel would fake the result.
        ip netns exec "$namespace" sh -c '
            echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6
            echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6
            echo 0 >/proc/sys/net/ipv4/ip_forward' 2>/dev/null || true
        ip -n "$namespace" link set lo up
    done
    lab_cable "$LAB_A" eth0 rw-lan
    lab_cable "$LAB_B" eth0 rw-wan
    ip -n "$LAB_A" address add 192.0.2.10/24 dev eth0
    ip -n "$LAB_B" address add 198.51.100.2/24 dev eth0
    ip -n "$LAB_A" route add default via 192.0.2.1
    ip -n "$LAB_B" route add default via 198.51.100.1
}

# lab_ipv6: gives both hosts IPv6, which lab_up leaves off: host A by what ringway advertises, host B by hand.
lab_ipv6() {
    local namespace
    for namespace in "$LAB_A" "$LAB_B"; do
        ip netns exec "$namespace" sh -c 'for scope in all default eth0; do
            echo 0 >/proc/sys/net/ipv6/conf/$scope/disable_ipv6
        done'
        # The kernel forms the link-local address when the device comes up.
        ip -n "$namespace" link set eth0 down
        ip -n "$namespace" link set eth0 up
    done
    ip -n "$LAB_A" route replace default via 192.0.2.1
    ip -n "$LAB_B" route replace default via 198.51.100.1
    ip -n "$LAB_B" address add 2001:db8:2::2/64 dev eth0 nodad
    ip -n "$LAB_B" -6 route add default via 2001:db8:2::1
}

# lab_address6: the global address that host A has formed, once it may be used; nothing before.
lab_address6() {
    ip -n "$LAB_A" -json -6 address show dev eth0 scope global -tentative |
        jq -re '[.[].addr_info[]? | select(.scope == "global") | .local][0] // empty'
}

# lab_wait6: waits up to 15 s until host A has a global address.
lab_wait6() {
    local turn
    for turn in {1..150}; do
        if lab_address6 >/dev/null; then return 0; fi
        sleep 0.1
    done
    return 1
}

# lab_cable NAMESPACE DEVICE PEER: a veth pair from DEVICE in a host's namespace to PEER in ringway's.
lab_cable() {
    ip link add name "$2" netns "$1" type veth peer name "$3" netns "$LAB_ROUTER"
    ip -n "$1" link set "$2" up
    ip -n "$LAB_ROUTER" link set "$3" up
}

# lab_down: takes everything away again; does nothing when there is nothing.
lab_down() {
    local pid_file namespace
    for pid_file in "$LAB_DIR"/*.pid; do
        if [[ -e $pid_file ]]; then lab_end "$(basename "$pid_file" .pid)"; fi
    done
    for namespace in "$LAB_A" "$LAB_B" "$LAB_ROUTER"; do
        if [[ -e /run/netns/$namespace ]]; then ip netns delete "$namespace"; fi
    done
    rm -rf "$LAB_DIR"
}

# lab_background NAME NAMESPACE COMMAND...: starts a process that lab_down ends; its output goes to LAB_DIR/NAME.log.
# Its number is in LAB_PID afterwards.
lab_background() {
    local name=$1 namespace=$2
    shift 2
    # ip netns exec replaces itself by the command, so the number is the command's own.
    ip netns exec "$namespace" "$@" </dev/null >"$LAB_DIR/$name.log" 2>&1 &
    LAB_PID=$!
    echo "$LAB_PID $(lab_birth "$LAB_PID")" >"$LAB_DIR/$name.pid"
}

# lab_birth PID: when the process began, in ticks since boot; with its number this names a process for good.
lab_birth() { sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -d' ' -f20; }

# lab_end NAME: ends a process that lab_background started, if it still runs.
lab_end() {
    local pid birth turn
    read -r pid birth <"$LAB_DIR/$1.pid" || return 0
    rm -f "$LAB_DIR/$1.pid"
    for turn in {1..50}; do
        if [[ -z $birth || $(lab_birth "$pid") != "$birth" ]] || lab_is_over "$pid"; then return 0; fi
        if ((turn == 1)); then kill -TERM "$pid" 2>/dev/null || true; fi
        sleep 0.1
    done
    echo "$1 (process $pid) did not end by SIGTERM within 5 s and was killed" >&2
    kill -KILL "$pid" 2>/dev/null || true
}

# lab_is_over PID: the process has ended, whether or not its parent has asked how.
lab_is_over() {
    local state
    state=$(sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -d' ' -f1) || true
    [[ -z $state || $state == Z ]]
}

# listens NAMESPACE PORT: a program there waits for TCP connections on this port. `ss` itself succeeds whether it finds one or not.
listens() { ip netns exec "$1" ss -Htln "sport = $2" | grep -q .; }

# start_ringway FILE: runs ringway on FILE and returns when it answers commands; `-` is the standard input. Its process
# number is in RINGWAY_PID afterwards.
start_ringway() {
    local file=$1 turn
    if [[ $file == - ]]; then file=$LAB_DIR/ringway.toml && cat >"$file"; fi
    if [[ ${LAB_DRIVER:-auto} != auto ]]; then
        # Within each [[port]] that has a device and no driver.
        awk -v driver="$LAB_DRIVER" '
            function finish() { if (port && device && !named) printf "driver = \"%s\"\n", driver; port = 0 }
            /^\[/ { finish(); port = /^\[\[port\]\]/; device = named = 0 }
            /^device/ { device = 1 } /^driver/ { named = 1 }
            /^$/ { finish() } { print } END { finish() }' "$file" >"$LAB_DIR/driver.toml"
        file=$LAB_DIR/driver.toml
    fi
    lab_background ringway "$LAB_ROUTER" "$RINGWAY" run --socket "$LAB_SOCKET" "$file"
    RINGWAY_PID=$LAB_PID
    for turn in {1..100}; do
        if [[ -S $LAB_SOCKET ]] && rw show workers >/dev/null 2>&1; then return 0; fi
        if lab_is_over "$RINGWAY_PID"; then break; fi
        sleep 0.1
    done
    echo "ringway did not come up; its log:" >&2
    sed 's/^/    /' "$LAB_LOG" >&2
    return 1
}

# stop_ringway [SIGNAL]: ends ringway by SIGTERM or the signal given, and fails unless it exits with status 0 within 10 s.
stop_ringway() {
    kill -s "${1:-TERM}" "$RINGWAY_PID" 2>/dev/null || true
    wait_ringway
}

# wait_ringway: waits up to 10 s for ringway to end by itself and fails unless its exit status is 0.
wait_ringway() {
    local turn status=0
    for turn in {1..100}; do
        if lab_is_over "$RINGWAY_PID"; then break; fi
        sleep 0.1
    done
    if ! lab_is_over "$RINGWAY_PID"; then
        echo "ringway did not stop within 10 s; its log:" >&2
        sed 's/^/    /' "$LAB_LOG" >&2
        return 1
    fi
    wait "$RINGWAY_PID" || status=$?
    rm -f "$LAB_DIR/ringway.pid"
    if ((status != 0)); then
        echo "ringway ended with status $status; its log:" >&2
        sed 's/^/    /' "$LAB_LOG" >&2
        return 1
    fi
}

# audit: every buffer of every worker is accounted for; prints the account.
audit() {
    local account
    account=$(rw --json show pool) || return 1
    rw show pool
    if ! jq -e '[.. | objects | select(has("exact")) | .exact] | length > 0 and all' <<<"$account" >/dev/null; then
        echo "the audit does not close: $account" >&2
        return 1
    fi
}
