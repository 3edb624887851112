#!/usr/bin/env bash
# AF_XDP when things go wrong: kill -9 and restart, a queue or program that is taken, an MTU it cannot carry, what auto does then, a
# device that vanishes under load and comes back.
source "$(dirname "$0")/../../scripts/expect.sh"

lab_up
xdp() { sed "s/^device = .*/&\ndriver = \"af_xdp\"\n$1/" "$LAB_CONFIG"; }
reaches_b() { in_a ping -n -c 1 -W 1 198.51.100.2; }
state() { ip -n "$LAB_ROUTER" -d link show "$1" | sed 's/state [A-Z]*//' | grep -Ev "xdp|prog"; ip netns exec "$LAB_ROUTER" sh -c "ethtool -k $1; cat /sys/class/net/$1/napi_defer_hard_irqs /sys/class/net/$1/gro_flush_timeout"; }
run() { in_router timeout 10 "$RINGWAY" run --no-prompt --socket "$LAB_DIR/other.sock" "$@"; }

step "the interface is as it was"
before=$(state rw-lan)
start_ringway - < <(xdp 'promiscuous = true')
check "A reaches B" within 3 reaches_b
check "ringway ends by SIGTERM" stop_ringway TERM
if [[ $(state rw-lan) == "$before" ]]; then pass "after an end"; else fail "after an end" "$(diff <(echo "$before") <(state rw-lan))"; fi

step "kill -9 and restart"
for turn in 1 2; do
    start_ringway - < <(xdp 'promiscuous = true\nmtu = 1450\nmac = "02:00:00:00:00:77"' | sed '/rw-wan/,/^$/{/^mac/d}')
    check "A reaches B" within 3 reaches_b
    kill -KILL "$RINGWAY_PID"
    wait "$RINGWAY_PID" 2>/dev/null || true
    rm -f "$LAB_DIR/ringway.pid"
done
start_ringway - < <(xdp "")
check "A reaches B after the restart" within 3 reaches_b
check "ringway ends by SIGTERM" stop_ringway TERM
if [[ $(state rw-lan) == "$before" ]]; then pass "the interface is as it was before the first start"; else
    fail "the interface is as it was before the first start" "$(diff <(echo "$before") <(state rw-lan))"
fi

step "what is taken"
start_ringway - < <(xdp "")
xdp "" >"$LAB_DIR/xdp.toml"
refuses "a second ringway on the interface is told" "another XDP program is attached" run "$LAB_DIR/xdp.toml"
sees "the first one goes on" " 0% packet loss" in_a ping -n -c 3 -i 0.2 -W 2 198.51.100.2
check "ringway ends by SIGTERM" stop_ringway TERM

hold() {
    lab_background holder "$LAB_ROUTER" /usr/bin/python3 "$RINGWAY_ROOT/tests/e2e/xdp_holder.py" rw-lan "$1"
    within 5 grep -q held "$LAB_DIR/holder.log"
}
check "another socket holds the queue for a while" hold 2
start_ringway - < <(xdp "")
sees "it is waited for, and the log says how long" "queue 0 of .rw-lan. was still busy.* [0-9]+ ms" cat "$LAB_LOG"
check "A reaches B" within 3 reaches_b
check "ringway ends by SIGTERM" stop_ringway TERM
check "another socket holds the queue for good" hold 30
refuses "the wait has an end" "another AF_XDP socket has queue 0" run "$LAB_DIR/xdp.toml"
lab_end holder

step "an MTU that AF_XDP cannot carry"
ip -n "$LAB_ROUTER" link set rw-lan mtu 9000
in_a ip link set eth0 mtu 9000
refuses "af_xdp says so, with the remedy" "MTU.*driver = \"af_packet\"" run "$LAB_DIR/xdp.toml"
start_ringway "$LAB_CONFIG"
sees "auto takes AF_PACKET, and says why" "rw-lan. is driven by AF_PACKET, not AF_XDP: .*MTU" cat "$LAB_LOG"
sees "and AF_XDP on the other port" "rw-wan. is driven by AF_XDP" cat "$LAB_LOG"
sees "frames cross between the two kinds of port" " 0% packet loss" in_a ping -n -c 5 -i 0.2 -W 2 198.51.100.2
check "every buffer is accounted for" audit
check "ringway ends by SIGTERM" stop_ringway TERM
ip -n "$LAB_ROUTER" link set rw-lan mtu 1500
in_a ip link set eth0 mtu 1500

step "fewer queues than workers"
start_ringway - <<TOML
$(cat "$LAB_CONFIG")

[workers]
count = 2
TOML
sees "auto takes AF_PACKET, and says why" "not AF_XDP: .*1 receive queue.* for 2 workers" cat "$LAB_LOG"
check "ringway ends by SIGTERM" stop_ringway TERM

step "a device that vanishes under load, and comes back"
start_ringway - < <(xdp "")
check "A reaches B" within 3 reaches_b
lab_background flood "$LAB_A" ping -n -q -f -c 20000 198.51.100.2
sleep 0.5
ip -n "$LAB_ROUTER" link delete rw-wan
check "the log says which port is gone" within 5 grep -Eq "wan.*gone" "$LAB_LOG"
sees "A still reaches ringway" " 0% packet loss" in_a ping -n -c 3 -i 0.2 -W 2 192.0.2.1
check "every buffer is accounted for" audit
return_wan() {
    lab_cable "$LAB_B" eth0 rw-wan
    in_b ip address add 198.51.100.2/24 dev eth0
    in_b ip route replace default via 198.51.100.1
}
# said COUNT PATTERN: so many lines of the log match.
said() { [[ $(grep -Ec "$2" "$LAB_LOG") == "$1" ]]; }
for turn in 1 2; do
    return_wan
    check "the log says that it is back" within 5 said $turn "wan: its device is back$"
    check "A reaches B without a command" within 10 reaches_b
    check "every buffer is accounted for" audit
    ip -n "$LAB_ROUTER" link delete rw-wan
    check "it is gone again" within 5 said $((turn + 1)) "wan: its device is gone"
done

step "a device that comes back unfit"
ip link add name eth0 netns "$LAB_B" type veth peer name rw-wan netns "$LAB_ROUTER"
ip -n "$LAB_ROUTER" link set rw-wan mtu 9000
check "the log says why it cannot be opened" within 5 grep -Eq "could not be opened.*MTU" "$LAB_LOG"
ip -n "$LAB_ROUTER" link delete rw-wan
return_wan
check "a fit one is opened" within 10 reaches_b

step "a port that was stopped by hand stays stopped"
ip -n "$LAB_ROUTER" link delete rw-wan
check "it is gone" within 5 said 4 "wan: its device is gone"
sees "it is stopped by hand" "Done" rw port stop wan
return_wan
sees "B is not reached" "100% packet loss" in_a ping -n -c 2 -i 0.5 -W 1 198.51.100.2
sees "until it is started by hand" "Done" rw port start wan
check "A reaches B" within 10 reaches_b

finish
