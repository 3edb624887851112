//! VRFs: tables of their own, the same addresses twice, and routes that leak from one to the other.

use super::frames::{A, A_MAC, assert_audit, close, echo, udp};
use crate::dataplane::drop_reason::DropReason;
use crate::dataplane::rig::{Rig, RigSettings};
use crate::fib::next_hop::NextHop;
use crate::fib::rib::{Origin, Route};
use ipnet::IpNet;
use macaddr::MacAddr6;
use std::net::Ipv4Addr;

const RED: u16 = 1;
/// The host on port 1 in the default VRF, and on port 3 in red: both have this address.
const FAR: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 2);

/// Ports 0 and 1 in the default VRF, 2 and 3 in red, with the same addresses.
fn router() -> Rig {
    let nets: Vec<IpNet> = ["192.0.2.1/24", "198.51.100.1/24"].map(|net| net.parse().unwrap()).to_vec();
    let mut settings = RigSettings::new(&[nets.clone(), nets].concat());
    settings.vrfs = vec![0, 0, RED, RED];
    let mut rig = Rig::new(&settings).unwrap();
    for interface in [0, 2] {
        rig.neighbor(interface, A, A_MAC);
    }
    for interface in [1, 3] {
        rig.neighbor(interface, FAR, MacAddr6::new(2, 0, 0, 0, 0, interface as u8));
    }
    rig
}

/// Sends a frame that is addressed to port 0's station in by another port.
fn send(rig: &mut Rig, port: usize, frame: &[u8]) {
    let mut frame = frame.to_vec();
    frame[..6].copy_from_slice(Rig::mac(port).as_bytes());
    assert!(rig.send(port, &frame));
    rig.step();
}

fn left_by(rig: &mut Rig) -> Vec<usize> {
    (0..4).filter(|port| rig.receive(*port).is_some()).collect()
}

fn add(rig: &mut Rig, vrf: u16, prefix: &str, next_hop: NextHop) {
    let route = Route { prefix: prefix.parse().unwrap(), paths: next_hop.into(), origin: Origin::Static, metric: 0 };
    rig.change(|rib| rib.add(vrf, &route).unwrap());
}

#[test]
fn the_same_addresses_in_two_vrfs_are_two_networks() {
    let mut rig = router();
    send(&mut rig, 0, &udp(A, FAR, 64, b"x"));
    assert_eq!(left_by(&mut rig), [1]);
    send(&mut rig, 2, &udp(A, FAR, 64, b"x"));
    assert_eq!(left_by(&mut rig), [3]);
    assert_audit(&rig);
    close(rig);
}

#[test]
fn a_route_of_one_vrf_is_none_of_the_other() {
    let mut rig = router();
    add(&mut rig, RED, "203.0.113.0/24", NextHop::Gateway { interface: 3, address: FAR.into() });
    let packet = udp(A, Ipv4Addr::new(203, 0, 113, 1), 64, b"x");
    send(&mut rig, 2, &packet);
    assert_eq!(left_by(&mut rig), [3]);
    send(&mut rig, 0, &packet);
    assert_eq!(rig.drops(DropReason::NoRoute), 1);
    assert_eq!(left_by(&mut rig), [0], "net unreachable goes back to where it came from");
}

#[test]
fn the_router_answers_in_the_vrf_that_asked() {
    let mut rig = router();
    for port in [0, 2] {
        send(&mut rig, port, &echo(A, Ipv4Addr::new(192, 0, 2, 1), b"data"));
        assert_eq!(left_by(&mut rig), [port]);
    }
}

#[test]
fn a_route_leaks_by_a_gateway_of_another_vrf() {
    let mut rig = router();
    add(&mut rig, 0, "203.0.113.0/24", NextHop::Gateway { interface: 3, address: FAR.into() });
    send(&mut rig, 0, &udp(A, Ipv4Addr::new(203, 0, 113, 1), 64, b"x"));
    assert_eq!(left_by(&mut rig), [3]);
}

#[test]
fn a_route_leaks_by_a_lookup_in_another_vrf_and_a_loop_of_those_ends() {
    let mut rig = router();
    add(&mut rig, 0, "203.0.113.0/24", NextHop::Vrf { vrf: RED });
    add(&mut rig, RED, "203.0.113.0/25", NextHop::Gateway { interface: 3, address: FAR.into() });
    send(&mut rig, 0, &udp(A, Ipv4Addr::new(203, 0, 113, 1), 64, b"x"));
    assert_eq!(left_by(&mut rig), [3]);
    // With options it takes the exceptional way, which has to agree.
    let slow = super::frames::with_options(&udp(A, Ipv4Addr::new(203, 0, 113, 1), 64, b"x"), &[1, 1, 1, 0]);
    send(&mut rig, 0, &slow);
    assert_eq!(left_by(&mut rig), [3]);
    add(&mut rig, RED, "203.0.113.128/25", NextHop::Vrf { vrf: 0 });
    send(&mut rig, 0, &udp(A, Ipv4Addr::new(203, 0, 113, 200), 64, b"x"));
    assert_eq!(rig.drops(DropReason::NoRoute), 1);
    close(rig);
}
