#!/usr/bin/env bash
# Bulk transfers with the hosts' offloads on: TCP both ways, several streams, UDP, and every byte as it was sent.
source "$(dirname "$0")/../../scripts/expect.sh"

lab_up
start_ringway "$LAB_CONFIG"
lab_background iperf3 "$LAB_B" iperf3 --server
within 5 listens "$LAB_B" 5201

# transfer ARGUMENT...: an iperf3 run from A; prints the bits a second that the receiver got.
transfer() { in_a timeout 30 iperf3 --json -c 198.51.100.2 "$@" 2>/dev/null | jq '.end | (.sum_received // .sum).bits_per_second | floor'; }

# moves TEXT ARGUMENT...: the transfer gets through at all; how fast is a matter for benchmarks.
moves() {
    local text=$1 rate
    shift
    rate=$(transfer "$@") || rate=0
    if ((rate > 1000000)); then pass "$text ($((rate / 1000000)) Mbit/s)"; else fail "$text" "$rate bit/s"; fi
}

step "TCP"
moves "A sends to B" -t 3
moves "B sends to A" -t 3 -R
moves "both at once" -t 3 --bidir
moves "four streams" -t 3 -P 4
moves "small segments" -t 2 -M 536

step "UDP"
for direction in "" -R; do
    lost=$(in_a timeout 30 iperf3 --json -c 198.51.100.2 -u -b 20M -l 1300 -t 2 $direction | jq '.end.sum.lost_percent * 100 | floor')
    if ((lost <= 100)); then pass "20 Mbit/s ${direction:+back }lose no more than 1 %"; else fail "UDP ${direction:+back }" "$lost"; fi
done
moves "datagrams of 8000 bytes in fragments" -u -b 20M -l 8000 -t 2

step "content"
head -c 20000000 /dev/urandom >"$LAB_DIR/sent"
sum=$(sha256sum <"$LAB_DIR/sent")
receive='
import hashlib, socket
with socket.create_server(("", 7000)) as server:
    connection, _ = server.accept()
    digest = hashlib.sha256()
    while data := connection.recv(1 << 16):
        digest.update(data)
print(digest.hexdigest(), " -")'
send='
import socket, sys, time
for turn in range(50):
    try:
        connection = socket.create_connection((sys.argv[1], 7000), timeout=20)
        break
    except ConnectionRefusedError:
        time.sleep(0.1)
connection.sendfile(open(sys.argv[2], "rb"))
connection.close()'
lab_background receive "$LAB_B" timeout 60 /usr/bin/python3 -c "$receive"
in_a timeout 60 /usr/bin/python3 -c "$send" 198.51.100.2 "$LAB_DIR/sent"
check "20 MB arrive at B as they were sent" within 10 grep -qF "$sum" "$LAB_DIR/receive.log"
lab_background receive "$LAB_A" timeout 60 /usr/bin/python3 -c "$receive"
in_b timeout 60 /usr/bin/python3 -c "$send" 192.0.2.10 "$LAB_DIR/sent"
check "and at A" within 10 grep -qF "$sum" "$LAB_DIR/receive.log"

finish
