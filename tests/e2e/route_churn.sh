#!/usr/bin/env bash
# Not one packet is lost while routes change by the thousand. Pings cross the router by a route that does not change and by one whose next
# hop does; meanwhile, once a second, 10,000 routes of 200,000 move from one next hop to the other, for so long:
#
#   CHURN_SECONDS=60 tests/e2e/route_churn.sh       (10 s unless given)
#
# It prints how many changed in which time.
source "$(dirname "$0")/../../scripts/expect.sh"

seconds=${CHURN_SECONDS:-10}
rate=10000

lab_up
in_b ip address add 198.51.100.3/24 dev eth0
in_b ip address add 203.0.113.1/32 dev lo
in_b ip address add 203.0.114.1/32 dev lo
start_ringway "$LAB_CONFIG"
rw route add 203.0.113.0/24 via 198.51.100.2
rw route add 203.0.114.0/24 via 198.51.100.2
/usr/bin/python3 - "$LAB_DIR" "$rate" <<'PY'
import sys

folder, rate = sys.argv[1], int(sys.argv[2])
routes = [f"{20 + number // 65536}.{number // 256 % 256}.{number % 256}.0/24\n" for number in range(200_000)]
with open(f"{folder}/table.txt", "w") as file:
    file.writelines(routes)
# The route that the pings go by is in the middle of those that move.
with open(f"{folder}/moving.txt", "w") as file:
    file.writelines(routes[: rate // 2] + ["203.0.114.0/24\n"] + routes[-(rate // 2) + 1 :])
PY

step "$rate changes a second for $seconds s"
check "a table of 200000 routes" rw route load "$LAB_DIR/table.txt" via 198.51.100.2
# Both next hops are neighbors before anything goes by them.
in_a ping -c 2 203.0.113.1 >"$LAB_DIR/first" || true
rw route replace 203.0.114.0/24 via 198.51.100.3
in_a ping -c 2 203.0.114.1 >"$LAB_DIR/first" || true
rw clear drops >"$LAB_DIR/clear"
count=$((seconds * 400))
lab_background still "$LAB_A" ping -q -n -i 0.002 -c "$count" -W 2 203.0.113.1
lab_background moving "$LAB_A" ping -q -n -i 0.002 -c "$count" -W 2 203.0.114.1
began=$(date +%s%N) status=0
for ((second = 0; second < seconds; second++)); do
    rw route load "$LAB_DIR/moving.txt" via "198.51.100.$((2 + second % 2))" >"$LAB_DIR/load" 2>&1 || status=$?
    ahead=$((began / 1000000 + (second + 1) * 1000 - $(date +%s%N) / 1000000))
    if ((ahead > 0)); then sleep "$((ahead / 1000)).$(printf %03d $((ahead % 1000)))"; fi
done
took=$((($(date +%s%N) - began) / 1000000))
check "every change is taken" test "$status" -eq 0
echo "        $((seconds * rate)) changes in $took ms: $((seconds * rate * 1000 / took)) a second"
within $((seconds + 20)) grep -q "packets transmitted" "$LAB_DIR/still.log"
within 20 grep -q "packets transmitted" "$LAB_DIR/moving.log"
sees "no packet by a route that stays is lost" "$count packets transmitted, $count received" cat "$LAB_DIR/still.log"
sees "no packet by a route that moves is lost" "$count packets transmitted, $count received" cat "$LAB_DIR/moving.log"
check "no packet was dropped for want of a route" test "$(drop_count no_route)" -eq 0
sees "the last change is what is there" "198\.51\.100\.$((2 + (seconds - 1) % 2))" rw route get 203.0.114.1

finish
