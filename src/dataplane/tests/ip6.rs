//! IPv6: forwarding, scopes, extension headers, delivery and ICMPv6 errors.

use super::frames::{A_MAC, B_MAC, assert_audit, close, udp};
use super::frames6::{A6, A6_LOCAL, B6, LOCAL6, NOWHERE6, ROUTER6, extended, icmp6, packet6, rig6, settings6, udp6};
use crate::dataplane::drop_reason::DropReason;
use crate::dataplane::icmp_class::IcmpClass;
use crate::dataplane::message::{Event, NeighborKey, Order, Punt};
use crate::dataplane::rig::{Rig, RigSettings};
use crate::fib::next_hop::NextHop;
use etherparse::{Icmpv6Slice, NetSlice, SlicedPacket};
use ringway_config::HopByHop;
use std::net::Ipv6Addr;

/// Type, code, the four bytes behind the checksum, and what is quoted.
type Error = (u8, u8, u32, Vec<u8>);

/// The ICMPv6 error in a frame to A, after checking everything that holds for all of them.
fn read(frame: &[u8]) -> (Ipv6Addr, Error) {
    assert_eq!((&frame[..6], &frame[12..14]), (A_MAC.as_bytes(), &[0x86, 0xdd][..]), "back to who sent it");
    let packet = SlicedPacket::from_ethernet(frame).unwrap();
    let Some(NetSlice::Ipv6(ip)) = packet.net else { panic!("not IPv6") };
    let header = ip.header().to_header();
    assert_eq!(header.hop_limit, 64);
    assert!(frame.len() - 14 <= 1280);
    let message = Icmpv6Slice::from_slice(ip.payload().payload).unwrap();
    assert!(message.is_checksum_valid(header.source, header.destination));
    let bytes = message.slice();
    let word = u32::from_be_bytes([bytes[4], bytes[5], bytes[6], bytes[7]]);
    (header.source.into(), (bytes[0], bytes[1], word, bytes[8..].to_vec()))
}

fn answer_with(settings: &RigSettings, frame: &[u8]) -> Option<Error> {
    let mut rig = rig6(settings);
    assert!(rig.send(0, frame));
    rig.step();
    let answered = rig.receive(0).map(|frame| read(&frame));
    assert!(rig.receive(0).is_none(), "one answer at most");
    assert_audit(&rig);
    close(rig);
    answered.map(|(source, error)| {
        assert!(source == ROUTER6 || source == LOCAL6, "{source}");
        error
    })
}

fn answer(frame: &[u8]) -> Option<Error> {
    answer_with(&settings6(), frame)
}

#[test]
fn a_packet_is_forwarded_with_a_hop_less_and_a_new_header() {
    let mut rig = rig6(&settings6());
    let mut sent = udp6(A6, B6, 64, b"payload");
    rig.send(0, &sent);
    rig.step();
    let frame = rig.receive(1).expect("forwarded");
    assert_eq!(frame[..6], B_MAC.into_array());
    assert_eq!(frame[6..12], Rig::mac(1).into_array());
    sent[21] = 63;
    assert_eq!(frame[12..], sent[12..], "nothing else has changed");
    assert_audit(&rig);
}

#[test]
fn both_families_are_forwarded_in_one_burst_and_padding_is_cut_off() {
    let mut rig = rig6(&settings6());
    let mut six = udp6(A6, B6, 64, b"six");
    let len = six.len();
    six.resize(80, 0xee);
    let four = udp(super::frames::A, super::frames::B, 64, b"four");
    for frame in [&six, &four, &six, &four] {
        rig.send(0, frame);
    }
    rig.step();
    let sent: Vec<_> = std::iter::from_fn(|| rig.receive(1)).collect();
    let kinds: Vec<_> = sent.iter().map(|frame| (frame[12], frame.len())).collect();
    assert_eq!(kinds, [(0x86, len), (8, four.len()), (0x86, len), (8, four.len())]);
    assert_audit(&rig);
}

#[test]
fn an_expired_packet_is_quoted_as_it_came_up_to_1280_bytes_in_all() {
    let frame = udp6(A6, B6, 1, b"short");
    let (kind, code, _, quoted) = answer(&frame).unwrap();
    assert_eq!((kind, code, &quoted[..]), (3, 0, &frame[14..]));
    let frame = udp6(A6, B6, 0, &[7; 1400]);
    let (kind, _, _, quoted) = answer(&frame).unwrap();
    assert_eq!((kind, &quoted[..]), (3, &frame[14..14 + 1232]));
}

