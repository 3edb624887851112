#!/usr/bin/env bash
# `ringway testpmd` on devices of DPDK, alone and beside ringway's own; attached and detached while it runs, in both ways to run.
source "$(dirname "$0")/../../scripts/expect.sh"

lab_up
quiet=(-l "0,1" --no-huge --no-telemetry --file-prefix="$LAB")
testpmd() { ip netns exec "$LAB_ROUTER" "$RINGWAY" testpmd "${quiet[@]}" "$@" 2>&1; }
# session OPTIONS -- LINES: a testpmd with these options of EAL, its commands on the standard input.
session() {
    local options=()
    while [[ $1 != -- ]]; do options+=("$1") && shift; done
    shift
    printf '%s\n' "$@" | testpmd "${options[@]}" -- -i --socket="$LAB_DIR/pipe.sock"
}

step "DPDK's devices and ours"
out=$(session --vdev memory --vdev net_null0 --vdev=net_ring0 -- "show port summary all" "start" "show config fwd" "stop" "quit") || true
sees "ports stand in the order of the command line" "^ +0 .* p0 +memory " cat <<<"$out"
sees "DPDK's among them" "^ +1 .* p1 +net_null " cat <<<"$out"
sees "with its other drivers" "^ +2 .* p2 +net_ring " cat <<<"$out"
sees "frames cross between them" "RX P=0/Q=0 -> TX P=1/Q=0" cat <<<"$out"
sees "it ends in order" "Bye" cat <<<"$out"

step "without any port"
out=$(session -- "show port summary all" "port attach net_null0" "port start 0" "set fwd rxonly" "start" "stop" "port stop 0" \
    "port detach net_null0" "show port summary all" "port attach net_null1,size=128" "quit") || true
sees "it says so and goes on" "No probed ethernet devices: name one before" cat <<<"$out"
sees "a device is attached" "Port 0 is attached. Now total ports is 1" cat <<<"$out"
sees "and forwards" "^rxonly packet forwarding - ports=1 - cores=1 - streams=1" cat <<<"$out"
sees "it is let go of by its name" "Port 0 is detached. Now total ports is 0" cat <<<"$out"
sees_not "no command fails" "failed|error:" cat <<<"$out"

step "attached to a running router"
check "ringway starts with DPDK" start_ringway - <<TOML
[dpdk]
huge_pages = "never"
args = ["--no-telemetry", "--file-prefix=$LAB"]
[[port]]
name = "lan"
driver = "memory"
TOML
refuses "a device with a typo" "there is no DPDK driver .net_nul.; do you mean .net_null." rw port attach net_nul0
refuses "a NIC that is not there" "there is no PCI device 0000:ff:1e.3; .lspci -D. lists them" rw port attach 0000:ff:1e.3
refuses "a word that is no device" "is no device that can be opened here: .*net_null0, 0000:01:00.0" rw port attach nothing
sees "a device of DPDK" "Port 1 is attached. Now total ports is 2" rw port attach net_ring0
sees "its driver is DPDK's" "^ +1 .* net_ring " rw show port summary all
sees "it is let go of" "Port 1 is detached. Now total ports is 1" rw port detach net_ring0
check "ringway ends in order" stop_ringway TERM

check "ringway starts without DPDK" start_ringway - <<TOML
[[port]]
name = "lan"
driver = "memory"
TOML
refuses "then it has no place for DPDK's devices" "start it with a device of DPDK, or with .dpdk. in its configuration" rw port attach net_null0
check "ringway ends in order" stop_ringway TERM

step "what is wrong is told in one line"
refuses "a device with a typo" "testpmd: port p0: there is no DPDK driver .net_nul.; do you mean .net_null." session --vdev net_nul0 -- quit
refuses "an argument that the driver does not know" "refuses .net_null0,nonsense=1.: check its arguments" session --vdev net_null0,nonsense=1 -- quit
refuses "a NIC that is not there" "there is no PCI device 0000:ff:1e.3" session -a ff:1e.3 -- quit
refuses "a plug-in that is not there" "cannot load a plug-in; install what it misses" session -d /nonexistent/librte_net_none.so -- quit
refuses "an option that EAL does not know" "DPDK does not start with .*--nonsense" session --nonsense=1 -- quit
refuses "a word that is no option" "behind .--." session lan -- quit
sees_not "EAL's manual is not printed" "EAL common options" session --nonsense=1 -- quit
huge() { ip netns exec "$LAB_ROUTER" "$RINGWAY" testpmd -l 0,1 --file-prefix="$LAB" --vdev net_null0 -- --socket="$LAB_DIR/pipe.sock" </dev/null 2>&1; }
if [[ $(cat /sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages) == 0 ]]; then
    refuses "no huge pages" "no free huge pages .*, or do without: .--no-huge." huge
else
    echo "  skip  this machine has free huge pages"
fi

finish
