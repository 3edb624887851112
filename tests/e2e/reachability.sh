#!/usr/bin/env bash
# Real hosts reach each other through ringway, and see it as one hop: ping, traceroute, tracepath, hping3.
source "$(dirname "$0")/../../scripts/expect.sh"

lab_up
start_ringway "$LAB_CONFIG"

step "the router itself"
sees "A reaches its own side of ringway" " 0% packet loss" in_a ping -n -c 3 -i 0.2 -W 2 192.0.2.1
sees "A reaches the far side of ringway" " 0% packet loss" in_a ping -n -c 3 -i 0.2 -W 2 198.51.100.1
sees "a ping of 1472 bytes is answered whole" "1480 bytes from 192.0.2.1" in_a ping -n -c 1 -s 1472 -M 'do' -W 2 192.0.2.1

step "through the router"
sees "A reaches B, the first packet included" " 0% packet loss" in_a ping -n -c 5 -i 0.2 -W 2 198.51.100.2
sees "B reaches A" " 0% packet loss" in_b ping -n -c 5 -i 0.2 -W 2 192.0.2.10
sees "the TTL is one lower at the far side" "ttl=63" in_a ping -n -c 1 -W 2 198.51.100.2
sees "200 quick pings of every size lose nothing" "200 packets transmitted, 200 received" \
    in_a ping -n -q -c 200 -i 0.005 -s 1200 -W 2 198.51.100.2

step "as a hop"
traceroute=$(in_a traceroute -n -q 1 -w 2 198.51.100.2 2>&1) || true
sees "traceroute names ringway as hop 1" "^ *1  192\.0\.2\.1 " echo "$traceroute"
sees "traceroute names B as hop 2" "^ *2  198\.51\.100\.2 " echo "$traceroute"
sees "traceroute by ICMP does so too" "^ *1  192\.0\.2\.1 " in_a traceroute -I -n -q 1 -w 2 198.51.100.2
sees "traceroute by TCP does so too" "^ *1  192\.0\.2\.1 " in_a traceroute -T -p 9 -n -q 1 -w 2 198.51.100.2
sees "three probes a hop are all answered" "^ *1  192\.0\.2\.1  [0-9.]+ ms  [0-9.]+ ms  [0-9.]+ ms" \
    in_a traceroute -n -q 3 -w 2 198.51.100.2
tracepath=$(in_a tracepath -n 198.51.100.2 2>&1) || true
sees "tracepath finds the MTU of 1400" "pmtu 1400" echo "$tracepath"
sees "tracepath counts two hops" "Resume: pmtu 1400 hops 2 back 2" echo "$tracepath"

step "ports that nobody listens on"
sees "UDP to ringway is answered by port unreachable" "ICMP Port Unreachable from ip=192\.0\.2\.1" \
    in_a hping3 --udp -p 9 -c 1 192.0.2.1
sees "UDP to B is answered by B's port unreachable" "ICMP Port Unreachable from ip=198\.51\.100\.2" \
    in_a hping3 --udp -p 9 -c 1 198.51.100.2
sees "TCP to B is answered by B's reset" "flags=RA" in_a hping3 -S -p 9 -c 1 198.51.100.2

finish
