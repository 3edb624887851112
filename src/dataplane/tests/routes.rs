//! Path lists, changes under traffic, and the route cache, by the frames that leave.

use super::frames::{A, A_MAC, assert_audit, close, udp};
use crate::dataplane::rig::{Rig, RigSettings};
use crate::fib::cache::CacheMode;
use crate::fib::next_hop::{NextHop, Path, Paths};
use crate::fib::rib::{Origin, Route};
use ipnet::IpNet;
use macaddr::MacAddr6;
use std::net::Ipv4Addr;

/// The last byte of the MAC address of the gateway on an interface.
fn gateway_mac(interface: u16) -> MacAddr6 {
    MacAddr6::new(2, 0, 0, 0, 7, interface as u8)
}

fn gateway_address(interface: u16) -> Ipv4Addr {
    Ipv4Addr::new(198, 51, interface as u8, 2)
}

fn gateway(interface: u16) -> NextHop {
    NextHop::Gateway { interface, address: gateway_address(interface).into() }
}

/// A route to 203.0.113.0/24 over the gateways on these interfaces, with their weights.
fn spread(weights: &[(u16, u8)]) -> Route {
    let paths = weights.iter().map(|&(interface, weight)| Path { next_hop: gateway(interface), weight });
    let prefix = "203.0.113.0/24".parse().unwrap();
    Route { prefix, paths: Paths::new(paths).unwrap(), origin: Origin::Static, metric: 0 }
}

/// A router with A on port 0 and a gateway on each of ports 1 to 3, all resolved.
fn router(change: impl FnOnce(&mut RigSettings)) -> Rig {
    let nets: Vec<IpNet> =
        ["192.0.2.1/24", "198.51.1.1/24", "198.51.2.1/24", "198.51.3.1/24"].map(|net| net.parse().unwrap()).to_vec();
    let mut settings = RigSettings::new(&nets);
    settings.buffers = 4096;
    change(&mut settings);
    let mut rig = Rig::new(&settings).unwrap();
    rig.neighbor(0, A, A_MAC);
    for interface in 1..4 {
        rig.neighbor(interface, gateway_address(interface), gateway_mac(interface));
    }
    rig
}

/// Sends a packet of each of so many flows; which interface each left by.
fn ways(rig: &mut Rig, flows: u16) -> Vec<u16> {
    let mut ways = Vec::new();
    for flow in 0..flows {
        let mut frame = udp(A, Ipv4Addr::new(203, 0, 113, (flow % 250) as u8), 64, b"x");
        frame[34..36].copy_from_slice(&(1024 + flow).to_be_bytes());
        assert!(rig.send(0, &frame));
        rig.step();
        let left: Vec<u16> = (1..4).filter(|port| rig.receive(usize::from(*port)).is_some()).collect();
        assert_eq!(left.len(), 1, "flow {flow}");
        ways.extend(left);
    }
    ways
}

#[test]
fn flows_spread_by_weight_and_each_keeps_its_way() {
    let mut rig = router(|_| {});
    rig.change(|rib| rib.add(0, &spread(&[(1, 1), (2, 2), (3, 1)])).unwrap());
    let first = ways(&mut rig, 1000);
    let share = |interface| first.iter().filter(|way| **way == interface).count();
    assert!((170..330).contains(&share(1)) && (400..600).contains(&share(2)), "{} {}", share(1), share(2));
    assert_eq!(ways(&mut rig, 1000), first);
    assert_audit(&rig);
    close(rig);
}

#[test]
fn a_link_that_goes_down_moves_only_its_own_flows_and_takes_back_just_those() {
    for cache_mode in [CacheMode::On, CacheMode::Auto] {
        let mut rig = router(|settings| settings.cache_mode = cache_mode);
        rig.change(|rib| rib.add(0, &spread(&[(1, 1), (2, 1), (3, 1)])).unwrap());
        let before = ways(&mut rig, 300);
        rig.set_up(2, false);
        let during = ways(&mut rig, 300);
        for (before, during) in before.iter().zip(&during) {
            assert!(*during != 2 && (*before == 2 || before == during));
        }
        rig.set_up(2, true);
        assert_eq!(ways(&mut rig, 300), before);
        close(rig);
    }
}

#[test]
fn fragments_of_a_datagram_take_one_way() {
    let mut rig = router(|_| {});
    rig.change(|rib| rib.add(0, &spread(&[(1, 1), (2, 1), (3, 1)])).unwrap());
    for host in 1..100 {
        let mut left = Vec::new();
        for (offset, more) in [(0u16, 0x20u8), (185, 0x20), (370, 0)] {
            let mut frame = udp(A, Ipv4Addr::new(203, 0, 113, host), 64, b"12345678");
            frame[20] = more | (offset >> 8) as u8;
            frame[21] = offset as u8;
            // What stands in the place of ports in a later fragment is data.
            frame[34] = offset as u8;
            crate::wire::ipv4::fill_checksum(&mut frame[14..34]);
            assert!(rig.send(0, &frame));
            rig.step();
            left.extend((1..4).find(|port| rig.receive(*port).is_some()));
        }
        assert!(left.len() == 3 && left.iter().all(|way| *way == left[0]), "{left:?}");
    }
    close(rig);
}