#[test]
fn each_kind_of_route_has_its_code() {
    for (next_hop, expected) in [
        (None, Some((1, 0))),
        (Some(NextHop::Unreachable), Some((1, 3))),
        (Some(NextHop::Prohibit), Some((1, 1))),
        (Some(NextHop::Blackhole), None),
    ] {
        let mut settings = settings6();
        settings.routes = next_hop.map(|to| ("2001:db8:ffff::/48".parse().unwrap(), to.into())).into_iter().collect();
        let answered = answer_with(&settings, &udp6(A6, NOWHERE6, 64, b"x"));
        assert_eq!(answered.map(|(kind, code, ..)| (kind, code)), expected, "{next_hop:?}");
    }
}

#[test]
fn a_packet_too_large_is_told_the_mtu_of_the_next_hop() {
    let mut settings = settings6();
    settings.mtus = vec![1500, 1400];
    let frame = udp6(A6, B6, 64, &[0; 1400]);
    let (kind, code, mtu, quoted) = answer_with(&settings, &frame).unwrap();
    assert_eq!((kind, code, mtu), (2, 0, 1400));
    assert_eq!(quoted, frame[14..14 + 1232], "the hop limit not yet taken from");
    assert_eq!(answer_with(&settings, &udp6(A6, B6, 64, &[0; 1352])), None, "1400 bytes fit");
    settings.mtus = vec![1500, 600];
    assert_eq!(answer_with(&settings, &udp6(A6, B6, 64, &[0; 1232])), None, "no link of IPv6 has less than 1280");
    assert_eq!(answer_with(&settings, &udp6(A6, B6, 64, &[0; 1233])).unwrap().2, 1280);
}

#[test]
fn none_is_sent_about_errors_redirects_and_groups_or_to_nobody() {
    let group = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);
    let mut fragment = icmp6(A6, NOWHERE6, 64, 1, &[0; 8]);
    fragment = extended(&fragment, 44, &[0, 0, 8, 0, 0, 0, 7]);
    for (what, frame) in [
        ("an error", icmp6(A6, NOWHERE6, 64, 1, &[0; 48])),
        ("an error behind a header", extended(&icmp6(A6, NOWHERE6, 64, 3, &[0; 48]), 60, &[0, 1, 4, 0, 0, 0, 0])),
        ("a redirect", icmp6(A6, NOWHERE6, 64, 137, &[0; 36])),
        ("a later fragment of ICMPv6", fragment),
        ("a group", packet6(A6, group, 17, 1, &[0; 8])),
        ("nobody", udp6(Ipv6Addr::UNSPECIFIED, NOWHERE6, 64, b"x")),
        ("a group as source", udp6(group, NOWHERE6, 64, b"x")),
        ("a chain without an end", extended(&udp6(A6, NOWHERE6, 64, b""), 60, &[9, 0, 0, 0, 0, 0, 0])),
    ] {
        assert_eq!(answer(&frame), None, "about {what}");
    }
    assert!(answer(&icmp6(A6, NOWHERE6, 64, 128, &[0; 8])).is_some(), "an echo request is no error");
}

#[test]
fn a_class_that_reaches_its_limit_leaves_the_others_and_ipv4_alone() {
    let mut settings = settings6();
    settings.icmp_errors = (1, 2);
    let mut rig = rig6(&settings);
    for _ in 0..5 {
        rig.send(0, &udp6(A6, NOWHERE6, 64, b"x"));
    }
    rig.send(0, &udp6(A6, B6, 1, b"x"));
    rig.send(0, &udp(super::frames::A, std::net::Ipv4Addr::new(100, 64, 0, 1), 64, b"x"));
    rig.step();
    let kinds: Vec<u8> = std::iter::from_fn(|| rig.receive(0)).map(|frame| frame[12] ^ frame[54]).collect();
    assert_eq!(kinds.len(), 4);
    assert_eq!(kinds[..3], [0x86 ^ 1, 0x86 ^ 1, 0x86 ^ 3]);
    assert_eq!(rig.control.counters.icmp_limited[IcmpClass::Unreachable6 as usize].get(), 3);
    assert_audit(&rig);
}

#[test]
fn what_is_link_local_stays_on_its_link() {
    let (kind, code, ..) = answer(&udp6(A6_LOCAL, B6, 64, b"x")).unwrap();
    assert_eq!((kind, code), (1, 2), "beyond the scope of the source");
    for destination in ["fe80::b", "fe80::2"] {
        let mut rig = rig6(&settings6());
        rig.send(0, &udp6(A6, destination.parse().unwrap(), 64, b"x"));
        rig.step();
        assert!(rig.receive(0).is_none() && rig.receive(1).is_none());
        assert_eq!(rig.drops(DropReason::Ip6LinkLocal), 1, "{destination} is not ours on port 0");
    }
}

