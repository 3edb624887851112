#!/usr/bin/env bash
# ARP as RFC 826 and RFC 1812 want it, with the states of RFC 4861: announcement, conflict, learning, staleness, moves.
source "$(dirname "$0")/../../scripts/expect.sh"

lab_up
lab_background announcements "$LAB_A" tcpdump -l -n -e -i eth0 -Q in arp
within 5 grep -q "listening on" "$LAB_DIR/announcements.log"
start_ringway - <<TOML
$(cat "$LAB_CONFIG")

[neighbors]
reachable_ms = 1000
TOML

state_of() { rw --json show neighbor | jq -r --arg address "$1" '.neighbors[] | select(.address == $address) | .state'; }
mac_of() { rw --json show neighbor | jq -r --arg address "$1" '.neighbors[] | select(.address == $address) | .mac' | tr '[:upper:]' '[:lower:]'; }
is() { test "$("$1" "$2")" = "$3"; }

step "at start"
check "ringway announces its address" within 3 grep -Eq "ff:ff:ff:ff:ff:ff.*(who-has 192\.0\.2\.1 tell 192\.0\.2\.1|192\.0\.2\.1 is-at)" \
    "$LAB_DIR/announcements.log"

step "resolution"
sees "the first packet already arrives" " 0% packet loss" in_a ping -n -c 1 -W 2 198.51.100.2
check "B is known, by its own MAC address" is mac_of 198.51.100.2 "$(in_b cat /sys/class/net/eth0/address)"
sees "arping is answered" "([3-9] (response|packets received))|Received 3" in_a arping -c 3 -I eth0 192.0.2.1
sees "the table comes as /proc/net/arp prints it" "^IP address +HW type" rw show neighbor --format proc

step "staleness"
lab_background probes "$LAB_B" tcpdump -l -n -e -i eth0 -Q in arp
within 5 grep -q "listening on" "$LAB_DIR/probes.log"
check "a neighbor that is not used becomes stale" within 5 is state_of 198.51.100.2 stale
sees "a stale one still gets packets at once: 60 pings over probes lose none" "60 received" \
    in_a ping -n -q -c 60 -i 0.2 -W 2 198.51.100.2
b_mac=$(in_b cat /sys/class/net/eth0/address)
sees "it is asked by unicast whether it is still there" "> $b_mac.*who-has 198\.51\.100\.2" cat "$LAB_DIR/probes.log"
sees_not "and not by broadcast" "ff:ff:ff:ff:ff:ff.*who-has 198\.51\.100\.2 tell" cat "$LAB_DIR/probes.log"

step "a neighbor that moves"
new_mac=02:00:5e:00:53:01
in_b ip link set eth0 address "$new_mac"
reaches() { in_a ping -n -c 1 -W 1 198.51.100.2; }
check "traffic finds its new MAC address" within 20 reaches
check "which the table shows" is mac_of 198.51.100.2 "$new_mac"
newer_mac=02:00:5e:00:53:02
in_b ip link set eth0 address "$newer_mac"
frames <<'PY'
from frames import *
b = Cable(os.environ["LAB_B"])
b.send(Ether(src=b.mac, dst="ff:ff:ff:ff:ff:ff") / ARP(op=1, hwsrc=b.mac, psrc=B_ADDRESS, pdst=B_ADDRESS, hwdst="00:00:00:00:00:00"))
PY
check "an announcement moves it at once" within 2 is mac_of 198.51.100.2 "$newer_mac"
sees "and nothing is lost after it" " 0% packet loss" in_a ping -n -c 3 -i 0.2 -W 1 198.51.100.2

step "what is learnt and what is not"
frames <<'PY'
from frames import *
a, b = cables()

def known():
    return {n["address"]: n for n in ringway("show", "neighbor")["neighbors"]}

def arp(**fields):
    return ARP(**{"hwsrc": a.mac, "hwdst": "00:00:00:00:00:00", "pdst": A_ROUTER, **fields})

