#!/usr/bin/env bash
# Start and end: refused files, a start that fails half-way, signals, quit; and the devices are given back as they were.
source "$(dirname "$0")/../../scripts/expect.sh"

lab_up
run() { in_router timeout 20 "$RINGWAY" run --socket "$LAB_SOCKET" "$1" </dev/null; }
devices() {
    local device
    for device in rw-lan rw-wan; do
        ip -n "$LAB_ROUTER" -d -json link show "$device" |
            jq -S '.[] | {ifname, flags, mtu, address, promiscuity, allmulti, operstate, txqlen, group}'
        in_router ethtool -k "$device"
    done
}
before=$(devices)
# as_before: what ip and ethtool tell of the devices is what they told before the first start.
as_before() { diff <(echo "$before") <(devices); }

step "files that are refused"
check "the lab's file is good" in_router "$RINGWAY" check "$LAB_CONFIG"
cat >"$LAB_DIR/bad.toml" <<'TOML'
[[port]]
name = "lan"
device = "rw-lan"
colour = "blue"

[[interface]]
name = "lan"
addresses = ["192.0.2.300/24"]
mtu = "large"

[[route]]
to = "default"
via = "198.51.100.2"
TOML
refuses "an unknown key is named with its line and column" "4:1.*|colour" "$RINGWAY" check "$LAB_DIR/bad.toml"
mistakes=$("$RINGWAY" check "$LAB_DIR/bad.toml" 2>&1) || true
for mistake in "(:|line )4\b" "(:|line )8\b" "(:|line )9\b"; do
    sees "one run tells every mistake ($mistake)" "$mistake" echo "$mistakes"
done
refuses "run refuses what check refuses" "colour" run "$LAB_DIR/bad.toml"
echo 'port = [[[' >"$LAB_DIR/broken.toml"
refuses "what is not TOML is refused with its place" "(:|line )1\b" "$RINGWAY" check "$LAB_DIR/broken.toml"
refuses "a file that is not there is named" "nowhere\.toml" run "$LAB_DIR/nowhere.toml"
{ cat "$LAB_CONFIG" && printf '\n[memory]\nbuffers = 64\n'; } >"$LAB_DIR/small.toml"
refuses "a pool that cannot cover the rings is refused with the number to raise" "raise .buffers." run "$LAB_DIR/small.toml"

step "a start that fails half-way"
sed 's/"rw-wan"/"rw-gone"/' "$LAB_CONFIG" >"$LAB_DIR/half.toml"
refuses "a device that is not there is named" "rw-gone" run "$LAB_DIR/half.toml"
check "the other device is as it was" as_before
check "no socket is left" test ! -e "$LAB_SOCKET"

step "ends"
for signal in INT TERM; do
    start_ringway "$LAB_CONFIG"
    sees "it forwards" " 0% packet loss" in_a ping -n -c 2 -i 0.2 -W 2 198.51.100.2
    check "SIG$signal ends it with status 0" stop_ringway "$signal"
    check "the devices are as they were" as_before
    check "no socket is left" test ! -e "$LAB_SOCKET"
done
start_ringway "$LAB_CONFIG"
check "quit ends it" rw quit
check "with status 0" wait_ringway
check "the devices are as they were" as_before

step "under load"
start_ringway "$LAB_CONFIG"
lab_background iperf3 "$LAB_B" iperf3 --server
within 5 listens "$LAB_B" 5201
lab_background client "$LAB_A" timeout 20 iperf3 -c 198.51.100.2 -t 15
sleep 1
check "every buffer is accounted for in the middle of it" audit
check "SIGTERM in the middle of it ends it with status 0" stop_ringway TERM
lab_end client
check "the devices are as they were" as_before

step "two at once, and after a crash"
start_ringway "$LAB_CONFIG"
refuses "a second one on the same socket is refused" "ringway.sock" run "$LAB_CONFIG"
sees "and the first goes on" " 0% packet loss" in_a ping -n -c 2 -i 0.2 -W 2 198.51.100.2
kill -KILL "$RINGWAY_PID"
wait "$RINGWAY_PID" 2>/dev/null || true
start_ringway "$LAB_CONFIG"
sees "a new one starts over a socket that a killed one left" " 0% packet loss" in_a ping -n -c 2 -i 0.2 -W 2 198.51.100.2

finish
