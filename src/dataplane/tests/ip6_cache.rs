//! The route cache of IPv6: what an entry remembers, and that it steps aside.

use super::frames::{A_MAC, B, assert_audit, close, udp};
use super::frames6::{A6, B6, NOWHERE6, rig6, settings6, udp6};
use crate::dataplane::drop_reason::DropReason;
use crate::dataplane::rig::Rig;
use crate::fib::cache::CacheMode;
use crate::fib::next_hop::{NextHop, Path, Paths};
use crate::fib::rib::{Origin, Route};
use ringway_config::SourceCheck;
use std::net::Ipv6Addr;

/// Hits and misses so far.
fn probes(rig: &Rig) -> (u64, u64) {
    let counters = &rig.control.counters.cache6;
    (counters.hits.get(), counters.misses.get())
}

fn add(rig: &mut Rig, prefix: &str, paths: Paths) {
    let route = Route { prefix: prefix.parse().unwrap(), paths, origin: Origin::Static, metric: 0 };
    rig.change(|rib| rib.add(0, &route).unwrap());
}

fn forwarded(rig: &mut Rig, frame: &[u8]) -> bool {
    rig.send(0, frame);
    rig.step();
    rig.receive(1).is_some()
}

#[test]
fn the_second_packet_of_a_flow_hits_and_a_change_of_routes_makes_it_miss() {
    let mut rig = rig6(&settings6());
    assert!(forwarded(&mut rig, &udp6(A6, B6, 64, b"x")) && forwarded(&mut rig, &udp6(A6, B6, 64, b"x")));
    assert_eq!(probes(&rig), (1, 1));
    add(&mut rig, "2001:db8:2::b/128", NextHop::Blackhole.into());
    assert!(!forwarded(&mut rig, &udp6(A6, B6, 64, b"x")), "the entry is stale");
    assert_eq!(probes(&rig), (1, 2));
    assert!(forwarded(&mut rig, &udp(super::frames::A, B, 64, b"x")), "IPv4 has a cache of its own");
    assert_eq!(probes(&rig), (1, 2));
    assert_audit(&rig);
    close(rig);
}

#[test]
fn a_cached_decision_is_not_used_for_another_source() {
    let mut rig = rig6(&settings6());
    rig.publish(|snapshot| snapshot.interfaces[0].source_check = SourceCheck::Strict);
    for _ in 0..3 {
        assert!(forwarded(&mut rig, &udp6(A6, B6, 64, b"x")));
        assert!(!forwarded(&mut rig, &udp6(NOWHERE6, B6, 64, b"x")));
    }
    assert_eq!(rig.drops(DropReason::SourceCheck), 3);
    assert_eq!(probes(&rig).0, 2);
    close(rig);
}

#[test]
fn a_cached_decision_is_not_used_for_another_flow_of_the_same_destination() {
    let mut settings = settings6();
    settings.cache_entries = 1 << 16;
    let mut rig = rig6(&settings);
    let gateway = |last: u16| Ipv6Addr::new(0x2001, 0xdb8, 2, 0, 0, 0, 0, last);
    let by = |last: u16| NextHop::Gateway { interface: 1, address: gateway(last).into() };
    rig.neighbor(1, gateway(1), A_MAC);
    rig.neighbor(1, gateway(2), [2, 0, 0, 0, 9, 9].into());
    let both = Paths::new([1, 2].map(|last| Path { next_hop: by(last), weight: 1 })).unwrap();
    add(&mut rig, "2001:db8:77::/48", both);
    let mut first = 0;
    for label in 0..200u8 {
        let mut frame = udp6(A6, "2001:db8:77::1".parse().unwrap(), 64, b"x");
        frame[17] = label;
        rig.send(0, &frame);
        rig.step();
        first += usize::from(rig.receive(1).expect("forwarded")[..6] == *A_MAC.as_bytes());
    }
    assert!((50..150).contains(&first), "the flow label chooses the path: {first} of 200");
    close(rig);
}

#[test]
fn a_flood_of_destinations_makes_the_cache_step_aside() {
    let mut settings = settings6();
    settings.cache_mode = CacheMode::Auto;
    let mut rig = rig6(&settings);
    let by = NextHop::Gateway { interface: 1, address: B6.into() };
    add(&mut rig, "2001:db8:100::/40", by.into());
    for number in 0..20_000u16 {
        let destination = Ipv6Addr::new(0x2001, 0xdb8, 0x100, 0, 0, 0, number, 1);
        rig.send(0, &udp6(A6, destination, 64, b"x"));
        if number % 32 == 31 {
            rig.step();
            while rig.receive(1).is_some() {}
        }
    }
    let (hits, misses) = probes(&rig);
    assert!(hits + misses < 10_000, "{} of 20000 packets were looked for in the cache", hits + misses);
    close(rig);
}