#[test]
fn a_martian_is_one_whatever_kind_it_is() {
    for source in ["::1", "ff02::1", "ff0e::1", "::ffff:192.0.2.1", "::192.0.2.1", "::"] {
        let mut rig = rig6(&settings6());
        rig.send(0, &udp6(source.parse().unwrap(), B6, 64, b"x"));
        rig.step();
        assert_eq!(rig.drops(DropReason::Ip6MartianSource), 1, "{source}");
        assert!(rig.receive(0).is_none() && rig.receive(1).is_none(), "{source}: nothing leaves");
    }
    for destination in ["::", "::1", "::ffff:198.51.100.2", "::198.51.100.2"] {
        let mut rig = rig6(&settings6());
        rig.send(0, &udp6(A6, destination.parse().unwrap(), 64, b"x"));
        rig.step();
        assert_eq!(rig.drops(DropReason::Ip6MartianDestination), 1, "{destination}");
    }
}

#[test]
fn unknown_hop_by_hop_options_are_answered_passed_over_or_refused_by_policy() {
    let frame = extended(&udp6(A6, B6, 64, b"x"), 0, &[0, 0x80 | 30, 4, 0, 0, 0, 0]);
    let (kind, code, pointer, _) = answer(&frame).unwrap();
    assert_eq!((kind, code, pointer), (4, 2, 42));
    for (policy, forwarded) in [(HopByHop::Skip, true), (HopByHop::Drop, false)] {
        let mut rig = rig6(&settings6());
        rig.publish(|snapshot| snapshot.hop_by_hop = policy);
        rig.send(0, &frame);
        rig.step();
        assert_eq!(rig.receive(1).is_some(), forwarded, "{policy:?}");
        assert!(rig.receive(0).is_none());
        assert_audit(&rig);
    }
    let known = extended(&udp6(A6, B6, 64, b"x"), 0, &[0, 5, 2, 0, 0, 1, 0]);
    let mut rig = rig6(&settings6());
    rig.send(0, &known);
    rig.step();
    let sent = rig.receive(1).expect("a router alert that is not for us is forwarded");
    assert_eq!(sent[14 + 40..], known[14 + 40..]);
}

#[test]
fn a_routing_header_for_us_is_refused_and_one_in_transit_is_not_looked_at() {
    let mut route = vec![2, 0, 1, 0, 0, 0, 0];
    route.extend(B6.octets());
    let frame = extended(&udp6(A6, ROUTER6, 64, b"x"), 43, &route);
    let (kind, code, pointer, _) = answer(&frame).unwrap();
    assert_eq!((kind, code, pointer), (4, 0, 42), "the routing type");
    let mut rig = rig6(&settings6());
    rig.send(0, &extended(&udp6(A6, B6, 64, b"x"), 43, &route));
    rig.step();
    assert!(rig.receive(1).is_some());
}

#[test]
fn what_nobody_listens_for_is_answered() {
    let (kind, code, ..) = answer(&udp6(A6, ROUTER6, 64, b"x")).unwrap();
    assert_eq!((kind, code), (1, 4), "port unreachable");
    let (kind, code, pointer, _) = answer(&packet6(A6, ROUTER6, 99, 64, b"12345678")).unwrap();
    assert_eq!((kind, code, pointer), (4, 1, 6), "the next header field");
    let behind = extended(&packet6(A6, ROUTER6, 99, 64, b"12345678"), 60, &[0, 1, 4, 0, 0, 0, 0]);
    assert_eq!(answer(&behind).unwrap().2, 40, "in the extension header");
    let late = extended(&udp6(A6, ROUTER6, 64, b"x"), 0, &[0, 1, 4, 0, 0, 0, 0]);
    let late = extended(&late, 60, &[0, 1, 4, 0, 0, 0, 0]);
    assert_eq!(answer(&late).map(|(kind, code, pointer, _)| (kind, code, pointer)), Some((4, 1, 40)));
}

