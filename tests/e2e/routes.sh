#!/usr/bin/env bash
# Where packets go and what their senders hear when they go nowhere: static, default, blackhole, unreachable and prohibit
# routes, no route, a neighbor that does not answer.
source "$(dirname "$0")/../../scripts/expect.sh"

lab_up
in_b ip address add 203.0.113.1/32 dev lo
in_b ip address add 203.0.113.65/32 dev lo
start_ringway "$LAB_CONFIG"

pings() { in_a ping -n -c 1 -W 1 "$1"; }

step "from the prompt"
sees "ringway's own ping reaches B" "3 packets transmitted, 3 received" rw ping 198.51.100.2 count 3
check "the default route is shown" test "$(rw show route | grep -Ec '(0\.0\.0\.0/0|default)')" -ge 1
check "a static route is added" rw route add 203.0.113.0/24 via 198.51.100.2
sees "and is shown" "203\.0\.113\.0/24.*198\.51\.100\.2" rw show route
sees "route get explains it" "203\.0\.113\.0/24" rw route get 203.0.113.1
sees "packets follow it" " 0% packet loss" pings 203.0.113.1
refuses "a gateway on no link is refused" "198\.18\.0\.1" rw route add 203.0.113.0/24 via 198.18.0.1
sees "the routes come as /proc/net/route prints them" "^Iface" rw show route --format proc
sees "the zones of the FIB are counted" "24" rw show fib zones

step "routes that lead nowhere"
check "blackhole 203.0.113.64/26" rw route add blackhole 203.0.113.64/26
check "unreachable 203.0.113.128/26" rw route add unreachable 203.0.113.128/26
check "prohibit 203.0.113.192/26" rw route add prohibit 203.0.113.192/26
sees "the longest prefix wins: 203.0.113.1 still answers" " 0% packet loss" pings 203.0.113.1
sees "and 203.0.113.65 does not, in silence" "0 received, 100% packet loss" pings 203.0.113.65
sees_not "no error comes back from a blackhole" "From " pings 203.0.113.65
sees "an unreachable route answers host unreachable (3/1)" "From 192\.0\.2\.1 .*Destination Host Unreachable" pings 203.0.113.129
sees "a prohibit route answers prohibited (3/13)" "From 192\.0\.2\.1 .*Packet filtered" pings 203.0.113.193
check "they are counted: blackhole" test "$(drop_count blackhole)" -ge 1
check "they are counted: unreachable" test "$(drop_count unreachable)" -ge 1
check "they are counted: prohibited" test "$(drop_count prohibited)" -ge 1
check "the blackhole is taken away" rw route del 203.0.113.64/26
sees "and 203.0.113.65 answers, cache or not" " 0% packet loss" pings 203.0.113.65

step "no route"
check "the default route is taken away" rw route del 0.0.0.0/0
sees "now 203.0.114.1 is answered by net unreachable (3/0)" "From 192\.0\.2\.1 .*Destination Net Unreachable" pings 203.0.114.1
check "counted as no_route" test "$(drop_count no_route)" -ge 1
check "it is put back" rw route add 0.0.0.0/0 via 198.51.100.2

step "metrics"
refuses "a second route of the same metric is refused" "already" rw route add 203.0.113.0/24 via 198.51.100.99
check "a worse one is taken" rw route add blackhole 203.0.113.0/24 metric 500
sees "and changes nothing" " 0% packet loss" pings 203.0.113.1
check "the good one goes" rw route del 203.0.113.0/24 metric 0
sees "then the worse one is used" "0 received, 100% packet loss" pings 203.0.113.1
check "the good one comes back" rw route add 203.0.113.0/24 via 198.51.100.2
sees "and is used" " 0% packet loss" pings 203.0.113.1

step "a neighbor that does not answer"
sees "host unreachable (3/1) comes back after some seconds" "From 192\.0\.2\.1 .*Destination Host Unreachable" \
    in_a ping -n -c 1 -W 6 198.51.100.77
sees "each packet that waited is answered" "3 packets transmitted, 0 received, \+3 errors" \
    in_a ping -n -c 3 -i 0.1 -W 6 198.51.100.78
check "counted as host_unreachable" test "$(drop_count host_unreachable)" -ge 4
sees_not "nothing is held any more" '"held":[1-9]' rw --json show pool

step "changes under traffic"
in_a ping -n -q -c 300 -i 0.01 -W 2 203.0.113.1 >"$LAB_DIR/ping.txt" &
pinger=$!
for network in {1..40}; do
    rw route add "198.18.$network.0/24" via 198.51.100.2 >/dev/null
    rw route del "198.18.$network.0/24" >/dev/null
done
wait "$pinger" || true
sees "80 route changes lose none of 300 pings" "300 received" cat "$LAB_DIR/ping.txt"

finish
