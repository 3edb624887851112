#!/usr/bin/env bash
# Not one packet is lost while routes change by the thousand: a flood of pings crosses the router, by a route that does not change and by
# one whose next hop does, and meanwhile 10,000 changes a second come in by the command socket, for so long:
#
#   CHURN_SECONDS=60 tests/e2e/route_churn.sh       (10 s unless given)
#
# Each second has additions, next hops that change and withdrawals, one command a change. It prints how many there were.
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
/usr/bin/python3 -c '
for number in range(200_000):
    print(f"{20 + number // 65536}.{number // 256 % 256}.{number % 256}.0/24")' >"$LAB_DIR/table.txt"

step "$rate changes a second for $seconds s"
check "a table of 200000 routes" rw route load "$LAB_DIR/table.txt" via 198.51.100.2
in_a ping -c 2 203.0.113.1 >"$LAB_DIR/first" || true
rw clear drops >"$LAB_DIR/clear"
count=$((seconds * 400))
lab_background still "$LAB_A" ping -q -n -i 0.002 -c "$count" -W 2 203.0.113.1
lab_background moving "$LAB_A" ping -q -n -i 0.002 -c "$count" -W 2 203.0.114.1
cat >"$LAB_DIR/churn.py" <<'PY'
import sys
import time

seconds, rate = int(sys.argv[1]), int(sys.argv[2])
start = time.monotonic()
for change in range(seconds * rate):
    number, kind = change // 4, change % 4
    prefix = f"{60 + number % 7}.{number // 7 % 256}.{number // 1792 % 64 * 4}.0/24"
    if change % 1000 == 0:
        print(f"route replace 203.0.114.0/24 via 198.51.100.{2 + change // 1000 % 2}")
    elif kind == 0:
        print(f"route replace {prefix} via 198.51.100.2")
    elif kind == 1:
        print(f"route replace {prefix} via 198.51.100.3")
    elif kind == 2:
        print(f"route replace 20.{number % 256}.{number // 256 % 256}.128/25 via 198.51.100.3")
    else:
        print(f"route del {prefix}")
    if change % 100 == 99:
        sys.stdout.flush()
        ahead = start + (change + 1) / rate - time.monotonic()
        if ahead > 0:
            time.sleep(ahead)
PY
began=$(date +%s%N)
status=0
/usr/bin/python3 "$LAB_DIR/churn.py" "$seconds" "$rate" | rw >"$LAB_DIR/changes" 2>&1 || status=$?
took=$((($(date +%s%N) - began) / 1000000))
check "every change is taken" test "$status" -eq 0
echo "        $((seconds * rate)) changes in $took ms: $((seconds * rate * 1000 / took)) a second"
within $((seconds + 20)) grep -q "packets transmitted" "$LAB_DIR/still.log"
within 20 grep -q "packets transmitted" "$LAB_DIR/moving.log"
sees "no packet by a route that stays is lost" "$count packets transmitted, $count received" cat "$LAB_DIR/still.log"
sees "no packet by a route that moves is lost" "$count packets transmitted, $count received" cat "$LAB_DIR/moving.log"
check "no packet was dropped for want of a route" test "$(drop_count no_route)" -eq 0
sees "the table is what the changes left" "203\.0\.114\.0/24" rw route get 203.0.114.1

finish
