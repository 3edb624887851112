//! Reverse path checks: strict, loose, several paths, and that a cached decision has them in it.

use super::frames::{A, B, assert_audit, close, rig, settings, udp};
use super::frames6::{B6, NOWHERE6, rig6, settings6, udp6};
use crate::dataplane::drop_reason::DropReason;
use crate::dataplane::rig::Rig;
use crate::fib::next_hop::{NextHop, Path, Paths};
use crate::fib::rib::{Origin, Route};
use ringway_config::SourceCheck;
use std::net::Ipv4Addr;

fn router(check: SourceCheck) -> Rig {
    let mut rig = rig(&settings());
    rig.publish(|snapshot| snapshot.interfaces[0].source_check = check);
    rig
}

fn add(rig: &mut Rig, prefix: &str, paths: Paths) {
    let route = Route { prefix: prefix.parse().unwrap(), paths, origin: Origin::Static, metric: 0 };
    rig.change(|rib| rib.add(0, &route).unwrap());
}

/// Whether a packet from this source that comes in by port 0 reaches B.
fn passes(rig: &mut Rig, source: Ipv4Addr) -> bool {
    let before = rig.drops(DropReason::SourceCheck);
    rig.send(0, &udp(source, B, 64, b"x"));
    rig.step();
    let forwarded = rig.receive(1).is_some();
    assert_eq!(rig.drops(DropReason::SourceCheck) - before, u64::from(!forwarded));
    forwarded
}

const BEHIND_1: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 9);
const NOWHERE: Ipv4Addr = Ipv4Addr::new(100, 64, 0, 9);

fn by(interface: u16) -> NextHop {
    let address = if interface == 0 { A } else { B };
    NextHop::Gateway { interface, address: address.into() }
}

#[test]
fn off_lets_everything_in() {
    let mut rig = router(SourceCheck::Off);
    assert!(passes(&mut rig, A) && passes(&mut rig, NOWHERE));
}

#[test]
fn strict_lets_in_only_what_it_would_send_back_by_the_same_interface() {
    let mut rig = router(SourceCheck::Strict);
    add(&mut rig, "203.0.113.0/24", by(1).into());
    add(&mut rig, "203.0.114.0/24", by(0).into());
    assert!(passes(&mut rig, A));
    assert!(passes(&mut rig, Ipv4Addr::new(203, 0, 114, 1)));
    assert!(!passes(&mut rig, BEHIND_1) && !passes(&mut rig, NOWHERE));
    assert_audit(&rig);
    close(rig);
}

#[test]
fn loose_lets_in_whatever_has_a_route() {
    let mut rig = router(SourceCheck::Loose);
    add(&mut rig, "203.0.113.0/24", by(1).into());
    add(&mut rig, "203.0.115.0/24", NextHop::Blackhole.into());
    assert!(passes(&mut rig, A) && passes(&mut rig, BEHIND_1));
    assert!(!passes(&mut rig, NOWHERE));
    assert!(!passes(&mut rig, Ipv4Addr::new(203, 0, 115, 1)), "a blackhole drops by source too");
}

#[test]
fn a_default_route_counts() {
    let mut rig = router(SourceCheck::Strict);
    add(&mut rig, "0.0.0.0/0", by(0).into());
    assert!(passes(&mut rig, NOWHERE));
    rig.publish(|snapshot| snapshot.interfaces[0].source_check = SourceCheck::Loose);
    assert!(passes(&mut rig, NOWHERE));
}

#[test]
fn with_several_paths_any_of_them_counts() {
    let mut rig = router(SourceCheck::Strict);
    let both = Paths::new([0, 1].map(|interface| Path { next_hop: by(interface), weight: 1 })).unwrap();
    add(&mut rig, "203.0.113.0/24", both);
    for host in 1..50 {
        assert!(passes(&mut rig, Ipv4Addr::new(203, 0, 113, host)));
    }
}

#[test]
fn the_sender_of_a_refused_ipv6_packet_is_told_which_policy_failed() {
    let mut rig = rig6(&settings6());
    rig.publish(|snapshot| snapshot.interfaces[0].source_check = SourceCheck::Strict);
    // B's network is reached by port 1, so nothing of it comes in by port 0: where it is, it hears of it.
    rig.send(0, &udp6(B6, B6, 64, b"x"));
    rig.step();
    let answer = rig.receive(1).expect("an error");
    assert_eq!(answer[54..56], [1, 5], "source address failed ingress policy");
    assert_eq!(rig.drops(DropReason::SourceCheck), 1);
    rig.send(0, &udp6(NOWHERE6, B6, 64, b"x"));
    rig.step();
    assert!(rig.receive(1).is_none() && rig.receive(0).is_none(), "there is no way back");
    assert_eq!(rig.drops(DropReason::SourceCheck), 2);
    assert_audit(&rig);
    close(rig);
}

#[test]
fn a_cached_decision_is_not_used_for_another_source() {
    let mut rig = router(SourceCheck::Strict);
    for _ in 0..3 {
        assert!(passes(&mut rig, A));
        assert!(!passes(&mut rig, NOWHERE));
    }
}