#[test]
fn an_echo_comes_back_from_the_address_that_was_asked() {
    let other: Ipv6Addr = "2001:db8:2::1".parse().unwrap();
    let anycast: Ipv6Addr = "2001:db8:1::".parse().unwrap();
    let group: Ipv6Addr = "ff02::1".parse().unwrap();
    for (asker, asked, from) in [
        (A6, ROUTER6, ROUTER6),
        (A6, other, other),
        (A6_LOCAL, LOCAL6, LOCAL6),
        (A6_LOCAL, ROUTER6, ROUTER6),
        (A6_LOCAL, group, LOCAL6),
        (A6, group, ROUTER6),
        (A6, anycast, ROUTER6),
    ] {
        let mut rig = rig6(&settings6());
        rig.send(0, &extended(&icmp6(asker, asked, 64, 128, b"\0\x07\0\x01all of this"), 60, &[0, 1, 4, 0, 0, 0, 0]));
        rig.step();
        let frame = rig.receive(0).unwrap_or_else(|| panic!("{asked} does not answer"));
        let packet = SlicedPacket::from_ethernet(&frame).unwrap();
        let Some(NetSlice::Ipv6(ip)) = packet.net else { panic!("not IPv6") };
        let header = ip.header().to_header();
        assert_eq!((header.source, header.destination), (from.octets(), asker.octets()));
        let message = Icmpv6Slice::from_slice(ip.payload().payload).unwrap();
        assert!(message.is_checksum_valid(header.source, header.destination));
        assert_eq!((message.type_u8(), &message.slice()[4..]), (129, &b"\0\x07\0\x01all of this"[..]));
        assert_audit(&rig);
        close(rig);
    }
}

#[test]
fn a_connection_to_the_router_is_reset() {
    let mut syn = Vec::new();
    let builder = etherparse::PacketBuilder::ethernet2(A_MAC.into_array(), Rig::mac(0).into_array())
        .ipv6(A6.octets(), ROUTER6.octets(), 64)
        .tcp(1000, 80, 0x1234_5678, 512)
        .syn();
    builder.write(&mut syn, &[]).unwrap();
    let mut rig = rig6(&settings6());
    rig.send(0, &syn);
    rig.step();
    let frame = rig.receive(0).unwrap();
    let reset = etherparse::TcpHeaderSlice::from_slice(&frame[54..]).unwrap();
    assert!(reset.rst() && reset.ack());
    assert_eq!((reset.source_port(), reset.destination_port()), (80, 1000));
    assert_eq!((reset.sequence_number(), reset.acknowledgment_number()), (0, 0x1234_5679));
    let computed = reset.to_header().calc_checksum_ipv6_raw(ROUTER6.octets(), A6.octets(), &[]).unwrap();
    assert_eq!(reset.checksum(), computed);
    rig.send(0, &frame);
    rig.step();
    assert!(rig.receive(0).is_none(), "a reset is not answered");
    assert_audit(&rig);
}

#[test]
fn discovery_for_us_goes_to_the_control_thread_as_a_frame() {
    let group: Ipv6Addr = "ff02::1:ff00:1".parse().unwrap();
    let target = [&[0; 4][..], &ROUTER6.octets()].concat();
    for (source, destination) in [(A6_LOCAL, group), (Ipv6Addr::UNSPECIFIED, group), (A6, ROUTER6), (ROUTER6, group)] {
        let mut rig = rig6(&settings6());
        let frame = icmp6(source, destination, 255, 135, &target);
        rig.send(0, &frame);
        rig.step();
        let punted = rig.control.punt.receive(|meta, bytes| (meta, bytes.to_vec()));
        let (meta, bytes) = punted.unwrap_or_else(|| panic!("{source} asks"));
        assert_eq!((meta.kind, meta.interface, meta.offset, bytes), (Punt::Discovery, 0, 14, frame));
        assert_audit(&rig);
    }
    let mut rig = rig6(&settings6());
    rig.send(0, &icmp6(Ipv6Addr::UNSPECIFIED, B6, 255, 135, &target));
    rig.send(0, &icmp6(A6, B6, 255, 135, &target));
    rig.step();
    assert_eq!(rig.drops(DropReason::Ip6MartianSource), 1, "not for us, and from nobody");
    assert!(rig.receive(1).is_some() && rig.receive(1).is_none(), "another's is a packet like any");
    rig.send(0, &icmp6(A6, "ff02::1:ff00:2".parse().unwrap(), 255, 135, &target));
    rig.send(0, &icmp6(A6, ROUTER6, 64, 135, &target));
    rig.step();
    assert!(rig.control.punt.receive(|_, _| ()).is_none(), "another's group, and from beyond the link");
}