def broadcast(packet):
    a.send(Ether(src=a.mac, dst="ff:ff:ff:ff:ff:ff") / packet)
    time.sleep(0.2)

check(a.ask(A_ROUTER, A_ADDRESS, to=a.router) == a.router, "a unicast request is answered")
check(a.ask(A_ROUTER, "0.0.0.0") == a.router, "a probe from 0.0.0.0 (RFC 5227) is answered")
check("0.0.0.0" not in known(), "and not learnt")
check(a.ask("192.0.2.200", A_ADDRESS, 0.3) is None, "a request for another host's address is not answered")
broadcast(arp(op=1, psrc="192.0.2.30"))
check("192.0.2.30" in known(), "the sender of a request for ringway is learnt")
broadcast(arp(op=1, psrc="192.0.2.31", pdst="192.0.2.99"))
check("192.0.2.31" not in known(), "the sender of a request for another is not")
broadcast(arp(op=2, psrc="192.0.2.32", hwdst=a.router, pdst="192.0.2.99"))
check("192.0.2.32" not in known(), "nor that of an answer for another")
broadcast(arp(op=1, psrc="10.9.8.7"))
check("10.9.8.7" not in known(), "a sender from outside the link's network is not learnt")
broadcast(arp(op=1, psrc="192.0.2.33", hwsrc="ff:ff:ff:ff:ff:ff"))
broadcast(arp(op=1, psrc="192.0.2.34", hwsrc="01:00:5e:00:00:01"))
check(not {"192.0.2.33", "192.0.2.34"} & known().keys(), "broadcast and group MAC addresses are not learnt")
broadcast(arp(op=1, psrc="192.0.2.255"))
check("192.0.2.255" not in known(), "the broadcast address of the link is not learnt")
for damage in (dict(hwtype=6), dict(ptype=0x86dd), dict(hwlen=8), dict(plen=16), dict(op=9)):
    broadcast(arp(**{"op": 1, "psrc": "192.0.2.35", **damage}))
check("192.0.2.35" not in known(), "nothing is learnt from malformed ARP")
for size in range(0, 28):
    a.send(Ether(src=a.mac, dst="ff:ff:ff:ff:ff:ff", type=0x0806) / Raw(raw(arp(op=1, psrc="192.0.2.36"))[:size]))
time.sleep(0.2)
check("192.0.2.36" not in known(), "nor from ARP cut short")
finish()
PY

step "static neighbors"
check "one is added" rw neighbor add 192.0.2.77 02:00:5e:00:53:77 dev lan
check "and is static" is state_of 192.0.2.77 static
frames <<'PY'
from frames import *
a, b = cables()
b.send(Ether(src=b.mac, dst=b.router) / IP(src=B_ADDRESS, dst="192.0.2.77", id=777, proto=253))
got = a.first(lambda p: p[IP].id == 777)
check(got is not None and got.dst == "02:00:5e:00:53:77", "packets go to its MAC address", got)
finish()
PY
check "it is removed again" rw neighbor del 192.0.2.77
check "and gone" is state_of 192.0.2.77 ""
check "all are flushed" rw neighbor flush
sees "and found again" " 0% packet loss" in_a ping -n -c 2 -i 0.2 -W 2 198.51.100.2

step "a second owner of ringway's address"
frames <<'PY'
from frames import *
a, _ = cables()
a.send(Ether(src="02:00:5e:00:53:66", dst="ff:ff:ff:ff:ff:ff") /
       ARP(op=1, hwsrc="02:00:5e:00:53:66", psrc=A_ROUTER, pdst=A_ROUTER, hwdst="00:00:00:00:00:00"))
PY
check "is reported with its MAC address" within 3 grep -Eqi "conflict.*02:00:5e:00:53:66.*192\.0\.2\.1" "$LAB_LOG"
sees "and ringway keeps the address" " 0% packet loss" in_a ping -n -c 3 -i 0.2 -W 1 198.51.100.2

finish
