#!/usr/bin/env bash
# About what ringway never sends an ICMP error (RFC 1812 4.3.2.7), what it answers for itself, and its rate limit.
source "$(dirname "$0")/../../scripts/expect.sh"

lab_up
start_ringway "$LAB_CONFIG"

frames <<'PY'
from frames import *
a, b = cables()
ids = iter(range(20000, 30000))

def errors(packet, to=None):
    """The ICMP errors that come back to A for one packet."""
    a.drain()
    a.send(Ether(src=a.mac, dst=to or a.router) / packet)
    return [p for p in a.packets(0.3) if ICMP in p and p[ICMP].type in (3, 4, 5, 11, 12)]

def silent(name, packet, to=None):
    found = errors(packet, to)
    check(not found, f"no error about {name}", found[0] if found else None)

def answered(name, packet, kind, code):
    found = errors(packet)
    check([(p[ICMP].type, p[ICMP].code) for p in found] == [(kind, code)], f"{name} is answered by {kind}/{code}",
          "\n".join(p.summary() for p in found) or "nothing")

def dying(**fields):
    """A packet whose TTL runs out at ringway."""
    return IP(**{"src": A_ADDRESS, "dst": B_ADDRESS, "ttl": 1, "id": next(ids), **fields})

print("\n# what gets an error")
answered("UDP with TTL 1", dying() / UDP(dport=33434), 11, 0)
answered("an echo request with TTL 1", dying() / ICMP(type=8), 11, 0)
answered("a first fragment with TTL 1", dying(flags="MF") / UDP(dport=33434) / Raw(bytes(64)), 11, 0)

print("\n# what does not")
quoted = raw(IP(src=A_ADDRESS, dst=B_ADDRESS) / UDP(sport=1, dport=2))
for kind, name in ((3, "a destination-unreachable"), (4, "a source quench"), (5, "a redirect"), (11, "a time-exceeded"),
                   (12, "a parameter problem")):
    silent(f"{name} message", dying() / ICMP(type=kind) / Raw(quoted))
silent("a later fragment", dying(frag=100) / Raw(bytes(64)))
silent("a packet to a multicast group", dying(dst="224.1.2.3") / UDP(dport=9), "01:00:5e:01:02:03")
silent("a packet to 255.255.255.255", dying(dst="255.255.255.255") / UDP(dport=9), "ff:ff:ff:ff:ff:ff")
silent("a packet to the broadcast address of the link", dying(dst="192.0.2.255", ttl=64) / UDP(dport=9), "ff:ff:ff:ff:ff:ff")
silent("a packet to the broadcast address of the far link", dying(dst="198.51.100.255", ttl=64) / UDP(dport=9))
silent("a packet in a broadcast frame", dying() / UDP(dport=9), "ff:ff:ff:ff:ff:ff")
silent("a packet in a multicast frame", dying() / UDP(dport=9), "01:00:5e:00:00:09")
for source in ("0.0.0.0", "127.0.0.1", "224.0.0.5", "240.0.0.1", "255.255.255.255", "192.0.2.255"):
    silent(f"a packet from {source}", dying(src=source) / UDP(dport=9))

print("\n# for ringway itself")
payload = bytes(range(256))
a.drain()
a.send(Ether(src=a.mac, dst=a.router) / IP(src=A_ADDRESS, dst=B_ROUTER, id=next(ids)) / ICMP(type=8, id=5, seq=6) / Raw(payload))
reply = a.first(lambda p: ICMP in p and p[ICMP].type == 0)
if check(reply is not None, "an echo request to the far address is answered"):
    check(reply[IP].src == B_ROUTER, "from the address that was asked", reply)
    check((reply[ICMP].id, reply[ICMP].seq, raw(reply[ICMP])[8:264]) == (5, 6, payload), "with what was sent", reply)
    check(reply[IP].ttl >= 64 and reply[IP].id != 0 or reply[IP].flags.DF, "with time to live of its own", reply)
to_ringway = dict(src=A_ADDRESS, dst=A_ROUTER)
answered("UDP to a closed port", IP(**to_ringway, id=next(ids)) / UDP(sport=5, dport=9), 3, 3)
answered("an unknown protocol", IP(**to_ringway, id=next(ids), proto=253) / Raw(bytes(16)), 3, 2)
silent("a bad ICMP checksum", IP(**to_ringway, id=next(ids)) / ICMP(type=8, chksum=1) / Raw(payload))
a.drain()
a.send(Ether(src=a.mac, dst=a.router) / IP(**to_ringway, id=next(ids)) / ICMP(type=8, chksum=1, id=99))
check(a.first(lambda p: ICMP in p and p[ICMP].type == 0 and p[ICMP].id == 99, 0.3) is None,
      "an echo request with a bad checksum is not answered")
silent("an ICMP message of an unknown type to ringway", IP(**to_ringway, id=next(ids)) / ICMP(type=77))
silent("a redirect to ringway", IP(src=A_ADDRESS, dst=A_ROUTER) / ICMP(type=5, code=1, gw="192.0.2.99") / Raw(quoted))

print("\n# the rate limit")
time.sleep(1)
a.drain(), b.drain()
burst = 2000
# Made before, so that they leave faster than errors may, and in portions that the ring holds.
ether = Ether(src=a.mac, dst=a.router)
expiring = bytes(ether / dying() / UDP(dport=33434))
passing = [bytes(ether / IP(src=A_ADDRESS, dst=B_ADDRESS, id=31000 + at, proto=253)) for at in range(burst // 10)]
for frame in passing:
    a.send(frame, *[expiring] * 10)
    time.sleep(0.001)
got = [p for p in a.packets(1.0) if ICMP in p and p[ICMP].type == 11]
through = {p[IP].id for p in b.packets(0.3) if p[IP].proto == 253}
check(0 < len(got) < burst, f"{burst} packets with TTL 1 at once bring {len(got)} errors, not {burst}")
check(len(through) == burst // 10, "and all that is to be forwarded meanwhile is forwarded", len(through))
limited = {m["kind"]: m["limited"] for m in ringway("show", "icmp")["messages"]}
check(limited.get("time-exceeded", 0) > 0, "`show icmp` counts those held back", limited)
finish()
PY

finish
