#!/usr/bin/env bash
# What commands change is in the running configuration, and a ringway that starts with it is the same; workers in no list sleep.
source "$(dirname "$0")/../../scripts/expect.sh"

lab_up
start_ringway - <<TOML
$(sed 's/^device = .*/&\ndriver = "af_packet"/' "$LAB_CONFIG")

[workers]
count = 2
TOML
core() { rw --json show workers | jq ".workers[$1].core"; }
# line TEXT: a line of the running configuration.
line() { sees "$1" "^${1//[\[\]]/.}$" rw show running-config; }

step "what commands change"
second=$(core 1)
for command in "set fwd macswap" "set corelist $second" "set nbcore 1" "set portlist 1,0" "set nbport 2" "set port-topology loop" \
    "set burst 16" "set promisc 0 on" "set allmulti 1 on" "set eth-peer 0 02:00:00:00:00:07" "tx_vlan set 1 100" \
    "set txpkts 128" "set burst tx delay 2 retry 8"; do
    # shellcheck disable=SC2086
    check "$command" rw $command
done
rw port stop all
for command in "rxq 2" "txq 2" "rxd 256" "txd 128"; do
    # shellcheck disable=SC2086
    check "port config all $command" rw port config all $command
done
check "port start all" rw port start all
check "port attach" rw port attach tap:rwt0
check "port detach" rw port detach 2
for text in 'mode = "macswap"' "cores = [$second]" "core_count = 1" 'ports = ["wan", "lan"]' "port_count = 2" 'topology = "loop"' \
    "burst = 16" "promiscuous = true" "all_multicast = true" 'eth_peer = "02:00:00:00:00:07"' "tx_vlan = 100" "tx_bytes = 128" \
    "retries = 8" "retry_delay_us = 2" "rx_queues = 2" "tx_queues = 2" "rx_ring = 256" "tx_ring = 128"; do
    line "$text"
done
sees_not "a detached port is not in it" "rwt0" rw show running-config

step "the same after a start with it"
running=$(rw show running-config)
check "write" rw write "$LAB_DIR/written.toml"
check "ringway ends by SIGTERM" stop_ringway TERM
check "the file is right" in_router "$RINGWAY" check "$LAB_DIR/written.toml"
start_ringway "$LAB_DIR/written.toml"
if [[ $(rw show running-config) == "$running" ]]; then pass "the running configuration"; else
    fail "the running configuration" "$(diff <(echo "$running") <(rw show running-config))"
fi
sees "the queues" "Current number of RX queues: 2" rw show port info 0
sees "the descriptors" "Current number of RXDs per queue: 256" rw show port info 0
sees "the streams" "macswap packet forwarding - ports=2 - cores=1" rw show config fwd

step "a worker that is in no list sleeps"
turns() { rw --json show workers | jq ".workers[$1].turns"; }
# A worker that sleeps turns 2000 times a second or so, one that polls a million times.
sleeps() {
    local before after
    before=$(turns "$1")
    sleep 1
    after=$(turns "$1")
    ((after - before < 20000))
}
check "the first worker sleeps" sleeps 0
refuses "the second one polls" "" sleeps 1

step "set default"
check "set default" rw set default
sees_not "the lists are gone" "^(cores|core_count|ports|port_count) =" rw show running-config
line 'topology = "loop"'
check "stop" rw stop
check "both sleep until the next start" eval "sleeps 0 && sleeps 1"
check "start" rw start
sees "everything forwards" "ports=2 - cores=2" rw show config fwd

step "a worker whose pool is not lent goes on"
check "ringway ends by SIGTERM" stop_ringway TERM
for spare in rw-s2 rw-s3; do lab_cable "$LAB_B" "${spare/rw-/}" "$spare"; done
start_ringway - <<TOML
$(sed 's/^device = .*/&\ndriver = "af_xdp"/' "$LAB_CONFIG")

[[port]]
name = "s2"
device = "rw-s2"
driver = "af_xdp"

[[port]]
name = "s3"
device = "rw-s3"
driver = "af_xdp"

[workers]
count = 2
TOML
check "A reaches B" within 5 in_a ping -n -c 1 -W 1 198.51.100.2
check "the last port is stopped" rw port stop s3
# Its queue is held by another socket, so the start takes as long, with the second worker's pool.
lab_background holder "$LAB_ROUTER" /usr/bin/python3 "$RINGWAY_ROOT/tests/e2e/xdp_holder.py" rw-s3 3
check "another socket holds its queue" within 5 grep -q held "$LAB_DIR/holder.log"
requests() { in_b nstat -asz IcmpInEchos | awk '/IcmpInEchos/ { print $2 }'; }
before=$(requests)
rw port start s3 >"$LAB_DIR/start.txt" 2>&1 &
starter=$!
sleep 0.5
in_a ping -n -q -c 100 -i 0.01 -W 0.1 198.51.100.2 >/dev/null || true
check "the port still waits" kill -0 "$starter"
sees "every packet for the other worker has passed meanwhile" "^100$" echo $(($(requests) - before))
check "the port starts" wait "$starter"
sees "it had to wait" "was still busy" cat "$LAB_DIR/start.txt"
check "A reaches B" within 5 in_a ping -n -c 1 -W 1 198.51.100.2

finish
