#!/usr/bin/env bash
# Neighbor Discovery and ICMPv6 byte by byte: the checks of RFC 4861, duplicate addresses, router advertisements, redirects,
# extension headers, listener reports. What a Linux host cannot be made to send.
source "$(dirname "$0")/../../scripts/expect.sh"

lab_up
# Host B has ringway's address on that side already; it is there first.
lab_ipv6
in_b ip address add 2001:db8:2::1/64 dev eth0 nodad
start_ringway "$LAB_CONFIG"

step "a duplicate address"
check "it is found" within 5 sh -c "'$RINGWAY' cli --socket $LAB_SOCKET show interface wan | grep -q 'address 2001:db8:2::1/64 duplicate'"
sees "and said" "duplicate address on wan: .* has 2001:db8:2::1" cat "$LAB_LOG"
in_b ip address delete 2001:db8:2::1/64 dev eth0
check "the interface is set down" rw interface set wan down
check "and up" rw interface set wan up
check "now the address is ringway's" within 5 sh -c "'$RINGWAY' cli --socket $LAB_SOCKET show interface wan | grep -q 'address 2001:db8:2::1/64$'"
check "A has configured itself" lab_wait6

step "the bytes"
frames <<'PY'
from frames import *
from scapy.layers.inet6 import *

a, b = cables()
ME, US, GROUP = "2001:db8:1::aa", "2001:db8:1::1", "ff02::1:ff00:1"
LOCAL = next(net.split("/")[0] for net in ringway("show", "interface", "lan")["interfaces"][0]["addresses"] if net.startswith("fe80"))

def first(wanted, seconds=2.0, cable=a):
    for frame in map(Ether, cable.frames(seconds)):
        if IPv6 in frame and wanted(frame):
            return frame
    return None

def ask(source=ME, target=US, hlim=255, code=0, option=True, to=GROUP, ether="33:33:ff:00:00:01"):
    a.drain()
    packet = IPv6(src=source, dst=to, hlim=hlim) / ICMPv6ND_NS(tgt=target, code=code)
    if option:
        packet /= ICMPv6NDOptSrcLLAddr(lladdr=a.mac)
    a.send(Ether(src=a.mac, dst=ether) / packet)
    return first(lambda p: ICMPv6ND_NA in p and p[ICMPv6ND_NA].tgt == target, 0.5)

told = ask()
if check(told is not None, "a solicitation is answered"):
    na = told[ICMPv6ND_NA]
    check((na.R, na.S, na.O) == (1, 1, 1), "as a router, solicited, overriding", told)
    check(told[IPv6].hlim == 255 and told[IPv6].src == US and told[IPv6].dst == ME, "to the asker alone, hop limit 255", told)
    check(told[ICMPv6NDOptDstLLAddr].lladdr == a.router, "with the MAC of the port", told)
    check(told.dst == a.mac, "in a frame to the asker")
check(ask(hlim=254) is None, "one that was forwarded is not")
check(ask(code=1) is None, "one with another code is not")
check(ask(target="ff02::1") is None, "one for a group is not")
check(ask(source="2001:db8:77::1") is None, "one from beyond the link is not")
check(ask(source="::", option=True) is None, "a probe with an option is not")
probe = ask(source="::", option=False)
if check(probe is not None, "a probe for our address is answered"):
    check(probe[IPv6].dst == "ff02::1" and probe[ICMPv6ND_NA].S == 0, "to all nodes, unsolicited", probe)
check(ask(option=False, to=US, ether=a.router) is not None, "a unicast probe without an option is answered")

neighbors = {n["address"]: n for n in ringway("show", "neighbor", "lan")["neighbors"]}
check(neighbors.get(ME, {}).get("mac") == a.mac, "the asker is a neighbor now", neighbors)
check("2001:db8:77::1" not in neighbors, "who is beyond the link is none")

