#!/usr/bin/env bash
# Two workers share the ports: each has its own queues and its own pool, and what crosses is whole.
source "$(dirname "$0")/../../scripts/expect.sh"

lab_up
start_ringway - <<TOML
$(cat "$LAB_CONFIG")

[workers]
count = 2
TOML

step "two workers"
sees "there are two" "^2$" jq -n "$(rw --json show workers) | .workers | length"
sees "A reaches B" " 0% packet loss" in_a ping -n -c 10 -i 0.1 -W 2 198.51.100.2
sees "traceroute names ringway" "^ *1  192\.0\.2\.1 " in_a traceroute -n -q 1 -w 2 198.51.100.2

lab_background iperf3 "$LAB_B" iperf3 --server
within 5 listens "$LAB_B" 5201
for direction in "" -R; do
    sees "eight TCP streams ${direction:+back }get through" "SUM.* [1-9][0-9.]* [KMG]bits/sec.*receiver" \
        in_a timeout 30 iperf3 -c 198.51.100.2 -P 8 -t 3 -i 0 $direction
done
sees "large pings in fragments too" " 0% packet loss" in_a ping -n -M dont -s 3000 -c 10 -i 0.1 -W 2 198.51.100.2
busy() { rw --json show workers | jq -e '[.workers[] | select(.packets > 0)] | length == 2'; }
check "both workers had packets" busy
sees "a neighbor that does not answer is told to the sender" "Destination Host Unreachable" \
    in_a ping -n -c 1 -W 6 198.51.100.77

finish
