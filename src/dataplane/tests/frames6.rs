//! IPv6 frames for tests, built by etherparse: what goes in is not made by the code under test.

use super::frames::{A_MAC, B_MAC, settings};
use crate::dataplane::rig::{Rig, RigSettings};
use etherparse::{IpNumber, Ipv6Header as Header, PacketBuilder};
use std::net::Ipv6Addr;

/// A host on the network of port 0.
pub const A6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 1, 0, 0, 0, 0, 0xa);
/// A host on the network of port 1.
pub const B6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 2, 0, 0, 0, 0, 0xb);
/// Our address on port 0.
pub const ROUTER6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 1, 0, 0, 0, 0, 1);
/// Our link-local address on port 0.
pub const LOCAL6: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1);
/// Host A's link-local address.
pub const A6_LOCAL: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0xa);
/// A destination that no route covers.
pub const NOWHERE6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xffff, 0, 0, 0, 0, 1);

/// Settings of a router between 2001:db8:1::/64 on port 0 and 2001:db8:2::/64 on port 1, beside the networks of IPv4.
pub fn settings6() -> RigSettings {
    let mut settings = settings();
    settings.addresses6 = vec!["2001:db8:1::1/64".parse().unwrap(), "2001:db8:2::1/64".parse().unwrap()];
    settings
}

/// The router, both hosts resolved in both families.
pub fn rig6(settings: &RigSettings) -> Rig {
    let mut rig = super::frames::rig(settings);
    rig.neighbor(0, A6, A_MAC);
    rig.neighbor(0, A6_LOCAL, A_MAC);
    rig.neighbor(1, B6, B_MAC);
    rig
}

/// A frame from A's station to port 0 with any payload behind the fixed header.
pub fn packet6(source: Ipv6Addr, destination: Ipv6Addr, next: u8, hop_limit: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = [Rig::mac(0).as_bytes(), A_MAC.as_bytes(), &[0x86, 0xdd]].concat();
    let header = Header {
        traffic_class: 0x1c,
        flow_label: 0x12345.try_into().unwrap(),
        payload_length: payload.len() as u16,
        next_header: IpNumber(next),
        hop_limit,
        source: source.octets(),
        destination: destination.octets(),
    };
    header.write(&mut frame).unwrap();
    frame.extend(payload);
    frame
}

fn ethernet() -> etherparse::PacketBuilderStep<etherparse::Ethernet2Header> {
    PacketBuilder::ethernet2(A_MAC.into_array(), Rig::mac(0).into_array())
}

/// A UDP frame from A's station to port 0.
pub fn udp6(source: Ipv6Addr, destination: Ipv6Addr, hop_limit: u8, payload: &[u8]) -> Vec<u8> {
    let builder = ethernet().ipv6(source.octets(), destination.octets(), hop_limit).udp(4000, 5000);
    let mut frame = Vec::new();
    builder.write(&mut frame, payload).unwrap();
    frame
}

/// An ICMPv6 message of any type, its checksum right.
pub fn icmp6(source: Ipv6Addr, destination: Ipv6Addr, hop_limit: u8, kind: u8, rest: &[u8]) -> Vec<u8> {
    let mut four = [0; 4];
    four.copy_from_slice(&rest[..4]);
    let builder = ethernet().ipv6(source.octets(), destination.octets(), hop_limit).icmpv6_raw(kind, 0, four);
    let mut frame = Vec::new();
    builder.write(&mut frame, &rest[4..]).unwrap();
    frame
}

/// The frame with an extension header in front of what follows the fixed header; `rest` is all of it but its first byte.
pub fn extended(frame: &[u8], kind: u8, rest: &[u8]) -> Vec<u8> {
    let mut frame = frame.to_vec();
    let next = std::mem::replace(&mut frame[20], kind);
    frame.splice(54..54, [&[next], rest].concat());
    let payload = (frame.len() - 54) as u16;
    frame[18..20].copy_from_slice(&payload.to_be_bytes());
    frame
}
