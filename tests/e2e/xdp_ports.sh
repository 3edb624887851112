#!/usr/bin/env bash
# AF_XDP ports between real hosts: what was negotiated, frames that cross byte for byte over one UMEM, two queues and workers,
# steering, generic mode.
source "$(dirname "$0")/../../scripts/expect.sh"

lab_up

# xdp MORE: the lab's file with both ports on AF_XDP; MORE goes into each [[port]].
xdp() { sed "s/^device = .*/&\ndriver = \"af_xdp\"\n$1/" "$LAB_CONFIG"; }
reaches_b() { in_a ping -n -c 1 -W 1 198.51.100.2; }
program_on() { ip -n "$LAB_ROUTER" link show "$1" | grep -q "xdp"; }

step "native mode"
start_ringway - < <(xdp "")
sees "show port info says native" "xdp mode.*native" rw show port info lan
sees "and copy" "copy mode.*copy" rw show port info lan
sees "and need-wakeup, busy-poll, steering" "steer.*all frames" rw show port info lan
check "the program is on the interface" program_on rw-lan
sees "A reaches B, the first packet included" " 0% packet loss" in_a ping -n -c 5 -i 0.2 -W 2 198.51.100.2
sees "500 quick pings lose nothing" " 0% packet loss" in_a ping -n -q -c 500 -i 0.002 -W 2 198.51.100.2

step "the bytes"
lab_background capture "$LAB_B" tcpdump -n -i eth0 -Q in -s 0 -c 400 -w "$LAB_DIR/b.pcap" 'udp and dst port 7777'
within 5 grep -q "listening on" "$LAB_DIR/capture.log"
send='
import random, socket
random.seed(7)
out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for size in [*range(0, 1373, 7)]:
    out.sendto(random.randbytes(size), ("198.51.100.2", 7777))
'
in_a /usr/bin/python3 -c "$send"
sleep 1
lab_end capture
verdict=$(LAB_DIR=$LAB_DIR /usr/bin/python3 - <<'PYTHON'
import os, random
from scapy.all import UDP, rdpcap
random.seed(7)
sent = [random.randbytes(size) for size in range(0, 1373, 7)]
got = [bytes(p[UDP].payload)[: p[UDP].len - 8] for p in rdpcap(os.environ["LAB_DIR"] + "/b.pcap") if UDP in p]
print("whole" if got == sent else f"{len(got)} of {len(sent)} or other bytes")
PYTHON
)
sees "datagrams of every size arrive as they were sent, in order" "^whole$" echo "$verdict"
sees "checksums that A's kernel left open were finished" "rx_checksums_filled: [1-9]" rw show port xstats lan
check "every buffer is accounted for" audit
check "ringway ends by SIGTERM" stop_ringway TERM
if program_on rw-lan; then fail "the program is gone"; else pass "the program is gone"; fi

step "only what is ours"
ip -n "$LAB_ROUTER" address add 192.0.2.5/24 dev rw-lan
start_ringway - < <(xdp 'steer = "ours"')
sees "the kernel answers for its own address" " 0% packet loss" in_a ping -n -c 3 -i 0.2 -W 2 192.0.2.5
sees "ringway answers for its own" " 0% packet loss" in_a ping -n -c 3 -i 0.2 -W 2 192.0.2.1
sees "and what goes through is ringway's" " 0% packet loss" in_a ping -n -c 3 -i 0.2 -W 2 198.51.100.2
lab_background listener "$LAB_ROUTER" /usr/bin/python3 -c '
import socket
with socket.create_server(("192.0.2.5", 2222)) as server:
    connection, _ = server.accept()
    connection.sendall(b"the host itself\n")'
within 5 listens "$LAB_ROUTER" 2222
sees "a TCP session to the host works" "the host itself" \
    in_a /usr/bin/python3 -c 'import socket; print(socket.create_connection(("192.0.2.5", 2222), 5).recv(99).decode())'
ip -n "$LAB_ROUTER" address add 192.0.2.6/24 dev rw-lan
kernel_has_6() { in_a ping -n -c 1 -W 1 192.0.2.6; }
check "an address added later is the kernel's too" within 5 kernel_has_6
check "every buffer is accounted for" audit
check "ringway ends by SIGTERM" stop_ringway TERM
ip -n "$LAB_ROUTER" address flush dev rw-lan

step "generic mode"
for host in in_a in_b; do "$host" ethtool -K eth0 tso off gso off >/dev/null; done
start_ringway - < <(xdp 'mode = "generic"')
sees "show port info says generic" "xdp mode.*generic" rw show port info lan
sees "A reaches B" " 0% packet loss" in_a ping -n -c 5 -i 0.2 -W 2 198.51.100.2
check "every buffer is accounted for" audit
check "ringway ends by SIGTERM" stop_ringway TERM
for host in in_a in_b; do "$host" ethtool -K eth0 tso on gso on >/dev/null; done

step "two queues, two workers"
for side in a:rw-lan b:rw-wan; do
    namespace=rw-${side%%:*}-$LAB device=${side##*:}
    ip netns exec "$LAB_ROUTER" ethtool -L "$device" rx 2 tx 2
    ip netns exec "$namespace" ethtool -L eth0 rx 2 tx 2
done
start_ringway - <<TOML
$(xdp 'busy_poll = 50')

[workers]
count = 2
TOML
lab_background iperf3 "$LAB_B" iperf3 --server
within 5 listens "$LAB_B" 5201
sees "eight TCP streams get through" "SUM.* [1-9][0-9.]* [KMG]bits/sec.*receiver" \
    in_a timeout 30 iperf3 -c 198.51.100.2 -P 8 -t 3 -i 0
busy() { rw --json show workers | jq -e '[.workers[] | select(.packets > 0)] | length == 2'; }
check "both workers had packets" busy
check "every buffer is accounted for" audit
check "ringway ends by SIGTERM" stop_ringway TERM

step "two queues, one worker"
start_ringway - < <(xdp "")
sees "eight TCP streams get through" "SUM.* [1-9][0-9.]* [KMG]bits/sec.*receiver" \
    in_a timeout 30 iperf3 -c 198.51.100.2 -P 8 -t 2 -i 0

finish
