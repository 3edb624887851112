#!/usr/bin/env bash
# Checksums on DPDK devices: what one can fill in is left to it where asked for, and a wrong one is dropped whatever the device says.
source "$(dirname "$0")/../../scripts/expect.sh"

lab_up
in_b ip address add 203.0.113.2/24 dev eth0
PATTERN="02:00:5e:00:53:02"
export PATTERN

# damaged ID: sends from A a datagram with both checksums wrong.
damaged() {
    ID=$1 frames <<'PY'
from frames import *
a = Cable(os.environ["LAB_A"])
a.send(Ether(dst=os.environ["PATTERN"]) / IP(src=A_ADDRESS, dst=B_ADDRESS, id=int(os.environ["ID"]), chksum=0x1234) / UDP(sport=1, dport=2, chksum=0x4321) / b"odd")
finish()
PY
}
# comes_out ID: what leaves through the TAP of DPDK for such a datagram, as tcpdump judges its checksums.
comes_out() {
    local turn
    in_router timeout 10 tcpdump -n -vv -i rw-tap -c 1 "ip[4:2] = $1 and udp" >"$LAB_DIR/seen" 2>"$LAB_DIR/tcpdump.err" &
    local dump=$!
    for turn in {1..50}; do
        if grep -q "listening on" "$LAB_DIR/tcpdump.err"; then break; fi
        sleep 0.1
    done
    damaged "$1" >/dev/null
    wait "$dump" || true
    cat "$LAB_DIR/seen"
}

step "csum on a port whose device fills in checksums"
lab_background ringway "$LAB_ROUTER" "$RINGWAY" testpmd -l 0,1 --no-huge --no-telemetry --file-prefix="$LAB" \
    --vdev af_packet:rw-lan --vdev net_tap0,iface=rw-tap -- --forward-mode=csum --stats-period=60 --socket="$LAB_SOCKET"
RINGWAY_PID=$LAB_PID
check "it answers commands" within 10 rw show workers
sees "the device can" "IPV4_CKSUM|ipv4_cksum" rw show port 1 tx_offload capabilities
sees "at first software does it" "^IP checksum offload is sw" rw csum show 1
sees "and both checksums are right" "udp sum ok" comes_out 611
sees_not "the header's too" "bad cksum" cat "$LAB_DIR/seen"
sees "they are counted" "Bad-ipcsum: 1 +Bad-l4csum: 1" rw show fwd stats all
refuses "only a stopped port is changed" "Please stop port 1 first" rw csum set ip hw 1
check "stop" rw stop
check "port stop 1" rw port stop 1
check "port stop 0" rw port stop 0
refuses "a device that cannot" "IP checksum offload is not supported by port 0" rw csum set ip hw 0
refuses "no device here can for tunnels" "Outer IP checksum offload is not supported by port 1" rw csum set outer-ip hw 1
sees "csum set ip hw" "^IP checksum offload is hw" rw csum set ip hw 1
sees "csum set udp hw" "^UDP checksum offload is hw" rw csum set udp hw 1
sees "csum set sctp sw" "^SCTP checksum offload is sw" rw csum set sctp sw 1
check "port start all" rw port start all
sees "it is on" "IPV4_CKSUM|ipv4_cksum" rw show port 1 tx_offload configuration
check "start" rw start
sees "the device puts both right" "udp sum ok" comes_out 612
sees_not "the header's too" "bad cksum" cat "$LAB_DIR/seen"
sees "software has not looked" "Bad-ipcsum: 0 +Bad-l4csum: 0" rw show fwd stats all
check "stop" rw stop
check "set fwd io" rw set fwd io
check "start" rw start
sees "in another mode a frame leaves as it came" "bad cksum 1234" comes_out 613
check "every buffer is accounted for" audit
check "ringway ends in order" stop_ringway TERM

step "l3 looks itself"
check "ringway starts" start_ringway - <<TOML
[dpdk]
huge_pages = "never"
args = ["--no-telemetry", "--file-prefix=$LAB"]
[[port]]
name = "lan"
driver = "dpdk"
device = "net_tap0,iface=rw-tap"
[[port]]
name = "wan"
driver = "af_packet"
device = "rw-wan"
[[interface]]
name = "lan"
addresses = ["192.0.2.1/24"]
[[interface]]
name = "wan"
addresses = ["198.51.100.1/24"]
TOML
ip -n "$LAB_ROUTER" address add 192.0.2.20/24 dev rw-tap
ip -n "$LAB_ROUTER" route add default via 192.0.2.1
sees "what is good is routed" " 0% packet loss" in_router ping -n -c 5 -i 0.05 -W 2 198.51.100.2
check "clear drops" rw clear drops
ROUTER_MAC=$(rw --json show port info 0 | jq -r '.. | objects | .mac? // empty' | head -n 1)
export ROUTER_MAC
frames <<'PY'
from frames import *
tap, b = Cable(os.environ["LAB_ROUTER"], "rw-tap"), Cable(os.environ["LAB_B"])
for number, checksum in ((621, 0x1234), (622, None)):
    tap.send(Ether(dst=os.environ["ROUTER_MAC"]) / IP(src="192.0.2.20", dst=B_ADDRESS, id=number, chksum=checksum) / UDP(sport=1, dport=2) / b"x")
check(b.first(lambda p: p[IP].id == 622, 2) is not None, "a sound datagram is routed")
check(b.first(lambda p: p[IP].id == 621, 0.3) is None, "one with a wrong header checksum is not")
finish()
PY
sees "it was dropped for that reason" "^1$" drop_count ip4_bad_checksum

finish
