#!/usr/bin/env bash
# Interfaces on a VLAN (802.1Q) and on a VLAN in a VLAN (802.1ad, QinQ), routed to each other.
source "$(dirname "$0")/../../scripts/expect.sh"

lab_up
in_a ip address flush dev eth0
in_b ip address flush dev eth0
in_b ip link set eth0 mtu 1508
in_router ip link set rw-wan mtu 1508

# tagged HOST NAMESPACE ADDRESS GATEWAY TAG...: gives a host its address on a tagged link instead of the plain one.
tagged() {
    local host=$1 namespace=$2 address=$3 gateway=$4
    shift 4
    lab_background "vlan-$host" "$namespace" env PYTHONPATH="$RINGWAY_ROOT/tests/e2e" PYTHONDONTWRITEBYTECODE=1 \
        /usr/bin/python3 "$RINGWAY_ROOT/tests/e2e/vlan_host.py" "$@"
    within 10 grep -q "vlan is up" "$LAB_DIR/vlan-$host.log"
    ip -n "$namespace" link set vlan up
    ip -n "$namespace" address add "$address" dev vlan
    ip -n "$namespace" route replace default via "$gateway"
}
tagged a "$LAB_A" 192.0.2.10/24 192.0.2.1 0x8100:100
tagged b "$LAB_B" 198.51.100.2/24 198.51.100.1 0x88a8:200 0x8100:30

start_ringway - <<'TOML'
[[port]]
name = "lan"
device = "rw-lan"

[[port]]
name = "wan"
device = "rw-wan"

[[interface]]
name = "lan.100"
addresses = ["192.0.2.1/24"]

[[interface]]
name = "wan.200.30"
addresses = ["198.51.100.1/24"]
TOML

step "through both"
sees "A in VLAN 100 reaches ringway" " 0% packet loss" in_a ping -n -c 3 -i 0.2 -W 2 192.0.2.1
sees "A in VLAN 100 reaches B in VLAN 30 of VLAN 200" " 0% packet loss" in_a ping -n -c 5 -i 0.2 -W 2 198.51.100.2
sees "with full packets too" " 0% packet loss" in_a ping -n -M 'do' -s 1472 -c 3 -i 0.2 -W 2 198.51.100.2
sees "traceroute names ringway" "^ *1  192\.0\.2\.1 " in_a traceroute -n -q 1 -w 2 198.51.100.2

step "the tags"
frames <<'PY'
from frames import *
a, b = Cable(os.environ["LAB_A"]), Cable(os.environ["LAB_B"])
subprocess.Popen(["ip", "netns", "exec", os.environ["LAB_A"], "ping", "-n", "-c", "3", "-i", "0.2", B_ADDRESS], stdout=subprocess.DEVNULL)
got = [frame for frame in b.frames(1.2) if socket.inet_aton(A_ADDRESS) + socket.inet_aton(B_ADDRESS) in frame]
wanted = bytes.fromhex("88a8 00c8 8100 001e 0800")
check(bool(got) and all(frame[12:22] == wanted for frame in got), "what B gets has the tags 200 (802.1ad) and 30 (802.1Q)",
      "\n".join(frame.hex() for frame in got[:3]))

def unknown(reason, name, tags):
    before = drops().get(reason, 0)
    packet = IP(src=A_ADDRESS, dst=B_ADDRESS, id=4321, proto=253) / Raw(b"12345678")
    a.send(Ether(src=a.mac, dst=router, type=0x8100 if tags else 0x0800) / Raw(tags + raw(packet)))
    check(settled_drops(reason, before + 1) == before + 1, f"{name} is counted as {reason}", drops())

router = next(i["mac"] for i in ringway("show", "interface")["interfaces"] if i["name"] == "lan.100")
unknown("unknown_vlan", "VLAN 101", bytes.fromhex("00650800"))
unknown("no_interface", "an untagged packet", b"")
finish()
PY
sees "show interface names the VLANs" "vlan 200 vlan 30" rw show interface

finish
