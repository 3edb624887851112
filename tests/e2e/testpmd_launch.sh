#!/usr/bin/env bash
# `ringway testpmd` on ports of its own: options, prompt from a pipe, command socket, modes, cores and lists.
source "$(dirname "$0")/../../scripts/expect.sh"

lab_up
two_taps=(-l 0,1 --vdev tap:rwt0 --vdev tap:rwt1)
# testpmd in ringway's namespace, on the standard input.
testpmd() { ip netns exec "$LAB_ROUTER" "$RINGWAY" testpmd "${two_taps[@]}" -- --socket="$LAB_DIR/pipe.sock" "$@" 2>&1; }

step "options"
sees "help" "forward-mode" "$RINGWAY" testpmd -- --help
refuses "what testpmd has and ringway has not" "\`--hairpinq\` is not supported" testpmd --hairpinq=1
refuses "a mode that is not there" "ieee1588 is not supported" testpmd --forward-mode=ieee1588
refuses "a core that is not there" "999" "$RINGWAY" testpmd -l 0,999 --vdev memory -- -i
refuses "too few buffers" "total-num-mbufs|buffers" testpmd --total-num-mbufs=16

step "commands from a pipe"
session() { printf '%s\n' "$@" | testpmd -i; }
out=$(session "show port summary all" "set fwd mac" "set portlist 1,0" "start" "show config fwd" "stop" "port stop 0" \
    "port config all rxd 256" "port stop 1" "port config all rxd 256" "port start all" "start" "quit") || true
sees "ports are listed" "Number of available ports|tap" cat <<<"$out"
sees "start says what forwards" "mac packet forwarding - ports=2 - cores=1 - streams=2" cat <<<"$out"
sees "stop prints the statistics" "Accumulated forward statistics for all ports" cat <<<"$out"
sees "descriptors are for stopped ports" "Please stop all ports first" cat <<<"$out"
sees "it ends in order" "Bye" cat <<<"$out"
check "a batch without mistakes succeeds" bash -c '[[ $1 == 0 ]]' - "$(session "start" "stop" >/dev/null && echo 0 || echo 1)"
refuses "and one with a mistake fails" "no such" session "start" "no such command"

step "frames between two hosts"
lab_background ringway "$LAB_ROUTER" "$RINGWAY" testpmd "${two_taps[@]}" -- --stats-period=1 --socket="$LAB_SOCKET"
RINGWAY_PID=$LAB_PID
check "it answers commands" within 10 rw show workers
ip -n "$LAB_ROUTER" link set rwt0 netns "$LAB_A"
ip -n "$LAB_ROUTER" link set rwt1 netns "$LAB_B"
ip -n "$LAB_A" link set rwt0 up
ip -n "$LAB_B" link set rwt1 up
in_a ip address add 203.0.113.1/24 dev rwt0
in_b ip address add 203.0.113.2/24 dev rwt1
pings() { in_a ping -n -c 2 -i 0.2 -W 2 203.0.113.2; }
check "io carries pings" within 10 pings
check "a loop does not" bash -c '"$0" cli --socket "$1" stop && "$0" cli --socket "$1" set port-topology loop && "$0" cli --socket "$1" start' "$RINGWAY" "$LAB_SOCKET"
sees "B is not reached" "100% packet loss" in_a ping -n -c 1 -W 1 203.0.113.2
check "back in pairs" bash -c '"$0" cli --socket "$1" stop && "$0" cli --socket "$1" set port-topology paired && "$0" cli --socket "$1" start' "$RINGWAY" "$LAB_SOCKET"
check "io carries pings" within 10 pings
refuses "a port that forwards is not stopped" "Please remove port 0 from forwarding configuration" rw port stop 0
check "every buffer is accounted for" audit
sees "the statistics are shown each second" "NIC statistics for port 0" cat "$LAB_DIR/ringway.log"

finish
