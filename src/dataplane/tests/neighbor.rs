//! Packets that wait for a neighbor, and what becomes of them.

use super::frames::{A, B, assert_audit, close, rig, settings, udp};
use crate::dataplane::drop_reason::DropReason;
use crate::dataplane::message::{Event, NeighborKey, Order};
use crate::dataplane::rig::{Rig, RigSettings};
use std::net::Ipv4Addr;

const SILENT: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 77);
const KEY: NeighborKey = NeighborKey::v4(1, SILENT);

fn events(rig: &mut Rig) -> Vec<String> {
    std::iter::from_fn(|| rig.event()).map(|event| format!("{event:?}")).collect()
}

#[test]
fn the_newest_packets_wait_and_leave_in_order() {
    let mut rig = rig(&settings());
    for number in 0..6u8 {
        rig.send(0, &udp(A, SILENT, 64, &[number]));
    }
    rig.step();
    assert_eq!(events(&mut rig), [format!("{:?}", Event::NeighborNeeded(KEY))], "asked for once");
    assert_eq!(rig.audit().held, 4);
    assert_audit(&rig);
    rig.neighbor(1, SILENT, [2, 0, 0, 0, 0, 0x77].into());
    let sent: Vec<u8> = std::iter::from_fn(|| rig.receive(1)).map(|frame| frame[frame.len() - 1]).collect();
    assert_eq!(sent, [2, 3, 4, 5]);
    assert_eq!(rig.drops(DropReason::HoldOverflow), 2);
    close(rig);
}

#[test]
fn every_waiting_packet_is_answered_when_the_neighbor_fails() {
    let mut rig = rig(&settings());
    for _ in 0..3 {
        rig.send(0, &udp(A, SILENT, 64, b"x"));
    }
    rig.step();
    rig.order(Order::NeighborFailed(KEY));
    rig.step();
    let answers: Vec<_> = std::iter::from_fn(|| rig.receive(0)).map(|frame| (frame[34], frame[35])).collect();
    assert_eq!(answers, [(3, 1); 3], "host unreachable");
    assert_eq!(rig.audit().held, 0);
    close(rig);
}

#[test]
fn a_stale_neighbor_forwards_at_once_and_its_use_is_reported_once() {
    let mut rig = rig(&settings());
    rig.order(Order::NeighborUpdate { key: KEY, mac: [2, 0, 0, 0, 0, 0x77].into(), report_use: true });
    rig.step();
    for _ in 0..3 {
        rig.send(0, &udp(A, SILENT, 64, b"x"));
        rig.step();
        assert!(rig.receive(1).is_some());
    }
    assert_eq!(events(&mut rig), [format!("{:?}", Event::NeighborUsed(KEY))]);
    close(rig);
}

#[test]
fn a_neighbor_that_moves_is_followed_from_the_next_packet_on() {
    let mut rig = rig(&settings());
    rig.send(0, &udp(A, B, 64, b"x"));
    rig.step();
    rig.receive(1).unwrap();
    rig.neighbor(1, B, [2, 0, 0, 0, 0, 0xee].into());
    rig.send(0, &udp(A, B, 64, b"x"));
    rig.step();
    assert_eq!(rig.receive(1).unwrap()[..6], [2, 0, 0, 0, 0, 0xee], "though the route cache knew the old one");
    close(rig);
}

#[test]
fn a_forgotten_neighbor_is_asked_for_again_though_it_was_cached() {
    let mut rig = rig(&settings());
    rig.send(0, &udp(A, B, 64, b"x"));
    rig.step();
    rig.receive(1).unwrap();
    let key = NeighborKey::v4(1, B);
    rig.order(Order::NeighborRemoved(key));
    rig.step();
    rig.send(0, &udp(A, B, 64, b"x"));
    rig.step();
    assert!(rig.receive(1).is_none());
    assert_eq!(events(&mut rig), [format!("{:?}", Event::NeighborNeeded(key))]);
    close(rig);
}

#[test]
fn a_scan_changes_neither_the_memory_nor_the_way_of_others() {
    let settings = RigSettings::new(&["192.0.2.1/24".parse().unwrap(), "10.0.0.1/8".parse().unwrap()]);
    let mut rig = Rig::new(&settings).unwrap();
    let host = Ipv4Addr::new(10, 1, 1, 1);
    rig.neighbor(1, host, [2, 0, 0, 0, 0, 0x11].into());
    for round in 0..500u32 {
        for target in 0..10u32 {
            rig.send(0, &udp(A, Ipv4Addr::from_bits(0x0a80_0000 + round * 10 + target), 64, b"scan"));
        }
        rig.send(0, &udp(A, host, 64, b"work"));
        rig.step();
        assert!(rig.receive(1).is_some(), "round {round}");
        assert!(rig.audit().held <= 64);
        assert_audit(&rig);
        events(&mut rig);
        while rig.receive(0).is_some() {}
    }
    assert_eq!(rig.drops(DropReason::TransmitFull), 0);
    close(rig);
}
