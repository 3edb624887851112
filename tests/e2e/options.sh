#!/usr/bin/env bash
# IPv4 options on their way through (RFC 1812 5.2.4, RFC 791 3.1).
source "$(dirname "$0")/../../scripts/expect.sh"

lab_up
start_ringway "$LAB_CONFIG"

step "by ping"
sees "record route shows ringway on the way there" "198\.51\.100\.1" in_a ping -n -R -c 1 -W 2 198.51.100.2
sees "and on the way back" "192\.0\.2\.1" in_a ping -n -R -c 1 -W 2 198.51.100.2
sees "a timestamp request comes back with stamps" "TS:" in_a ping -n -T tsonly -c 1 -W 2 198.51.100.2
sees "and with addresses when it asks for them" "(192\.0\.2|198\.51\.100)\.1[[:space:]]" in_a ping -n -T tsandaddr -c 1 -W 2 198.51.100.2

frames <<'PY'
from frames import *
a, b = cables()
ids = iter(range(9000, 9999))
OUT, IN = bytes([198, 51, 100, 1]), bytes([192, 0, 2, 1])

def packet(options):
    """A packet with these option bytes, and its identification."""
    identification = next(ids)
    plain = IP(src=A_ADDRESS, dst=B_ADDRESS, id=identification, ttl=64) / UDP(sport=5, dport=9) / Raw(b"12345678")
    return Ether(src=a.mac, dst=a.router, type=0x0800) / Raw(header(plain, options=options)), identification

def through(options):
    """The option bytes with which the packet arrives at B, or None."""
    sent, identification = packet(options)
    b.drain()
    a.send(sent)
    got = b.first(lambda p: p[IP].id == identification, 0.5)
    return None if got is None else raw(got[IP])[20:got[IP].ihl * 4]

def refused(options):
    """The ICMP error that comes back, and whether the packet left all the same."""
    sent, identification = packet(options)
    a.drain(), b.drain()
    a.send(sent)
    error = a.first(lambda p: ICMP in p and p[ICMP].type in (3, 12), 0.5)
    return error, [p for p in b.packets(0.1) if p[IP].id == identification]

print("\n# record route")
got = through([7, 11, 4, 0, 0, 0, 0, 0, 0, 0, 0])
check(got and got[:11] == bytes([7, 11, 8]) + OUT + bytes(4), "the address of the way out is recorded", got and got.hex())
full = [7, 7, 8, 10, 1, 1, 1]
check((got := through(full)) and got[:7] == bytes(full), "a full record passes as it is", got and got.hex())

print("\n# timestamp")
got = through([68, 8, 5, 0, 0, 0, 0, 0])
check(got and got[:4] == bytes([68, 8, 9, 0]) and got[4:8] != bytes(4), "a stamp is put in", got and got.hex())
got = through([68, 12, 5, 1] + [0] * 8)
check(got and got[:4] == bytes([68, 12, 13, 1]) and got[4:8] in (IN, OUT) and got[8:12] != bytes(4), "an address and a stamp are", got and got.hex())
got = through([68, 8, 9, 0, 1, 2, 3, 4])
check(got and got[:8] == bytes([68, 8, 9, 0x10, 1, 2, 3, 4]), "a full one counts the overflow", got and got.hex())

print("\n# others")
for name, options in (("no-operation", [1, 1, 1, 1]), ("router alert", [148, 4, 0, 0]), ("an unknown option", [158, 4, 7, 7]),
                      ("end of options", [0, 9, 9, 9])):
    got = through(options)
    check(got is not None and got[:1] == bytes(options[:1]), f"{name} passes", got and got.hex())

print("\n# source routes")
for kind, name in ((131, "loose"), (137, "strict")):
    before = drops().get("ip4_source_route", 0)
    error, leaked = refused([kind, 7, 4, 203, 0, 113, 9])
    check(not leaked, f"a {name} source route is not followed", leaked)
    check(error is not None and (error[ICMP].type, error[ICMP].code) == (3, 5), f"a {name} one is answered by 3/5", error)
    check(settled_drops("ip4_source_route", before + 1) == before + 1, f"a {name} one is counted as ip4_source_route")

print("\n# malformed options")
for name, options, pointers in (
    ("a length of 0", [7, 0, 4, 0], {20, 21}),
    ("a length of 1", [7, 1, 4, 0], {20, 21}),
    ("a length beyond the header", [7, 40, 4, 0], {20, 21}),
    ("a record route of 6 bytes", [7, 6, 4, 0, 0, 0], {20, 21, 22}),
    ("a record route whose pointer is 2", [7, 7, 2, 0, 0, 0, 0], {22}),
    ("a timestamp whose pointer is 3", [68, 8, 3, 0, 0, 0, 0, 0], {22}),
    ("a bad one behind a good one", [1, 1, 1, 7, 0, 0, 0, 0], {23, 24}),
):
    before = drops().get("ip4_bad_option", 0)
    error, leaked = refused(options)
    check(not leaked, f"{name}: it does not leave", leaked)
    check(error is not None and error[ICMP].type == 12 and error[ICMP].code == 0 and error[ICMP].ptr in pointers,
          f"{name}: answered by a parameter problem that points at {sorted(pointers)}", error)
    check(settled_drops("ip4_bad_option", before + 1) == before + 1, f"{name}: counted as ip4_bad_option")
finish()
PY

finish
