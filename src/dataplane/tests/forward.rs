//! Plain forwarding.

use super::frames::{A, B, B_MAC, assert_audit, rig, settings, udp};
use crate::dataplane::rig::Rig;
use etherparse::{NetSlice, SlicedPacket};

#[test]
fn a_packet_is_forwarded_with_a_second_less_to_live_and_a_new_header() {
    let mut rig = rig(&settings());
    rig.send(0, &udp(A, B, 64, b"payload"));
    rig.step();
    let frame = rig.receive(1).expect("forwarded");
    assert_eq!(frame[..6], B_MAC.into_array());
    assert_eq!(frame[6..12], Rig::mac(1).into_array());
    let packet = SlicedPacket::from_ethernet(&frame).unwrap();
    let Some(NetSlice::Ipv4(ip)) = packet.net else { panic!("not IPv4") };
    let header = ip.header().to_header();
    assert_eq!(header.time_to_live, 63);
    assert_eq!(header.header_checksum, header.calc_header_checksum());
    assert_eq!(&frame[frame.len() - 7..], b"payload");
    assert_audit(&rig);
}

#[test]
fn link_padding_is_not_forwarded() {
    let mut rig = rig(&settings());
    let mut frame = udp(A, B, 64, b"x");
    let len = frame.len();
    frame.resize(60, 0xee);
    rig.send(0, &frame);
    rig.step();
    assert_eq!(rig.receive(1).unwrap().len(), len);
}

#[test]
fn the_second_packet_of_a_flow_hits_the_route_cache() {
    let mut rig = rig(&settings());
    for _ in 0..2 {
        rig.send(0, &udp(A, B, 64, b"x"));
        rig.step();
    }
    assert_eq!((rig.control.counters.cache4.hits.get(), rig.control.counters.cache4.misses.get()), (1, 1));
}
