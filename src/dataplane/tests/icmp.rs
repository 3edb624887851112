//! ICMP errors: what they say, whom they are sent to, and when none may be sent.

use super::frames::{A, A_MAC, B, assert_audit, close, echo, packet, rig, settings, udp, with_options};
use crate::dataplane::icmp_class::IcmpClass;
use crate::dataplane::rig::{Rig, RigSettings};
use crate::fib::next_hop::NextHop;
use crate::wire::ipv4::fill_checksum;
use etherparse::{Icmpv4Slice, NetSlice, SlicedPacket};
use std::net::Ipv4Addr;

const NOWHERE: Ipv4Addr = Ipv4Addr::new(100, 64, 0, 1);

/// Type, code, the four bytes behind the checksum, and what is quoted.
type Error = (u8, u8, [u8; 4], Vec<u8>);

/// As etherparse computes it.
fn checksum_is_right(message: &[u8]) -> bool {
    let icmp = Icmpv4Slice::from_slice(message).unwrap();
    icmp.checksum() == icmp.header().icmp_type.calc_checksum(icmp.payload())
}

/// The ICMP error in a frame, after checking everything that holds for all of them.
fn read(frame: &[u8]) -> Error {
    assert_eq!(frame[..6], A_MAC.into_array(), "back to who sent it");
    let packet = SlicedPacket::from_ethernet(frame).unwrap();
    let Some(NetSlice::Ipv4(ip)) = packet.net else { panic!("not IPv4") };
    let header = ip.header().to_header();
    assert_eq!(header.header_checksum, header.calc_header_checksum());
    assert_eq!(Ipv4Addr::from(header.source), Ipv4Addr::new(192, 0, 2, 1), "an address of the interface it leaves by");
    assert_eq!(Ipv4Addr::from(header.destination), A);
    assert_eq!((header.dscp.value() >> 3, header.time_to_live), (6, 64), "internetwork control");
    assert!(header.total_len <= 576);
    let message = ip.payload().payload;
    assert!(checksum_is_right(message));
    (message[0], message[1], [message[4], message[5], message[6], message[7]], message[8..].to_vec())
}

/// What the router answers to a frame, if anything.
fn answer_with(settings: &RigSettings, frame: &[u8]) -> Option<Error> {
    let mut rig = rig(settings);
    assert!(rig.send(0, frame));
    rig.step();
    let answered = rig.receive(0).map(|frame| read(&frame));
    assert!(rig.receive(0).is_none(), "one answer at most");
    assert_audit(&rig);
    close(rig);
    answered
}

fn answer(frame: &[u8]) -> Option<Error> {
    answer_with(&settings(), frame)
}

#[test]
fn the_packet_is_quoted_as_it_came() {
    let frame = udp(A, B, 1, b"short");
    let (kind, code, _, quoted) = answer(&frame).unwrap();
    assert_eq!((kind, code), (11, 0));
    assert_eq!(quoted, frame[14..], "time to live and checksum included");
}

#[test]
fn a_long_packet_is_quoted_up_to_576_bytes_in_all() {
    let frame = udp(A, B, 1, &[7; 1400]);
    let (_, _, _, quoted) = answer(&frame).unwrap();
    assert_eq!(quoted, frame[14..14 + 548]);
}

#[test]
fn a_time_to_live_of_zero_is_answered_and_never_wraps() {
    assert_eq!(answer(&udp(A, B, 0, b"x")).unwrap().0, 11);
}

#[test]
fn each_kind_of_route_has_its_code() {
    for (next_hop, expected) in [
        (None, Some((3, 0))),
        (Some(NextHop::Unreachable), Some((3, 1))),
        (Some(NextHop::Prohibit), Some((3, 13))),
        (Some(NextHop::Blackhole), None),
    ] {
        let mut settings = settings();
        settings.routes =
            next_hop.map(|next_hop| ("100.64.0.0/16".parse().unwrap(), next_hop.into())).into_iter().collect();
        let answered = answer_with(&settings, &udp(A, NOWHERE, 64, b"x"));
        assert_eq!(answered.map(|(kind, code, ..)| (kind, code)), expected, "{next_hop:?}");
    }
}

#[test]
fn a_packet_too_large_is_told_the_mtu_of_the_next_hop() {
    let mut settings = settings();
    settings.mtus = vec![1500, 1400];
    let mut frame = udp(A, B, 64, &[0; 1400]);
    frame[20] |= 0x40;
    fill_checksum(&mut frame[14..34]);
    let (kind, code, rest, quoted) = answer_with(&settings, &frame).unwrap();
    assert_eq!((kind, code, rest), (3, 4, [0, 0, 0x05, 0x78]));
    assert_eq!(quoted, frame[14..14 + 548], "as it came, the time to live not yet taken from");
}

#[test]
fn none_is_sent_about_errors_later_fragments_and_groups() {
    let mut later = udp(A, NOWHERE, 64, b"12345678");
    later[20..22].copy_from_slice(&[0, 1]);
    fill_checksum(&mut later[14..34]);
    let broadcast = Ipv4Addr::new(198, 51, 100, 255);
    for (what, frame) in [
        ("an ICMP error", packet(A, NOWHERE, 1, &[3, 1, 0xfc, 0xfe, 0, 0, 0, 0])),
        ("a later fragment", later),
        ("a directed broadcast", udp(A, broadcast, 64, b"x")),
        ("a multicast", udp(A, Ipv4Addr::new(224, 1, 1, 1), 64, b"x")),
        ("a martian source", udp(Ipv4Addr::LOCALHOST, NOWHERE, 64, b"x")),
        ("a broadcast source", udp(Ipv4Addr::new(192, 0, 2, 255), NOWHERE, 64, b"x")),
    ] {
        assert_eq!(answer(&frame), None, "about {what}");
    }
    assert!(answer(&echo(A, NOWHERE, b"x")).is_some(), "an echo request is no error");
}

