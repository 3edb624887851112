#!/usr/bin/env bash
# Packets that no router may forward (RFC 1812 5.2.2, 5.3.4, 5.3.5, 5.3.7): each is dropped under its own name.
source "$(dirname "$0")/../../scripts/expect.sh"

lab_up
start_ringway "$LAB_CONFIG"

frames <<'PY'
import random
from frames import *
a, b = cables()

def sound(**fields):
    return IP(**{"src": A_ADDRESS, "dst": B_ADDRESS, **fields}) / UDP(sport=7, dport=7) / Raw(b"x" * 32)

def dropped(reason, name, packet, to=None, ethertype=0x0800):
    """Sends one frame from A: nothing like it may come out at B or back at A, and the reason's counter rises by one."""
    before = drops().get(reason, 0)
    b.drain()
    a.send(Ether(src=a.mac, dst=to or a.router, type=ethertype) / Raw(raw(packet)))
    # What ringway says for itself, by ARP and to the groups of IPv6, is none of A's.
    leaked = [frame for frame in b.frames(0.1) if frame[12:14] != b"\x08\x06" and frame[:2] != b"\x33\x33"]
    after = settled_drops(reason, before + 1)
    check(after == before + 1, f"{name}: counted as {reason}", f"{reason}: {before} before, {after} after; {drops()}")
    check(not leaked, f"{name}: nothing leaves", "\n".join(frame.hex() for frame in leaked))

print("\n# header errors (5.2.2)")
dropped("ip4_too_short", "19 bytes of header", raw(sound())[:19])
dropped("ip4_bad_checksum", "a wrong checksum", sound(chksum=0x1234))
for version in (0, 5, 6, 15):
    dropped("ip4_bad_version", f"version {version}", header(sound(), at_0=version << 4 | 5))
for ihl in (0, 4):
    dropped("ip4_bad_header_length", f"a header of {ihl * 4} bytes", header(sound(), at_0=0x40 | ihl))
dropped("ip4_bad_header_length", "a header of 60 bytes in a frame of 40", header(sound(), at_0=0x4f)[:40])
for length in (0, 19):
    dropped("ip4_bad_total_length", f"a total length of {length}", header(sound(), at_2=0, at_3=length))
dropped("ip4_bad_total_length", "a total length beyond the frame", header(sound(), at_2=2, at_3=0))

print("\n# sources that cannot be (5.3.7)")
for source in ("127.0.0.1", "127.255.0.9", "0.0.0.0", "0.1.2.3", "240.0.0.1", "255.255.255.255", "224.0.0.5", "239.1.2.3",
               "192.0.2.255", "198.51.100.255"):
    dropped("martian_source", f"from {source}", sound(src=source))
for source in (A_ROUTER, B_ROUTER):
    dropped("own_source", f"from {source}, ringway's own", sound(src=source))

print("\n# destinations that cannot be (5.3.5, 5.3.7)")
for destination in ("127.0.0.1", "0.0.0.0", "0.1.2.3", "240.0.0.1", "255.255.255.254"):
    dropped("martian_destination", f"to {destination}", sound(dst=destination))
dropped("multicast", "to 224.1.2.3", sound(dst="224.1.2.3"), to="01:00:5e:01:02:03")
dropped("broadcast", "to 255.255.255.255", sound(dst="255.255.255.255"), to="ff:ff:ff:ff:ff:ff")
dropped("directed_broadcast", "to 198.51.100.255", sound(dst="198.51.100.255"))

print("\n# frames (5.3.4)")
dropped("link_broadcast", "for B in a broadcast frame", sound(), to="ff:ff:ff:ff:ff:ff")
dropped("link_broadcast", "for B in a multicast frame", sound(), to="01:00:5e:00:00:09")
dropped("not_for_us", "for B in another station's frame", sound(), to="02:00:00:00:00:99")
dropped("unknown_vlan", "in VLAN 77, which is not configured", b"\x00\x4d\x08\x00" + raw(sound()), ethertype=0x8100)
dropped("unknown_ether_type", "of an unknown EtherType", b"anything at all" * 4, ethertype=0x88b5)

print("\n# what is sound passes")
b.drain()
a.send(Ether(src=a.mac, dst=a.router) / sound(id=4242) / Raw(b"") / Padding(b"PADDING" * 3))
arrived = [frame for frame in b.frames(0.3) if frame[18:20] == (4242).to_bytes(2, "big")]
if check(len(arrived) == 1, "a packet with bytes behind it passes", arrived):
    check(b"PADDING" not in arrived[0], "without the bytes behind it", arrived[0].hex())

print("\n# noise")
generator = random.Random(1812)
model = raw(sound(id=999))
for _ in range(3000):
    packet = bytearray(model + bytes(generator.randrange(0, 200)))
    for _ in range(generator.randrange(1, 6)):
        packet[generator.randrange(len(packet))] = generator.randrange(256)
    packet = packet[:generator.randrange(1, len(packet) + 1)]
    kind = generator.choice([0x0800] * 6 + [0x0806, 0x8100, 0x88a8, generator.randrange(0x600, 0x10000)])
    a.send(Ether(src=a.mac, dst=a.router, type=kind) / Raw(bytes(packet)))
finish()
PY
sees "after 3000 damaged frames A still reaches B" " 0% packet loss" in_a ping -n -c 5 -i 0.1 -W 2 198.51.100.2

finish
