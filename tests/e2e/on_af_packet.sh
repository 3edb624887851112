#!/usr/bin/env bash
# The tests that depend most on the driver, once more with AF_PACKET, which `auto` takes only where AF_XDP does not work.
source "$(dirname "$0")/../../scripts/expect.sh"

mkdir -p "$LAB_DIR"
for test in reachability checksums mtu vlan idle; do
    step "$test"
    log=$LAB_DIR/$test.log
    if env -u LAB LAB_DRIVER=af_packet "$(dirname "$0")/$test.sh" >"$log" 2>&1; then
        pass "$(tail -n 1 "$log")"
    else
        fail "$test on AF_PACKET" "$(grep -A 15 "FAIL" "$log")"
    fi
done

finish
