#!/usr/bin/env bash
# Ports stop, start and change shape while ringway runs and others forward; one is attached and detached; one vanishes and is back.
source "$(dirname "$0")/../../scripts/expect.sh"

lab_up
# AF_PACKET has as many queues as one asks for.
start_ringway - < <(sed 's/^device = .*/&\ndriver = "af_packet"/' "$LAB_CONFIG")
reaches_b() { in_a ping -n -c 1 -W 1 198.51.100.2; }

step "a port stops and starts under traffic"
check "A reaches B" within 5 reaches_b
in_a ping -n -q -c 60 -i 0.05 -W 2 192.0.2.1 >"$LAB_DIR/ping.txt" &
pinger=$!
lab_background flood "$LAB_A" timeout 6 ping -n -q -i 0.01 198.51.100.2
sleep 0.5
sees "port stop" "Done" rw port stop wan
check "its buffers are back while it is stopped" audit
sees "its link is down" '"link_up": false' rw --json show port summary wan
sees "B is not reached" "100% packet loss" in_a ping -n -c 1 -W 1 198.51.100.2
sees "port start" "Done" rw port start wan
check "A reaches B again" within 10 reaches_b
wait "$pinger" || true
sees "the other port loses none of 60 pings" "60 received" cat "$LAB_DIR/ping.txt"
check "every buffer is accounted for" audit

step "queues and descriptors"
refuses "rxq is for stopped ports" "Please stop all ports first" rw port config all rxq 2
refuses "close too" "Please stop port 0 first" rw port close 0
rw port stop all
check "rxq" rw port config all rxq 2
check "rxd" rw port config all rxd 256
refuses "no ring has this length" "power of two" rw port config all rxd 300
check "port start all" rw port start all
sees "two receive queues" "Current number of RX queues: 2" rw show port info 0
sees "of 256 descriptors" "Current number of RXDs per queue: 256" rw show port info 0
check "A reaches B" within 10 reaches_b
refuses "an MTU that no buffer holds" "frame_size" rw port config mtu 0 9000
check "every buffer is accounted for" audit

step "a port more, and a port less"
sees "attach" "Port 2 is attached. Now total ports is 3" rw port attach tap:rwt0
check "its device is there" in_router ip link show rwt0
check "start it" rw port start 2
sees "it is listed" "tap" rw show port summary 2
refuses "a device that cannot be" "no device|DPDK does not run" rw port attach net_typo0
check "stop it" rw port stop 2
sees "detach" "Now total ports is 2" rw port detach 2
check "its device is gone" bash -c "! ip -n $LAB_ROUTER link show rwt0 2>/dev/null"
refuses "its number is free" "there is no port 2" rw show port info 2
check "every buffer is accounted for" audit

step "a device that vanishes and returns"
ip -n "$LAB_ROUTER" link delete rw-wan
link_is() { rw --json show port summary wan | jq -e --argjson up "$1" '.ports[0].link_up == $up'; }
check "ringway sees that it is gone" within 5 link_is false
lab_cable "$LAB_B" eth0 rw-wan
in_b ip address add 198.51.100.2/24 dev eth0
in_b ip route add default via 198.51.100.1
check "and that it is back" within 10 link_is true
check "A reaches B again" within 15 reaches_b

step "a TAP device that is deleted"
sees "attach" "Port 2 is attached" rw port attach tap:rwt0
check "start it" rw port start 2
ip -n "$LAB_ROUTER" link delete rwt0
check "it is made again" within 10 ip -n "$LAB_ROUTER" link show rwt0
tap_is_up() { rw --json show port summary 2 | jq -e '.ports[0].link_up'; }
check "and the port goes on" within 5 tap_is_up

finish
