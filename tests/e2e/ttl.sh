#!/usr/bin/env bash
# The time to live (RFC 1812 5.3.1) and the checksum that changes with it (RFC 1624).
source "$(dirname "$0")/../../scripts/expect.sh"

lab_up
start_ringway "$LAB_CONFIG"

frames <<'PY'
from frames import *
a, b = cables()

def expired(ttl, identification, length):
    """Sends a packet whose time runs out at ringway; returns what comes back and what leaves all the same."""
    a.drain(), b.drain()
    packet = IP(src=A_ADDRESS, dst=B_ADDRESS, ttl=ttl, id=identification) / UDP(sport=7777, dport=33434) / Raw(bytes(length))
    a.send(Ether(src=a.mac, dst=a.router) / packet)
    error = a.first(lambda p: ICMP in p and p[ICMP].type == 11)
    return raw(packet), error, [p for p in b.packets(0.2) if p[IP].id == identification]

for ttl, identification, length in [(1, 6001, 40), (1, 6002, 1300), (0, 6003, 40)]:
    name = f"TTL {ttl}, {length + 28} bytes"
    before = drops().get("ttl_exceeded", 0)
    sent, error, leaked = expired(ttl, identification, length)
    check(not leaked, f"{name}: it does not leave", leaked)
    check(settled_drops("ttl_exceeded", before + 1) == before + 1, f"{name}: counted as ttl_exceeded")
    if ttl == 0 and error is None:
        continue
    if not check(error is not None, f"{name}: time exceeded comes back"):
        continue
    check(error[ICMP].code == 0, f"{name}: its code is 0", error)
    check((error[IP].src, error[IP].dst) == (A_ROUTER, A_ADDRESS), f"{name}: from ringway's near side to A", error)
    check(error[IP].ttl > 32, f"{name}: the error itself has time to live", error)
    check(error[IP].tos >> 5 in (6, 7), f"{name}: its precedence is 6 or 7 (RFC 1812 4.3.2.5)", error[IP].tos)
    quote = raw(error[ICMP])[8:error[IP].len - 20]
    check(sent.startswith(quote), f"{name}: it quotes the packet as it was sent", error)
    check(len(quote) == min(len(sent), 548), f"{name}: it quotes as much as 576 bytes take, here {len(quote)}")
    icmp = ICMP(raw(error[ICMP])[:error[IP].len - 20])
    was = icmp.chksum
    del icmp.chksum
    check(ICMP(raw(icmp)).chksum == was, f"{name}: its checksum is right", error)

a.send(Ether(src=a.mac, dst=a.router) / IP(src=A_ADDRESS, dst=A_ROUTER, ttl=1, id=6010) / ICMP(id=77, seq=1))
check(a.first(lambda p: ICMP in p and p[ICMP].type == 0 and p[ICMP].id == 77) is not None,
      "TTL 1 is enough to reach ringway itself")

# Every value that the header checksum can take lies within 65536 identifications; this takes one in 31 of them, and
# all around the two ends of the ones' complement range, where the arithmetic of RFC 1624 is easy to get wrong.
base = IP(raw(IP(src=A_ADDRESS, dst=B_ADDRESS, ttl=2, id=0, proto=253) / Raw(b"count")))
middle = base.chksum
ids = sorted({*range(0, 65536, 31), *((middle + d) % 65536 for d in range(-300, 300)), *range(300), *range(65236, 65536)})
arrived, wrong = set(), []

def look(seconds):
    for frame in b.frames(seconds):
        if frame[12:14] == b"\x08\x00" and frame[14 + 9] == 253:
            arrived.add((int.from_bytes(frame[18:20], "big"), frame[14 + 8]))
            if internet_checksum(frame[14:34]) != 0:
                wrong.append(frame[14:34].hex())

for start in range(0, len(ids), 64):
    for identification in ids[start:start + 64]:
        for ttl in (2, 255):
            packet = header(base, at_4=identification >> 8, at_5=identification & 255, at_8=ttl)
            a.send(bytes.fromhex((a.router + a.mac).replace(":", "")) + b"\x08\x00" + packet)
    look(0.05)
look(0.5)
check({ttl for _, ttl in arrived} == {1, 254}, "TTL 2 leaves as 1, 255 as 254", {ttl for _, ttl in arrived})
check(len(arrived) == 2 * len(ids), f"all of {2 * len(ids)} packets arrive", len(arrived))
check(not wrong, "each of their checksums is right", "\n".join(wrong[:5]))
finish()
PY

finish
