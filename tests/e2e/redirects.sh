#!/usr/bin/env bash
# A better first hop on the same link is told to the sender (RFC 1812 5.2.7.2), unless the interface says not to.
source "$(dirname "$0")/../../scripts/expect.sh"

lab_up
# The better router is a second address of host A, so what is forwarded to it comes back on the same cable.
in_a ip address add 192.0.2.20/24 dev eth0
start_ringway "$LAB_CONFIG"
check "a route leads back to A's own link" rw route add 203.0.113.0/24 via 192.0.2.20

frames <<'PY'
from frames import *
a, b = cables()

def through(**fields):
    """What comes back to A for one packet: redirects, and the packet itself."""
    packet = IP(**{"src": A_ADDRESS, "dst": "203.0.113.5", "id": 55, "ttl": 64, **fields}) / UDP(sport=1, dport=9)
    a.drain()
    a.send(Ether(src=a.mac, dst=a.router) / packet)
    got = a.packets(0.5)
    return ([p for p in got if ICMP in p and p[ICMP].type == 5], [p for p in got if p[IP].id == 55 and p[IP].dst == "203.0.113.5"])

through()
redirects, forwarded = through()
check(len(forwarded) == 1 and forwarded[0][IP].ttl == 63, "the packet itself is forwarded", forwarded)
if check(len(redirects) == 1, "its sender gets one redirect", redirects):
    redirect = redirects[0]
    check(redirect[ICMP].code == 1, "for the host (code 1)", redirect)
    check(redirect[ICMP].gw == "192.0.2.20", "to the better router", redirect)
    check((redirect[IP].src, redirect[IP].dst) == (A_ROUTER, A_ADDRESS), "from the address the sender routes by", redirect)
    check(raw(redirect[ICMP])[8:28] == raw(IP(src=A_ADDRESS, dst="203.0.113.5", id=55, ttl=64) / UDP(sport=1, dport=9))[:20],
          "about the packet as it was sent", redirect)
redirects, forwarded = through(src="203.0.113.200")
check(not redirects, "a sender that is not on the link gets none", redirects)
finish()
PY
check "the router stops" stop_ringway TERM
start_ringway - < <(sed '/^name = "lan"/,/^$/ { /^addresses/ s/$/\nredirects = false/ }' "$LAB_CONFIG")
check "the same route" rw route add 203.0.113.0/24 via 192.0.2.20
frames <<'PY'
from frames import *
a, b = cables()
for _ in range(3):
    a.send(Ether(src=a.mac, dst=a.router) / IP(src=A_ADDRESS, dst="203.0.113.5") / UDP(sport=1, dport=9))
got = [p for p in a.packets(0.5) if ICMP in p and p[ICMP].type == 5]
check(not got, "with `redirects = false` none is sent", got)
finish()
PY

finish
