#!/usr/bin/env bash
# A forwarded TCP or UDP packet never leaves with a bad checksum or larger than the MTU, though the hosts' kernels hand
# over packets whose checksums are not filled in and segments of 64 KB, as they do to any card with offloads.
source "$(dirname "$0")/../../scripts/expect.sh"

lab_up
start_ringway "$LAB_CONFIG"

step "the hosts' offloads are on"
for host in in_a in_b; do
    sees "$host: transmit checksums" "tx-checksumming: on" "$host" ethtool -k eth0
    # The kernel ends it while an XDP program is on the other end of the cable.
    if [[ ${LAB_DRIVER:-auto} == af_packet ]]; then
        sees "$host: segmentation" "tcp-segmentation-offload: on" "$host" ethtool -k eth0
    fi
done

# What arrives at a host: `tcpdump -vv` computes each checksum again and says "incorrect" or "bad cksum".
# watch HOST NAMESPACE: records up to 3000 frames that ringway sends to this host.
watch() {
    lab_background "tcpdump-$1" "$2" tcpdump -n -i eth0 -Q in -s 0 -c 3000 -w "$LAB_DIR/$1.pcap" 'ip and (tcp or udp)'
    within 5 grep -q "listening on" "$LAB_DIR/tcpdump-$1.log"
}
watch a "$LAB_A"
watch b "$LAB_B"

lab_background iperf3 "$LAB_B" iperf3 --server
within 5 listens "$LAB_B" 5201
in_a timeout 30 iperf3 -c 198.51.100.2 -n 3M >/dev/null
in_a timeout 30 iperf3 -c 198.51.100.2 -n 3M -R >/dev/null
in_a timeout 30 iperf3 -c 198.51.100.2 -u -b 10M -n 300K -l 1300 >/dev/null
in_a timeout 30 iperf3 -c 198.51.100.2 -u -b 10M -n 300K -l 1300 -R >/dev/null
sleep 0.5
lab_end tcpdump-a
lab_end tcpdump-b

for host in a b; do
    step "what reached host $host"
    packets=$(tcpdump -n -r "$LAB_DIR/$host.pcap" 2>/dev/null | wc -l)
    if ((packets > 200)); then pass "$packets packets were recorded"; else fail "packets were recorded" "$packets"; fi
    bad=$(tcpdump -n -vv -r "$LAB_DIR/$host.pcap" 2>/dev/null | grep -E "incorrect|bad .*cksum") || true
    if [[ -z $bad ]]; then pass "none has a bad IP, TCP or UDP checksum"; else fail "none has a bad IP, TCP or UDP checksum" "$bad"; fi
done
step "sizes"
sees "no frame to B is larger than 1400 bytes and its Ethernet header" "^0$" \
    sh -c "tcpdump -n -r $LAB_DIR/b.pcap 'greater 1415' 2>/dev/null | wc -l"
sees "no frame to A is larger than 1500 bytes and its Ethernet header" "^0$" \
    sh -c "tcpdump -n -r $LAB_DIR/a.pcap 'greater 1515' 2>/dev/null | wc -l"

finish
