#!/usr/bin/env bash
# A link that goes down, a device that vanishes while it runs: a clear line, and the router goes on for the others.
source "$(dirname "$0")/../../scripts/expect.sh"

lab_up
lab_cable "$LAB_B" eth1 rw-dmz
in_b ip address add 203.0.113.2/24 dev eth1
in_b ip route add 192.0.2.0/24 via 203.0.113.1
start_ringway - <<TOML
$(cat "$LAB_CONFIG")

[[port]]
name = "dmz"
device = "rw-dmz"

[[interface]]
name = "dmz"
addresses = ["203.0.113.1/24"]
TOML
reaches_b() { in_a ping -n -c 1 -W 1 198.51.100.2; }

step "a link that goes down and comes back"
in_b ip route del 192.0.2.0/24
check "A reaches B" within 3 reaches_b
in_b ip link set eth0 down
sees "without its link B is not reached" "100% packet loss" in_a ping -n -c 1 -W 1 198.51.100.2
link_is() { rw --json show interface wan | jq -e --argjson up "$1" '.interfaces[0].oper_up == $up'; }
check "ringway sees that the link is down" within 5 link_is false
in_b ip link set eth0 up
in_b ip route replace default via 198.51.100.1
check "and that it is back" within 5 link_is true
check "A reaches B again" within 10 reaches_b

step "a device that vanishes"
in_b ip route add 192.0.2.0/24 via 203.0.113.1
in_a ping -n -q -c 60 -i 0.1 -W 2 203.0.113.2 >"$LAB_DIR/ping.txt" &
pinger=$!
lab_background flood "$LAB_A" timeout 5 ping -n -q -i 0.01 198.51.100.2
sleep 2
ip -n "$LAB_ROUTER" link delete rw-wan
wait "$pinger" || true
sees "the other ports lose none of 60 pings" "60 received" cat "$LAB_DIR/ping.txt"
check "ringway still runs" test -d "/proc/$RINGWAY_PID"
check "its log says which port is gone" grep -Eiq "(wan.*(gone|vanished|removed|down|no longer))|((gone|vanished|removed|lost).*wan)" "$LAB_LOG"
sees "A still reaches ringway" " 0% packet loss" in_a ping -n -c 3 -i 0.2 -W 2 192.0.2.1
check "commands are still answered" rw show port stats all

finish
