#!/usr/bin/env bash
# `ringway doctor` says what there is and what is missing, for people and for programs, and changes nothing.
source "$(dirname "$0")/../../scripts/expect.sh"

lab_up
doctor() { in_router "$RINGWAY" doctor "$@"; }

step "what it looks at"
for subject in "^AF_XDP" "^DPDK" "^huge pages" "^cores" "kernel .*AF_XDP" "libdpdk" "huge pages" "isolated cores"; do
    sees "it tells of: $subject" "$subject" doctor
done
sees "an interface's driver, copy mode, MTU and queues" "interface rw-lan +native mode, copy; MTU 1500, 1 receive queue" doctor
ip -n "$LAB_ROUTER" link set rw-wan mtu 9000
sees "an MTU that is too large, with the remedy" "interface rw-wan +MTU 9000.*more than AF_XDP carries" doctor

step "for programs"
findings() { jq -e '[.sections[].findings[] | select(.subject and .state and .found)] | length > 10' <<<"$(doctor --json)"; }
check "the same as JSON" findings
status=0
doctor >/dev/null || status=$?
missing=$(doctor --json | jq .missing) || true
if ((status == (missing > 0))); then pass "the exit status says whether something is missing"; else fail "exit status $status, $missing missing"; fi

step "without rights"
lacks() { in_router setpriv --bounding-set=-all --inh-caps=-all --reuid=65534 --clear-groups "$RINGWAY" doctor; }
cp "$RINGWAY" "$LAB_DIR/ringway" && chmod 755 "$LAB_DIR" "$LAB_DIR/ringway"
RINGWAY=$LAB_DIR/ringway refuses "what is missing is named with its remedy" "lacks CAP_NET_ADMIN" lacks

finish