#[test]
fn a_route_whose_links_are_all_down_makes_way_for_the_shorter_one() {
    let mut rig = router(|_| {});
    let wide = Route { prefix: "203.0.0.0/16".parse().unwrap(), ..spread(&[(3, 1)]) };
    rig.change(|rib| {
        rib.add(0, &spread(&[(1, 1), (2, 1)])).unwrap();
        rib.add(0, &wide).unwrap();
    });
    rig.set_up(1, false);
    assert!(ways(&mut rig, 50).iter().all(|way| *way == 2));
    rig.set_up(2, false);
    assert!(ways(&mut rig, 50).iter().all(|way| *way == 3));
    rig.set_up(1, true);
    assert!(ways(&mut rig, 50).iter().all(|way| *way == 1));
    close(rig);
}

#[test]
fn nothing_is_lost_while_routes_change() {
    let mut rig = router(|settings| settings.cache_mode = CacheMode::Auto);
    let metric = |metric, interface| Route { metric, ..spread(&[(interface, 1)]) };
    rig.change(|rib| rib.add(0, &metric(9, 1)).unwrap());
    let mut next = 0u32;
    for round in 0..2000u32 {
        rig.change(|rib| {
            // A better route to the traffic's prefix comes and goes, among many that have nothing to do with it.
            if round % 2 == 0 {
                rib.add(0, &metric(1, 2 + (round / 2 % 2) as u16)).unwrap();
            } else {
                rib.remove(0, "203.0.113.0/24".parse().unwrap(), Origin::Static, Some(1)).unwrap();
            }
            for _ in 0..10 {
                next += 1;
                let prefix = IpNet::new(Ipv4Addr::from_bits(0x0a00_0000 | (next % 5000) << 8).into(), 24).unwrap();
                rib.replace(0, &Route { prefix, metric: 0, ..spread(&[(1 + (next % 3) as u16, 1)]) }).unwrap();
            }
        });
        assert_eq!(ways(&mut rig, 1).len(), 1);
    }
    assert_audit(&rig);
    close(rig);
}

#[test]
fn numbers_of_next_hops_are_given_out_again_while_traffic_flows() {
    let mut rig = router(|_| {});
    rig.change(|rib| rib.add(0, &spread(&[(1, 1)])).unwrap());
    // Every round makes another path list; without giving numbers back they would run out.
    for round in 0..40_000u32 {
        let address = Ipv4Addr::from_bits(u32::from(gateway_address(2)) & !0xff | (10 + round % 200)).into();
        let next_hop = NextHop::Gateway { interface: 2, address };
        let prefix = "203.0.114.0/24".parse().unwrap();
        let metric = round / 200;
        rig.change(|rib| {
            let route = Route { prefix, paths: next_hop.into(), origin: Origin::Static, metric: 0 };
            rib.replace(0, &route).unwrap();
            let other = Paths::new([
                Path { next_hop, weight: 1 + (metric % 200) as u8 },
                Path { next_hop: gateway(3), weight: 1 },
            ]);
            let route = Route { prefix, paths: other.unwrap(), origin: Origin::Static, metric: 1 };
            rib.replace(0, &route).unwrap();
        });
        if round % 1000 == 0 {
            assert_eq!(ways(&mut rig, 3), [1, 1, 1]);
        }
    }
    assert!(rig.rib.next_hops().len() < 1000, "{}", rig.rib.next_hops().len());
    close(rig);
}

#[test]
fn a_cached_decision_is_not_used_for_another_flow_of_the_same_destination() {
    let mut rig = router(|settings| settings.cache_entries = 1 << 16);
    rig.change(|rib| rib.add(0, &spread(&[(1, 1), (2, 1)])).unwrap());
    let mut seen = [0; 4];
    for port in 0..200u16 {
        let mut frame = udp(A, Ipv4Addr::new(203, 0, 113, 7), 64, b"x");
        frame[34..36].copy_from_slice(&port.to_be_bytes());
        rig.send(0, &frame);
        rig.step();
        for (way, seen) in seen.iter_mut().enumerate().skip(1) {
            *seen += usize::from(rig.receive(way).is_some());
        }
    }
    assert!(seen[1] > 50 && seen[2] > 50, "{seen:?}");
    close(rig);
}

#[test]
fn a_flood_of_destinations_makes_the_cache_step_aside() {
    let mut rig = router(|settings| settings.cache_mode = CacheMode::Auto);
    rig.change(|rib| rib.add(0, &Route { prefix: "100.0.0.0/8".parse().unwrap(), ..spread(&[(1, 1)]) }).unwrap());
    for destination in 0..20_000u32 {
        rig.send(0, &udp(A, Ipv4Addr::from_bits(0x6400_0001 + destination * 251), 64, b"x"));
        if destination % 32 == 31 {
            rig.step();
            while rig.receive(1).is_some() {}
        }
    }
    let probes = rig.control.counters.cache4.hits.get() + rig.control.counters.cache4.misses.get();
    assert!(probes < 10_000, "{probes} of 20000 packets were looked for in the cache");
    close(rig);
}