a.send(Ether(src=a.mac, dst="33:33:00:00:00:01") / IPv6(src=ME, dst="ff02::1", hlim=255)
       / ICMPv6ND_NA(R=0, S=0, O=1, tgt=ME) / ICMPv6NDOptDstLLAddr(lladdr="02:00:00:00:00:77"))
time.sleep(0.3)
neighbor = {n["address"]: n for n in ringway("show", "neighbor", "lan")["neighbors"]}.get(ME, {})
check((neighbor.get("mac"), neighbor.get("state")) == ("02:00:00:00:00:77", "stale"), "an overriding advertisement moves it", neighbor)

check(neighbor.get("router") is False, "which says that it is no router", neighbor)
a.send(Ether(src=a.mac, dst=a.router) / IPv6(src=ME, dst=US, hlim=255) / ICMPv6ND_NA(R=1, S=1, O=0, tgt=ME))
time.sleep(0.3)
neighbor = {n["address"]: n for n in ringway("show", "neighbor", "lan")["neighbors"]}.get(ME, {})
check((neighbor.get("router"), neighbor.get("state")) == (True, "reachable"), "and says that it is one", neighbor)

a.drain()
a.send(Ether(src=a.mac, dst="33:33:00:00:00:02") / IPv6(src="fe80::aa", dst="ff02::2", hlim=255) / ICMPv6ND_RS() / ICMPv6NDOptSrcLLAddr(lladdr=a.mac))
ra = first(lambda p: ICMPv6ND_RA in p, 4)
if check(ra is not None, "a router solicitation is answered"):
    check(ra[IPv6].src == LOCAL and ra[IPv6].hlim == 255, "from the link-local address, hop limit 255", ra)
    prefix = ra[ICMPv6NDOptPrefixInfo]
    check((prefix.prefix, prefix.prefixlen, prefix.L, prefix.A) == ("2001:db8:1::", 64, 1, 1), "with the prefix, on the link, autonomous", ra)
    check(ra[ICMPv6ND_RA].routerlifetime == 90, "with three times the interval as lifetime", ra)
    check(ra[ICMPv6NDOptMTU].mtu == 1500 and ra[ICMPv6NDOptSrcLLAddr].lladdr == a.router, "with MTU and MAC", ra)

def answer(packet, kind, seconds=1.0):
    a.drain()
    a.send(Ether(src=a.mac, dst=a.router) / packet)
    return first(lambda p: kind in p and p[IPv6].src != ME, seconds)

ask()
echo = ICMPv6EchoRequest(id=77, seq=1, data=b"mark")
route0 = answer(IPv6(src=ME, dst=US) / IPv6ExtHdrRouting(type=0, addresses=["2001:db8:2::2"]) / echo, ICMPv6ParamProblem)
if check(route0 is not None, "a routing header of type 0 is refused"):
    check((route0[ICMPv6ParamProblem].code, route0[ICMPv6ParamProblem].ptr) == (0, 42), "pointing at its type", route0)
option = answer(IPv6(src=ME, dst="2001:db8:2::2") / IPv6ExtHdrHopByHop(options=[HBHOptUnknown(otype=0x9e, optdata=b"abcd")]) / echo, ICMPv6ParamProblem)
if check(option is not None, "an unknown hop-by-hop option is refused as it asks"):
    check((option[ICMPv6ParamProblem].code, option[ICMPv6ParamProblem].ptr) == (2, 42), "pointing at it", option)
passed = answer(IPv6(src=ME, dst="2001:db8:2::2") / IPv6ExtHdrHopByHop(options=[HBHOptUnknown(otype=0x1e, optdata=b"abcd")]) / echo, ICMPv6EchoReply, 3.0)
check(passed is not None, "one that may be passed over is, and the packet arrives")
strange = answer(IPv6(src=ME, dst=US, nh=253) / Raw(bytes(8)), ICMPv6ParamProblem)
check(strange is not None and strange[ICMPv6ParamProblem].code == 1, "an unknown next header is refused", strange)
scope = answer(IPv6(src="fe80::aa", dst="2001:db8:2::2") / echo, ICMPv6DestUnreach)
check(scope is not None and scope[ICMPv6DestUnreach].code == 2, "a link-local source goes no further, and is told", scope)
for source in ("::1", "::ffff:192.0.2.9", "ff02::9"):
    before = drops().get("ip6_martian_source", 0)
    a.send(Ether(src=a.mac, dst=a.router) / IPv6(src=source, dst="2001:db8:2::2") / echo)
    check(settled_drops("ip6_martian_source", before + 1) > before, f"{source} is no source")

