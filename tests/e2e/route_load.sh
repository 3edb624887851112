#!/usr/bin/env bash
# Files of routes, and routes that change under traffic: loading says what it took, mistakes name file and line, ringway
# answers meanwhile, and not one packet is lost while thousands of routes come and go.
source "$(dirname "$0")/../../scripts/expect.sh"

lab_up
in_b ip address add 203.0.113.1/32 dev lo
start_ringway "$LAB_CONFIG"

/usr/bin/python3 - "$LAB_DIR" <<'PY'
import gzip
import ipaddress
import struct
import sys
lab = sys.argv[1]
with open(f"{lab}/many.txt", "w") as file:
    file.write("# two hundred thousand routes\n")
    for number in range(200_000):
        file.write(f"{20 + number // 65536}.{number // 256 % 256}.{number % 256}.0/24\n")
with open(f"{lab}/bad.txt", "w") as file:
    file.write("203.0.113.0/24 via 198.51.100.2\nnonsense\n203.0.114.1/24 via 198.51.100.2\n203.0.115.0/24\n")
with open(f"{lab}/churn.txt", "w") as file:
    for turn in range(10):
        for number in range(1000):
            file.write(f"route {'add' if turn % 2 == 0 else 'del'} 30.{number // 256}.{number % 256}.0/24"
                       f"{' via 198.51.100.2' if turn % 2 == 0 else ''}\n")

# A dump of a collector with one peer: RFC 6396 section 4.3. The second gateway is on no link here.
def record(subtype, body):
    return struct.pack("!IHHI", 1_700_000_000, 13, subtype, len(body)) + body

def announced(number, subtype, length, network, attributes):
    prefix = bytes([length]) + network[: (length + 7) // 8]
    body = struct.pack("!I", number) + prefix + struct.pack("!HHIH", 1, 0, 0, len(attributes)) + attributes
    return record(subtype, body)

address = lambda text: ipaddress.ip_address(text).packed
path = bytes([0x40, 1, 1, 0, 0x40, 2, 6, 2, 1]) + struct.pack("!I", 64500)
by4 = lambda text: path + bytes([0x40, 3, 4]) + address(text)
by6 = lambda text: path + bytes([0x80, 14, 17, 16]) + address(text)
peer = bytes([2]) + address("192.0.2.8") + address("198.51.100.2") + struct.pack("!I", 64500)
dump = record(1, address("192.0.2.9") + struct.pack("!HH", 0, 1) + peer)
for number in range(3000):
    gateway = "198.51.100.2" if number % 2 == 0 else "10.9.9.9"
    dump += announced(number, 2, 24, bytes([45, number // 256, number % 256]), by4(gateway))
for number in range(1000):
    dump += announced(number, 4, 48, bytes([0x24, 0, number // 256, number % 256, 0, 1]), by6("2001:db8:2::2"))
with gzip.open(f"{lab}/dump.mrt.gz", "wb") as file:
    file.write(dump)
with open(f"{lab}/cut.mrt", "wb") as file:
    file.write(dump[:-5])
PY
mkfifo "$LAB_DIR/pipe"

step "a file"
sees "200000 routes are loaded" "200000 routes loaded" rw route load "$LAB_DIR/many.txt" via 198.51.100.2
sees "they are there" "static 20000[0-9]" rw show route summary
sees "and used" "198\.51\.100\.2" rw route get 20.1.2.3
sees "loading again replaces them" "200000 routes loaded" rw route load "$LAB_DIR/many.txt" via 198.51.100.2
sees "and there are no more of them" "static 20000[0-9]" rw show route summary
sees "longer prefixes inside one are listed" "20\.1\.2\.0/24" rw show route 20.1.0.0/16 longer
refuses "a mistake names file and line" "bad\.txt:2: .nonsense. is no prefix" rw route load "$LAB_DIR/bad.txt"
refuses "a route without a gateway too" "bad\.txt:4: .*via ADDRESS" rw route load "$LAB_DIR/bad.txt"
refuses "and bits behind the length" "bad\.txt:3: .*did you mean 203\.0\.114\.0/24" rw route load "$LAB_DIR/bad.txt"
sees "what is right of it was loaded" "203\.0\.113\.0/24" rw route get 203.0.113.1
refuses "a file that is not there is named" "nosuch" rw route load "$LAB_DIR/nosuch.txt"

refuses "a pipe is not waited for" "ordinary file" rw route load "$LAB_DIR/pipe" via 198.51.100.2

step "the dump of a collector"
sees "both families are loaded from a compressed dump" "4000 routes loaded" rw route load "$LAB_DIR/dump.mrt.gz" via 198.51.100.2
sees "by the gateway that it names" "198\.51\.100\.2" rw route get 45.0.2.1
sees "by ours where that is on no link here" "198\.51\.100\.2" rw route get 45.0.1.1
sees "IPv6 by its own gateway" "2001:db8:2::2" rw route get 2400:1:2:3::4
refuses "what is on no link needs a gateway" "dump\.mrt\.gz:record 3: 45\.0\.1\.0/24: " rw route load "$LAB_DIR/dump.mrt.gz"
refuses "one that is cut off says at which record" "cut\.mrt:record 4001: " rw route load "$LAB_DIR/cut.mrt" via 198.51.100.2

step "changes under traffic"
lab_background pings "$LAB_A" ping -n -i 0.002 -c 4000 -W 2 203.0.113.1
check "10000 changes one by one" sh -c "'$RINGWAY' cli --socket '$LAB_SOCKET' <'$LAB_DIR/churn.txt'"
check "a full table meanwhile" rw route load "$LAB_DIR/many.txt" via 198.51.100.2
within 20 grep -q "packets transmitted" "$LAB_DIR/pings.log"
sees "not one of 4000 pings is lost" "4000 packets transmitted, 4000 received" cat "$LAB_DIR/pings.log"
check "no packet was dropped for want of a route" test "$(drop_count no_route)" -eq 0

finish
