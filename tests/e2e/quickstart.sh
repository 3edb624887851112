#!/usr/bin/env bash
# scripts/quickstart does what it says, leaves nothing behind, and with --keep what it tells to try works.
source "$(dirname "$0")/../../scripts/expect.sh"

if [[ -e /run/ringway-lab-quickstart || -e /run/ringway/ringway.sock ]]; then
    echo "a quickstart or a ringway of yours is running; this test would end it. End it first: scripts/quickstart --down" >&2
    exit 1
fi
mkdir -p "$LAB_DIR"
quickstart=$RINGWAY_ROOT/scripts/quickstart
pages=$(cat /proc/sys/vm/nr_hugepages 2>/dev/null) || pages=""

check "scripts/quickstart succeeds" "$quickstart"
sees "and shows how" "PASS|done" cat "$LAB_DIR/output"
sees_not "no namespace is left" "quickstart" ip netns list
check "no socket is left" test ! -e /run/ringway/ringway.sock
sees "the huge pages are given back" "^$pages$" sh -c 'cat /proc/sys/vm/nr_hugepages 2>/dev/null'

trap '"$quickstart" --down >/dev/null; lab_down' EXIT
check "scripts/quickstart --keep succeeds" "$quickstart" --keep
sees "hosts still reach each other" " 0% packet loss" ip netns exec rw-a-quickstart ping -n -c 2 -i 0.2 -W 2 198.51.100.2
sees "ringway cli finds it without being told" "RX-packets: [1-9]" "$RINGWAY" cli show port stats all
sees "route get explains" "198\.51\.100" "$RINGWAY" cli route get 198.51.100.2
check "a blackhole as it says" "$RINGWAY" cli route add blackhole 198.51.100.2/32
sees "swallows" "100% packet loss" ip netns exec rw-a-quickstart ping -n -c 1 -W 1 198.51.100.2
check "until it is taken away" "$RINGWAY" cli route del 198.51.100.2/32
sees "and then they reach each other again" " 0% packet loss" ip netns exec rw-a-quickstart ping -n -c 2 -i 0.2 -W 2 198.51.100.2
check "scripts/quickstart --down ends it" "$quickstart" --down
sees_not "no namespace is left" "quickstart" ip netns list
check "a second --down is harmless" "$quickstart" --down

finish