a.drain()
a.send(Ether(src=a.mac, dst="33:33:00:00:00:01") / IPv6(src="fe80::aa", dst="ff02::1", hlim=1)
       / IPv6ExtHdrHopByHop(options=[RouterAlert()]) / ICMPv6MLQuery2(mrd=100))
report = first(lambda p: ICMPv6MLReport2 in p, 3)
if check(report is not None, "a listener query is answered by a report"):
    # scapy takes the second record for a payload of the first.
    message = raw(report)[14 + 40 + 8:]
    count = int.from_bytes(message[6:8], "big")
    groups = {socket.inet_ntop(socket.AF_INET6, message[12 + 20 * at:28 + 20 * at]) for at in range(count)}
    check({"ff02::2", GROUP} <= groups and "ff02::1" not in groups, "of all groups but all nodes", groups)
    check(report[IPv6].hlim == 1 and report[IPv6].dst == "ff02::16", "to the routers of MLDv2", report)
finish()
PY

step "the groups"
sees "the device filters by those of its addresses" "33:33:ff:00:00:01" in_router ip maddress show dev rw-lan
sees "and by all routers" "33:33:00:00:00:02" in_router ip maddress show dev rw-lan
sees "it is not asked for all groups" "Allmulticast mode: disabled" rw show port info lan

step "counted"
sees "what failed a check" "invalid +[1-9]" rw show nd
sees "the router advertisements" "router-advertisements-sent +[1-9]" rw show nd

step "a link-local address that says nothing of the MAC (RFC 7217)"
stable() { sed 's/^name = "wan"$/&\ninterface_id = "stable"/;s/^name = "lab"$/&\naddress_secret = "'"$1"'"/' "$LAB_CONFIG"; }
# The port is named wan, too.
restart() {
    stop_ringway TERM
    start_ringway - < <(stable "$1" | sed '/^\[\[port\]\]/,/^$/ { /^interface_id/d }')
}
local_of_wan() { rw --json show interface wan | jq -r '.interfaces[0].addresses[] | select(startswith("fe80")) | split("/")[0]'; }
check "ringway starts again" restart "0123456789abcdef"
check "an address is formed" within 5 sh -c "'$RINGWAY' cli --socket $LAB_SOCKET show interface wan | grep -q 'address fe80::.*/64$'"
FIRST=$(local_of_wan)
sees_not "not of the MAC" "ff:fe" echo "$FIRST"
check "and again" restart "0123456789abcdef"
check "the same one" within 5 sh -c "'$RINGWAY' cli --socket $LAB_SOCKET show interface wan | grep -q 'address $FIRST/64$'"
in_b ip address add "$FIRST/64" dev eth0 nodad
check "once more, and somebody else has it" restart "0123456789abcdef"
check "another one is formed" within 8 sh -c "'$RINGWAY' cli --socket $LAB_SOCKET show interface wan | grep 'address fe80::.*/64$' | grep -qv $FIRST"
sees "and said" "duplicate address on wan: .* has $FIRST" cat "$LAB_LOG"
sees "B reaches it" " 0% packet loss" in_b ping -n -6 -c 2 -i 0.2 -W 2 "$(local_of_wan)%eth0"
in_b ip address delete "$FIRST/64" dev eth0
check "another secret" restart "fedcba9876543210"
check "makes another address" within 5 sh -c "'$RINGWAY' cli --socket $LAB_SOCKET show interface wan | grep 'address fe80::.*/64$' | grep -qv $FIRST"

finish
