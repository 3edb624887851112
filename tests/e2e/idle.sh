#!/usr/bin/env bash
# With `idle = "sleep"` an idle worker takes next to no processor time and still answers at once.
source "$(dirname "$0")/../../scripts/expect.sh"

lab_up
start_ringway - <<TOML
$(cat "$LAB_CONFIG")

[workers]
count = 1
idle = "sleep"
TOML

# Processor time of ringway so far, in ticks of 10 ms.
ticks() { sed 's/.*) //' "/proc/$RINGWAY_PID/stat" | awk '{ print $12 + $13 }'; }

step "asleep"
sees "A reaches B" " 0% packet loss" in_a ping -n -c 3 -i 0.2 -W 2 198.51.100.2
sleep 1
from=$(ticks)
sleep 3
used=$(($(ticks) - from))
if ((used < 60)); then pass "3 seconds of silence took $((used * 10)) ms of processor time"; else fail "an idle worker sleeps" "$((used * 10)) ms in 3 s"; fi

step "awake"
ping=$(in_a ping -n -q -c 20 -i 0.25 -W 2 198.51.100.2) || true
sees "pings after each silence lose nothing" "20 received" echo "$ping"
# The quickest of twenty says how long waking takes; the slower ones, what else this machine was doing.
quickest=$(sed -n 's|^rtt [^=]*= \([0-9.]*\)/.*|\1|p' <<<"$ping")
if awk "BEGIN { exit !(${quickest:-999} < 1) }"; then pass "the quickest took $quickest ms"; else fail "waking takes less than a millisecond" "$ping"; fi
lab_background iperf3 "$LAB_B" iperf3 --server
within 5 listens "$LAB_B" 5201
sees "and it forwards in bulk" "[1-9][0-9.]* [KMG]bits/sec.*receiver" in_a timeout 20 iperf3 -c 198.51.100.2 -t 2 -i 0

finish
