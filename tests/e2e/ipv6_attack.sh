#!/usr/bin/env bash
# The tools of THC-IPv6 against ringway: floods, fuzzed packets, smurfs, redirects, a scan of a /64. Whatever they send,
# neighbors that work go on working, and every buffer is accounted for after each.
source "$(dirname "$0")/../../scripts/expect.sh"

B6=2001:db8:2::2

if ! command -v atk6-flood_router26 >/dev/null; then
    echo "the package thc-ipv6 is not installed; nothing was tried"
    exit 0
fi

lab_up
start_ringway "$LAB_CONFIG"
lab_ipv6
check "A configures itself" lab_wait6
# The tools make A's own kernel suffer too, so what has to go on working is a neighbor by hand.
check "B is reached" in_a ping -n -6 -c 2 -W 5 $B6

# received: frames that came in from A so far.
received() { rw --json show port stats lan | jq '.ports[0].rx_packets'; }

# attack NAME SECONDS COMMAND...: runs a tool in host A for a while; then the audit holds and ringway still answers B.
attack() {
    local name=$1 seconds=$2
    shift 2
    step "$name"
    local before
    before=$(received)
    in_a timeout --signal=INT --kill-after=2 "$seconds" "$@" >"$LAB_DIR/$1.log" 2>&1 </dev/null || true
    check "the tool has sent: $(($(received) - before)) packets came in" test "$(received)" -gt "$before"
    check "every buffer is accounted for" audit
    check "ringway answers commands" rw show workers
    sees "and B, whom it knows" " 0% packet loss" in_b ping -n -6 -c 3 -i 0.1 -W 2 2001:db8:2::1
}

LOCAL=$(in_a ip -6 route show default | sed -n 's/.*via \([^ ]*\) .*/\1/p' | head -n 1)
attack "router advertisements by the thousand" 2 atk6-flood_router26 eth0
attack "neighbor advertisements by the thousand" 2 atk6-flood_advertise6 eth0
attack "neighbor solicitations by the thousand" 2 atk6-flood_solicitate6 eth0 2001:db8:1::1
attack "router solicitations by the thousand" 2 atk6-flood_rs6 eth0
attack "listener reports by the thousand" 2 atk6-flood_mld6 eth0
attack "listener queries by the thousand" 2 atk6-flood_mldrouter6 eth0
attack "redirects by the thousand" 2 atk6-flood_redir6 eth0
attack "unreachables by the thousand" 2 atk6-flood_unreach6 eth0 2001:db8:1::1
attack "a scan of the network of B" 3 atk6-ndpexhaust26 -c eth0 2001:db8:2::/64
attack "a scan by echo requests" 3 atk6-ndpexhaust6 eth0 2001:db8:2::/64
attack "fuzzed echo requests" 3 atk6-fuzz_ip6 -a -x -1 -n 1 eth0 2001:db8:1::1
attack "fuzzed solicitations" 3 atk6-fuzz_ip6 -a -x -2 -n 1 eth0 2001:db8:1::1
attack "fuzzed advertisements" 3 atk6-fuzz_ip6 -a -x -3 -n 1 eth0 2001:db8:1::1
attack "fuzzed extension headers" 3 atk6-fuzz_ip6 -a -x -F -D -H -R -n 1 eth0 2001:db8:1::1
attack "smurfs" 2 atk6-smurf6 eth0 2001:db8:2::2
attack "smurfs by way of ringway" 2 atk6-rsmurf6 eth0 2001:db8:1::1
attack "a redirect of B" 2 atk6-redir6 eth0 "$(lab_address6 || echo 2001:db8:1::a)" $B6 "$LOCAL" fe80::bad
attack "packet too big, forged" 2 atk6-toobig6 eth0 2001:db8:1::1 $B6 1280
attack "a storm of connections" 2 atk6-thcsyn6 eth0 2001:db8:1::1 80
attack "every implementation test" 8 atk6-implementation6 eth0 2001:db8:1::1
attack "known exploits" 5 atk6-exploit6 eth0 2001:db8:1::1
attack "fragments of every kind" 5 atk6-fragmentation6 -p eth0 2001:db8:1::1

step "after all of it"
sees "B still has its neighbor entry" "2001:db8:2::2 .*(reachable|stale|delay|probe)" rw show neighbor
sees_not "no redirect was followed" "fe80::bad" rw show neighbor
finish
