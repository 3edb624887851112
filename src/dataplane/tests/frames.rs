//! Frames for tests, built by etherparse: what goes in is not made by the code under test.

use crate::dataplane::rig::{Rig, RigSettings};
use crate::wire::ipv4::fill_checksum;
use etherparse::{IpNumber, PacketBuilder};
use macaddr::MacAddr6;
use std::net::Ipv4Addr;

/// A host on the network of port 0.
pub const A: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 10);
/// A host on the network of port 1.
pub const B: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 2);
/// The address of host A's station.
pub const A_MAC: MacAddr6 = MacAddr6::new(2, 0, 0, 0, 0, 0xa);
/// The address of host B's station.
pub const B_MAC: MacAddr6 = MacAddr6::new(2, 0, 0, 0, 0, 0xb);

/// Settings of a router between 192.0.2.0/24 on port 0 and 198.51.100.0/24 on port 1.
pub fn settings() -> RigSettings {
    RigSettings::new(&["192.0.2.1/24".parse().unwrap(), "198.51.100.1/24".parse().unwrap()])
}

/// The router, both hosts resolved.
pub fn rig(settings: &RigSettings) -> Rig {
    let mut rig = Rig::new(settings).unwrap();
    rig.neighbor(0, A, A_MAC);
    rig.neighbor(1, B, B_MAC);
    rig
}

fn ethernet() -> etherparse::PacketBuilderStep<etherparse::Ethernet2Header> {
    PacketBuilder::ethernet2(A_MAC.into_array(), Rig::mac(0).into_array())
}

/// A UDP frame from A's station to port 0.
pub fn udp(source: Ipv4Addr, destination: Ipv4Addr, ttl: u8, payload: &[u8]) -> Vec<u8> {
    let builder = ethernet().ipv4(source.octets(), destination.octets(), ttl).udp(4000, 5000);
    let mut frame = Vec::new();
    builder.write(&mut frame, payload).unwrap();
    frame
}

/// A frame with a payload of any protocol.
pub fn packet(source: Ipv4Addr, destination: Ipv4Addr, protocol: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = Vec::new();
    let builder = ethernet().ipv4(source.octets(), destination.octets(), 64);
    builder.write(&mut frame, IpNumber(protocol), payload).unwrap();
    frame
}

/// An echo request.
pub fn echo(source: Ipv4Addr, destination: Ipv4Addr, data: &[u8]) -> Vec<u8> {
    let builder = ethernet().ipv4(source.octets(), destination.octets(), 64).icmpv4_echo_request(7, 1);
    let mut frame = Vec::new();
    builder.write(&mut frame, data).unwrap();
    frame
}

/// The same frame with IPv4 options; their length is a multiple of 4.
pub fn with_options(frame: &[u8], options: &[u8]) -> Vec<u8> {
    let mut frame = frame.to_vec();
    frame.splice(34..34, options.iter().copied());
    let total = (frame.len() - 14) as u16;
    frame[14] = 0x45 + (options.len() / 4) as u8;
    frame[16..18].copy_from_slice(&total.to_be_bytes());
    fill_checksum(&mut frame[14..34 + options.len()]);
    frame
}

/// Asserts that every buffer is where the audit says.
pub fn assert_audit(rig: &Rig) {
    let audit = rig.audit();
    assert!(audit.is_exact(), "{audit}");
}

/// Ends the worker and asserts that every buffer came back.
pub fn close(rig: Rig) {
    let audit = rig.worker.close();
    assert_eq!(audit.pool, audit.capacity, "{audit}");
}