#[test]
fn a_class_that_reaches_its_limit_leaves_the_others_alone() {
    let mut settings = settings();
    settings.icmp_errors = (1, 2);
    let mut rig = rig(&settings);
    for _ in 0..5 {
        rig.send(0, &udp(A, NOWHERE, 64, b"x"));
    }
    rig.send(0, &udp(A, B, 1, b"x"));
    rig.step();
    let kinds: Vec<u8> = std::iter::from_fn(|| rig.receive(0)).map(|frame| read(&frame).0).collect();
    assert_eq!(kinds, [3, 3, 11]);
    assert_eq!(rig.control.counters.icmp_limited[IcmpClass::Unreachable as usize].get(), 3);
    assert_audit(&rig);
}

#[test]
fn a_bad_option_is_pointed_at() {
    let frame = with_options(&udp(A, B, 64, b"x"), &[1, 7, 40, 4]);
    let (kind, code, rest, _) = answer(&frame).unwrap();
    assert_eq!((kind, code, rest[0]), (12, 0, 22), "the length, the third byte of the options");
}

#[test]
fn a_source_route_is_refused_unless_configured() {
    let frame = with_options(&udp(A, B, 64, b"x"), &[131, 7, 4, 10, 0, 0, 1, 0]);
    assert_eq!(answer(&frame).map(|(kind, code, ..)| (kind, code)), Some((3, 5)));
    // Reached by its source route, the router sends it on to the next address and leaves its own behind.
    let frame = with_options(&udp(A, Ipv4Addr::new(192, 0, 2, 1), 64, b"x"), &[131, 7, 4, 198, 51, 100, 2, 0]);
    let mut rig = rig(&settings());
    rig.publish(|snapshot| snapshot.accept_source_route = true);
    rig.send(0, &frame);
    rig.step();
    let sent = rig.receive(1).expect("sent on to B");
    assert_eq!(sent[30..34], B.octets());
    assert_eq!(sent[34..42], [131, 7, 8, 192, 0, 2, 1, 0]);
    assert!(crate::wire::checksum::verify(&sent[14..42]));
    assert_audit(&rig);
}

#[test]
fn a_better_first_hop_is_told_and_the_packet_still_goes_there() {
    let other = Ipv4Addr::new(192, 0, 2, 20);
    let mut settings = settings();
    settings.routes =
        vec![("203.0.113.0/24".parse().unwrap(), NextHop::Gateway { interface: 0, address: other.into() }.into())];
    let mut rig = rig(&settings);
    rig.neighbor(0, other, [2, 0, 0, 0, 0, 0x20].into());
    rig.send(0, &udp(A, Ipv4Addr::new(203, 0, 113, 9), 64, b"x"));
    rig.step();
    let (kind, code, gateway, _) = read(&rig.receive(0).unwrap());
    assert_eq!((kind, code, gateway), (5, 1, other.octets()));
    assert_eq!(rig.receive(0).unwrap()[..6], [2, 0, 0, 0, 0, 0x20]);
    rig.publish(|snapshot| snapshot.interfaces[0].redirects = false);
    rig.send(0, &udp(A, Ipv4Addr::new(203, 0, 113, 9), 64, b"x"));
    rig.step();
    assert_eq!(rig.receive(0).unwrap()[..6], [2, 0, 0, 0, 0, 0x20], "not told when configured off");
    assert!(rig.receive(0).is_none());
    assert_audit(&rig);
}

#[test]
fn an_echo_comes_back_from_the_address_that_was_asked() {
    let mut rig = rig(&settings());
    let asked = Ipv4Addr::new(198, 51, 100, 1);
    rig.send(0, &echo(A, asked, b"all of this"));
    rig.step();
    let frame = rig.receive(0).unwrap();
    let packet = SlicedPacket::from_ethernet(&frame).unwrap();
    let Some(NetSlice::Ipv4(ip)) = packet.net else { panic!("not IPv4") };
    assert_eq!((ip.header().source_addr(), ip.header().destination_addr()), (asked, A));
    let message = ip.payload().payload;
    assert!(checksum_is_right(message));
    assert_eq!((message[0], &message[8..]), (0, &b"all of this"[..]));
    assert_audit(&rig);
}

#[test]
fn a_connection_to_the_router_is_reset() {
    let mut syn = Vec::new();
    let builder = etherparse::PacketBuilder::ethernet2(A_MAC.into_array(), Rig::mac(0).into_array())
        .ipv4(A.octets(), [192, 0, 2, 1], 64)
        .tcp(1000, 80, 0x1234_5678, 512)
        .syn();
    builder.write(&mut syn, &[]).unwrap();
    let mut rig = rig(&settings());
    rig.send(0, &syn);
    rig.step();
    let frame = rig.receive(0).unwrap();
    let reset = etherparse::TcpHeaderSlice::from_slice(&frame[34..]).unwrap();
    assert!(reset.rst() && reset.ack() && !reset.syn());
    assert_eq!((reset.source_port(), reset.destination_port()), (80, 1000));
    assert_eq!((reset.sequence_number(), reset.acknowledgment_number()), (0, 0x1234_5679));
    let computed = reset.to_header().calc_checksum_ipv4_raw([192, 0, 2, 1], A.octets(), &[]).unwrap();
    assert_eq!(reset.checksum(), computed);
    rig.send(0, &frame);
    rig.step();
    assert!(rig.receive(0).is_none(), "a reset is not answered");
    assert_audit(&rig);
}
