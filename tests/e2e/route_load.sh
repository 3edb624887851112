#!/usr/bin/env bash
# Files of routes, and routes that change under traffic: loading says what it took, mistakes name file and line, ringway
# answers meanwhile, and not one packet is lost while thousands of routes come and go.
source "$(dirname "$0")/../../scripts/expect.sh"

lab_up
in_b ip address add 203.0.113.1/32 dev lo
start_ringway "$LAB_CONFIG"

/usr/bin/python3 - "$LAB_DIR" <<'PY'
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
PY

step "a file"
sees "200000 routes are loaded" "200000 routes loaded" rw route load "$LAB_DIR/many.txt" via 198.51.100.2
sees "they are there" "static 20000[0-9]" rw show route summary
sees "and used" "198\.51\.100\.2" rw route get 20.1.2.3
sees "loading again replaces them" "200000 routes loaded" rw route load "$LAB_DIR/many.txt" via 198.51.100.2
sees "and there are no more of them" "static 20000[0-9]" rw show route summary
sees "longer prefixes inside one are listed" "20\.1\.2\.0/24" rw show route 20.1.0.0/16 longer
refuses "a mistake names file and line" "bad\.txt:2: .nonsense. is not a prefix" rw route load "$LAB_DIR/bad.txt"
refuses "a route without a gateway too" "bad\.txt:4: .*via ADDRESS" rw route load "$LAB_DIR/bad.txt"
sees "what is right of it was loaded" "203\.0\.113\.0/24" rw route get 203.0.113.1
refuses "a file that is not there is named" "nosuch" rw route load "$LAB_DIR/nosuch.txt"

step "changes under traffic"
lab_background pings "$LAB_A" ping -n -i 0.002 -c 4000 -W 2 203.0.113.1
check "10000 changes one by one" sh -c "'$RINGWAY' cli --socket '$LAB_SOCKET' <'$LAB_DIR/churn.txt'"
check "a full table meanwhile" rw route load "$LAB_DIR/many.txt" via 198.51.100.2
within 20 grep -q "packets transmitted" "$LAB_DIR/pings.log"
sees "not one of 4000 pings is lost" "4000 packets transmitted, 4000 received" cat "$LAB_DIR/pings.log"
check "no packet was dropped for want of a route" test "$(drop_count no_route)" -eq 0

finish