#[test]
fn a_neighbor_is_asked_for_and_what_waited_is_answered_when_it_fails() {
    let silent: Ipv6Addr = "2001:db8:2::77".parse().unwrap();
    let key = NeighborKey::v6(1, silent);
    let mut rig = rig6(&settings6());
    rig.send(0, &udp6(A6, silent, 64, b"x"));
    rig.step();
    assert!(matches!(rig.event(), Some(Event::NeighborNeeded(asked)) if asked == key));
    rig.order(Order::NeighborFailed(key));
    rig.step();
    let (_, (kind, code, ..)) = read(&rig.receive(0).unwrap());
    assert_eq!((kind, code), (1, 3), "address unreachable");
    rig.send(0, &udp6(A6, silent, 64, b"y"));
    rig.step();
    rig.neighbor(1, silent, B_MAC);
    assert_eq!(rig.receive(1).unwrap()[12..14], [0x86, 0xdd]);
    close(rig);
}

#[test]
fn a_scan_of_a_network_costs_neither_working_neighbors_nor_their_packets() {
    let mut settings = settings6();
    settings.neighbors = (8, 4);
    settings.hold = (4, 2);
    let mut rig = rig6(&settings);
    for host in 0..500u16 {
        rig.send(0, &udp6(A6, Ipv6Addr::new(0x2001, 0xdb8, 2, 0, 0, 0, 1, host), 64, b"scan"));
        rig.send(0, &udp6(A6, B6, 64, b"work"));
        rig.step();
        assert!(rig.receive(1).is_some(), "the packet behind scan {host}");
        while rig.event().is_some() {}
    }
    assert_eq!(rig.drops(DropReason::NeighborLimit), 496, "the scan pushes out nothing but itself");
    assert_audit(&rig);
    close(rig);
}

#[test]
fn a_listener_query_goes_to_the_control_thread() {
    let group: Ipv6Addr = "ff02::1".parse().unwrap();
    let query = extended(&icmp6(A6_LOCAL, group, 1, 130, &[0; 20]), 0, &[0, 5, 2, 0, 0, 1, 0]);
    let mut rig = rig6(&settings6());
    rig.send(0, &query);
    rig.step();
    let punted = rig.control.punt.receive(|meta, bytes| (meta.kind, meta.interface, bytes.to_vec()));
    assert_eq!(punted, Some((Punt::Ip, 0, query[14..].to_vec())));
    assert_audit(&rig);
}

#[test]
fn a_next_hop_of_one_family_carries_the_other() {
    let gateway: Ipv6Addr = "fe80::99".parse().unwrap();
    let mut settings = settings6();
    settings.routes =
        vec![("203.0.113.0/24".parse().unwrap(), NextHop::Gateway { interface: 1, address: gateway.into() }.into())];
    let mut rig = rig6(&settings);
    for _ in 0..2 {
        rig.send(0, &udp(super::frames::A, std::net::Ipv4Addr::new(203, 0, 113, 9), 64, b"x"));
    }
    rig.step();
    rig.neighbor(1, gateway, B_MAC);
    rig.send(0, &udp(super::frames::A, std::net::Ipv4Addr::new(203, 0, 113, 9), 64, b"x"));
    rig.step();
    let sent: Vec<_> = std::iter::from_fn(|| rig.receive(1)).collect();
    assert_eq!(sent.len(), 3);
    for frame in sent {
        assert_eq!((&frame[..6], &frame[12..14]), (B_MAC.as_bytes(), &[8, 0][..]));
    }
    assert_audit(&rig);
}

#[test]
fn a_better_first_hop_is_told_and_the_packet_still_goes_there() {
    let gateway: Ipv6Addr = "fe80::20".parse().unwrap();
    let mut settings = settings6();
    let next_hop = NextHop::Gateway { interface: 0, address: gateway.into() };
    settings.routes = vec![("2001:db8:ffff::/48".parse().unwrap(), next_hop.into())];
    let mut rig = rig6(&settings);
    let mac = [2, 0, 0, 0, 0, 0x20];
    rig.neighbor(0, gateway, mac.into());
    let frame = udp6(A6, NOWHERE6, 64, b"x");
    rig.send(0, &frame);
    rig.step();
    let told = rig.receive(0).unwrap();
    assert_eq!(told[..6], A_MAC.into_array());
    assert_eq!((told[21], told[54]), (255, 137));
    assert_eq!(told[22..38], LOCAL6.octets(), "from our link-local address");
    assert_eq!((&told[62..78], &told[78..94]), (&gateway.octets()[..], &NOWHERE6.octets()[..]));
    assert_eq!(told[94..102], [&[2, 1][..], &mac].concat());
    assert_eq!(told[110..110 + frame.len() - 14], frame[14..], "as it came");
    assert!(Icmpv6Slice::from_slice(&told[54..]).unwrap().is_checksum_valid(LOCAL6.octets(), A6.octets()));
    assert_eq!(rig.receive(0).unwrap()[..6], mac);
    assert_audit(&rig);
}
