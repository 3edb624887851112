#!/usr/bin/env bash
# Packets larger than the way out: fragmentation-needed with DF (RFC 1191), fragments without it (RFC 791).
source "$(dirname "$0")/../../scripts/expect.sh"

lab_up
start_ringway "$LAB_CONFIG"

step "with DF"
in_a ip route flush cache
sees "a 1500-byte ping is told the MTU of 1400" "From 192\.0\.2\.1 .*mtu = 1400" \
    in_a ping -n -M 'do' -s 1472 -c 1 -W 2 198.51.100.2
sees "and from then on A's kernel knows it" "mtu 1400" in_a ip route get 198.51.100.2
sees "a 1400-byte ping passes" " 0% packet loss" in_a ping -n -M 'do' -s 1372 -c 2 -i 0.2 -W 2 198.51.100.2
in_a ip route flush cache
sees "a 1401-byte ping does not" "mtu = 1400" in_a ping -n -M 'do' -s 1373 -c 1 -W 2 198.51.100.2

step "without DF"
for size in 1473 3000 20000 60000; do
    sees "a ping of $size bytes comes back whole" "$((size + 8)) bytes from" \
        in_a ping -n -M dont -s "$size" -c 1 -W 3 198.51.100.2
done
sees "20 large pings lose nothing" " 0% packet loss" in_a ping -n -M dont -s 3000 -c 20 -i 0.02 -W 2 198.51.100.2

step "the bytes"
frames <<'PY'
from frames import *
a, b = cables()

def send(packet, payload):
    b.drain()
    a.send(Ether(src=a.mac, dst=a.router) / packet / Raw(payload))
    return sorted((p[IP] for p in b.packets(0.4) if p[IP].id == packet.id), key=lambda ip: ip.frag)

def body(ip):
    return raw(ip)[ip.ihl * 4:ip.len]

def right_checksum(ip):
    return internet_checksum(raw(ip)[:ip.ihl * 4]) == 0

def check_pieces(name, pieces, payload, start=0, more=0):
    check(len(pieces) >= 2, f"{name}: several fragments leave", pieces)
    check(all(ip.len <= 1400 for ip in pieces), f"{name}: none is larger than the MTU", [ip.len for ip in pieces])
    check(all(right_checksum(ip) for ip in pieces), f"{name}: each header checksum is right", pieces)
    check(all(ip.ttl == 63 for ip in pieces), f"{name}: each has one TTL less", [ip.ttl for ip in pieces])
    at = start
    for ip in pieces:
        check(ip.frag * 8 == at, f"{name}: the fragment at {at} follows on", ip.frag * 8)
        at += len(body(ip))
    check(all(ip.flags.MF for ip in pieces[:-1]), f"{name}: more fragments follow all but the last", pieces)
    check(bool(pieces) and int(pieces[-1].flags.MF) == more, f"{name}: the last one says what the packet said", pieces[-1:])
    check(b"".join(map(body, pieces)) == payload, f"{name}: together they are the packet")

payload = bytes(index * 7 % 251 for index in range(1480))
ids = iter(range(4000, 5000))
plain = dict(src=A_ADDRESS, dst=B_ADDRESS, proto=253)
check_pieces("a whole packet", send(IP(**plain, id=next(ids)), payload), payload)
check_pieces("a first fragment", send(IP(**plain, id=next(ids), flags="MF"), payload), payload, more=1)
check_pieces("a middle fragment", send(IP(**plain, id=next(ids), flags="MF", frag=185), payload), payload, 1480, 1)
check_pieces("a last fragment", send(IP(**plain, id=next(ids), frag=370), payload[:1477]), payload[:1477], 2960)

# Record route (7) is for the first fragment only, router alert (148) has the copied flag (RFC 791 3.1).
options = bytes([7, 7, 8, 10, 9, 8, 7]) + bytes([148, 4, 0, 0]) + bytes([0])
packet = IP(**plain, id=next(ids), options=[IPOption(options)])
payload = payload[:1460]
pieces = send(packet, payload)
check(b"".join(map(body, pieces)) == payload, "with options: together they are the packet")
check(bool(pieces) and raw(pieces[0])[20:31] == options[:11], "with options: the first fragment has them all", pieces[:1])
rest = [raw(ip)[20:ip.ihl * 4] for ip in pieces[1:]]
check(bool(rest) and all(148 in area and 7 not in area[:1] for area in rest),
      "with options: the others have only those with the copied flag", rest)
check(all(right_checksum(ip) for ip in pieces), "with options: each header checksum is right")

a.drain()
packet = IP(**plain, id=next(ids), flags="DF")
a.send(Ether(src=a.mac, dst=a.router) / packet / Raw(bytes(1480)))
error = a.first(lambda p: ICMP in p and p[ICMP].type == 3 and p[ICMP].code == 4)
if check(error is not None, "with DF: fragmentation-needed comes back"):
    check(error[ICMP].nexthopmtu == 1400, "with DF: it names the MTU of 1400 (RFC 1191)", error)
    check(error[IP].src == A_ROUTER, "with DF: it comes from the interface that received the packet", error)
    quote = raw(error[ICMP])[8:error[IP].len - 20]
    check(548 >= len(quote) >= 28, f"with DF: it quotes {len(quote)} bytes, at least 28 and in all at most 576")
    check(IP(quote).id == packet.id and IP(quote).ttl == 64, "with DF: the quoted header is the one that was sent")
check(settled_drops("mtu_exceeded", 1) >= 1, "with DF: counted as mtu_exceeded")
finish()
PY

step "a smaller MTU while running"
refuses "one that is too small for the IPv6 of wan" "wan: an MTU of 1279 is too small for IPv6, which needs 1280" \
    rw interface set wan mtu 1279
check "1280 is not" rw interface set wan mtu 1280
check "ringway ends" stop_ringway
start_ringway - <<'TOML'
[[port]]
name = "lan"
device = "rw-lan"

[[port]]
name = "wan"
device = "rw-wan"

[[interface]]
name = "lan"
addresses = ["192.0.2.1/24"]

[[interface]]
name = "wan"
addresses = ["198.51.100.1/24"]
TOML
check "the MTU of wan becomes 576" rw interface set wan mtu 576
in_a ip route flush cache
sees "the next DF ping is told 576" "mtu = 576" in_a ping -n -M 'do' -s 1372 -c 1 -W 2 198.51.100.2
sees "and a ping without DF still passes" "1380 bytes from" in_a ping -n -M dont -s 1372 -c 1 -W 2 198.51.100.2

finish
