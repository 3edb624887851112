//! The modes that do not route, each by the frames that come out; etherparse judges the checksums.

use super::frames::{A, A_MAC, B, assert_audit, close, packet, rig, settings, udp};
use crate::dataplane::drop_reason::DropReason;
use crate::dataplane::message::Order;
use crate::dataplane::modes::{NoisySettings, Retry, Verbose};
use crate::dataplane::observe::Observed;
use crate::dataplane::rig::{Rig, RigSettings};
use etherparse::{NetSlice, PacketBuilder, SlicedPacket, TransportSlice};
use macaddr::MacAddr6;
use ringway_config::Mode;
use std::collections::HashSet;

/// testpmd's station behind port 1.
const PEER: MacAddr6 = MacAddr6::new(2, 0, 0, 0, 0, 1);

fn in_mode(settings: &RigSettings, mode: Mode) -> Rig {
    let mut rig = rig(settings);
    rig.publish(|snapshot| snapshot.mode = mode);
    rig
}

/// What comes out of port 1 when these frames go into port 0.
fn through(mode: Mode, frames: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let mut rig = in_mode(&settings(), mode);
    for frame in frames {
        assert!(rig.send(0, frame));
    }
    rig.step();
    let out = std::iter::from_fn(|| rig.receive(1)).collect();
    assert_audit(&rig);
    close(rig);
    out
}

fn tcp6() -> Vec<u8> {
    let builder = PacketBuilder::ethernet2(A_MAC.into_array(), [2, 9, 9, 9, 9, 9]);
    let builder = builder.ipv6([1; 16], [2; 16], 64).tcp(4000, 5000, 7, 8);
    let mut frame = Vec::new();
    builder.write(&mut frame, b"six").unwrap();
    frame
}

/// The same frame behind two VLAN tags.
fn tagged(frame: &[u8]) -> Vec<u8> {
    [&frame[..12], &[0x88, 0xa8, 0, 200, 0x81, 0, 0, 100], &frame[12..]].concat()
}

/// Asserts that every checksum of a frame is what etherparse computes.
fn assert_checksums(frame: &[u8]) {
    let packet = SlicedPacket::from_ethernet(frame).unwrap();
    match (packet.net, packet.transport) {
        (Some(NetSlice::Ipv4(ip)), transport) => {
            let header = ip.header().to_header();
            assert_eq!(header.header_checksum, header.calc_header_checksum());
            match transport {
                Some(TransportSlice::Udp(udp)) => {
                    let right = udp.to_header().calc_checksum_ipv4(&header, udp.payload()).unwrap();
                    assert_eq!(udp.checksum(), right);
                }
                Some(TransportSlice::Tcp(tcp)) => {
                    assert_eq!(tcp.checksum(), tcp.calc_checksum_ipv4(header.source, header.destination).unwrap());
                }
                _ => {}
            }
        }
        (Some(NetSlice::Ipv6(ip)), Some(TransportSlice::Tcp(tcp))) => {
            let header = ip.header();
            assert_eq!(tcp.checksum(), tcp.calc_checksum_ipv6(header.source(), header.destination()).unwrap());
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn io_leaves_a_frame_as_it_is() {
    let frame = udp(A, B, 1, b"untouched");
    assert_eq!(through(Mode::Io, std::slice::from_ref(&frame)), [frame]);
}

#[test]
fn mac_writes_the_port_and_its_station() {
    let frame = udp(A, B, 64, b"x");
    let out = through(Mode::Mac, std::slice::from_ref(&frame));
    assert_eq!(out[0], [PEER.as_bytes(), Rig::mac(1).as_bytes(), &frame[12..]].concat());
}

#[test]
fn a_vlan_tag_is_put_on_where_it_is_asked_for() {
    let frame = udp(A, B, 64, b"tagged on the way");
    for mode in [Mode::Mac, Mode::Macswap, Mode::FiveTupleSwap, Mode::Csum] {
        let mut rig = in_mode(&settings(), mode);
        rig.publish(|snapshot| snapshot.modes.tags[1] = Some([0x81, 0, 0, 100]));
        rig.send(0, &frame);
        rig.step();
        let out = rig.receive(1).unwrap();
        assert_eq!(out[12..18], [0x81, 0, 0, 100, 8, 0], "{mode}");
        assert_eq!(out.len(), frame.len() + 4);
        close(rig);
    }
    let mut rig = in_mode(&settings(), Mode::Txonly);
    rig.publish(|snapshot| snapshot.modes.tags[1] = Some([0x81, 0, 0, 100]));
    while rig.receive(1).is_some() {}
    rig.step();
    assert_eq!(rig.receive(1).unwrap()[12..18], [0x81, 0, 0, 100, 8, 0]);
    close(rig);
}

#[test]
fn the_station_can_be_set() {
    let mut rig = in_mode(&settings(), Mode::Mac);
    rig.publish(|snapshot| snapshot.modes.peers[1] = A_MAC);
    rig.send(0, &udp(A, B, 64, b"x"));
    rig.step();
    assert_eq!(rig.receive(1).unwrap()[..6], A_MAC.into_array());
}

#[test]
fn five_tuple_swap_turns_addresses_and_ports_around_and_keeps_the_checksums() {
    for (frame, tags) in [(udp(A, B, 64, b"odd"), 0), (tagged(&udp(A, B, 64, b"tagged")), 8)] {
        let out = through(Mode::FiveTupleSwap, std::slice::from_ref(&frame)).remove(0);
        assert_eq!(out[..12], [&frame[6..12], &frame[..6]].concat()[..]);
        let ip = 14 + tags;
        assert_eq!(out[ip + 12..ip + 20], [B.octets(), A.octets()].concat()[..]);
        assert_eq!(out[ip + 20..ip + 24], [5000_u16.to_be_bytes(), 4000_u16.to_be_bytes()].concat()[..]);
        assert_checksums(&out);
    }
    let out = through(Mode::FiveTupleSwap, &[tcp6()]).remove(0);
    assert_eq!(out[22..54], [[2; 16], [1; 16]].concat()[..]);
    assert_eq!(out[54..58], [5000_u16.to_be_bytes(), 4000_u16.to_be_bytes()].concat()[..]);
    assert_checksums(&out);
}

#[test]
fn five_tuple_swap_leaves_the_data_of_a_later_fragment_alone() {
    let mut frame = udp(A, B, 64, b"the middle of something");
    frame[21] = 9;
    let out = through(Mode::FiveTupleSwap, std::slice::from_ref(&frame)).remove(0);
    assert_eq!(out[34..], frame[34..], "what would be ports are data");
    assert_eq!(out[26..30], B.octets());
}

#[test]
fn csum_puts_right_what_is_wrong_and_counts_it() {
    let good = udp(A, B, 64, b"good");
    let mut bad_ip = good.clone();
    bad_ip[24] ^= 0x5a;
    let mut bad_udp = udp(A, B, 64, b"bad!!");
    bad_udp[40] ^= 0x5a;
    let mut bad_tcp = tcp6();
    bad_tcp[70] ^= 0xff;
    let mut tagged_bad = tagged(&bad_udp);
    tagged_bad[32] ^= 1;
    let mut rig = in_mode(&settings(), Mode::Csum);
    for frame in [&good, &bad_ip, &bad_udp, &bad_tcp, &tagged_bad] {
        assert!(rig.send(0, frame));
    }
    rig.step();
    for _ in 0..5 {
        let frame = rig.receive(1).unwrap();
        assert_eq!(frame[..12], [PEER.into_array(), Rig::mac(1).into_array()].concat()[..]);
        assert_checksums(&frame);
    }
    let counters = &rig.control.counters.forward[0];
    assert_eq!((counters.bad_ip_checksums.get(), counters.bad_l4_checksums.get()), (2, 3));
    assert_audit(&rig);
    close(rig);
}

#[test]
fn csum_leaves_udp_without_a_checksum_and_fragments_as_they_are() {
    let mut without = udp(A, B, 64, b"none");
    without[40..42].fill(0);
    let mut fragment = udp(A, B, 64, b"first part");
    fragment[20] |= 0x20;
    crate::wire::ipv4::fill_checksum(&mut fragment[14..34]);
    fragment[40] ^= 1;
    let out = through(Mode::Csum, &[without.clone(), fragment.clone()]);
    assert_eq!((&out[0][14..], &out[1][14..]), (&without[14..], &fragment[14..]));
}

#[test]
fn a_header_that_does_not_hold_together_is_forwarded_as_it_is() {
    for mode in [Mode::Csum, Mode::FiveTupleSwap] {
        for len in 12..60 {
            let mut frame = packet(A, B, 17, &[9; 40]);
            frame.truncate(len);
            let out = through(mode, std::slice::from_ref(&frame));
            assert_eq!(out[0][12..], frame[12..], "{mode} {len}");
        }
    }
}

#[test]
fn txonly_sends_the_length_that_was_set_on_every_port() {
    let mut rig = in_mode(&settings(), Mode::Txonly);
    while rig.receive(0).is_some() || rig.receive(1).is_some() {}
    rig.publish(|snapshot| snapshot.modes.tx_bytes = 128);
    while rig.receive(0).is_some() || rig.receive(1).is_some() {}
    rig.step();
    for port in 0..2 {
        let frame = std::iter::from_fn(|| rig.receive(port)).last().unwrap();
        assert_eq!(frame.len(), 128);
        assert_eq!(frame[..6], MacAddr6::new(2, 0, 0, 0, 0, port as u8).into_array());
        assert_checksums(&frame);
    }
    assert_audit(&rig);
    close(rig);
}

#[test]
fn flowgen_sends_to_every_flow_in_turn_and_drops_what_comes() {
    let mut rig = in_mode(&settings(), Mode::Flowgen);
    rig.publish(|snapshot| snapshot.modes.flows = 5);
    while rig.receive(0).is_some() || rig.receive(1).is_some() {}
    rig.send(0, &udp(A, B, 64, b"x"));
    rig.step();
    let frames: Vec<_> = std::iter::from_fn(|| rig.receive(1)).collect();
    let flows: HashSet<[u8; 4]> = frames.iter().map(|frame| *frame[30..].first_chunk().unwrap()).collect();
    assert_eq!(flows, (0..5).map(|flow| [10, 253, 0, flow]).collect());
    frames.iter().for_each(|frame| assert_checksums(frame));
    assert_eq!(rig.drops(DropReason::ReceiveOnly), 1);
    assert_audit(&rig);
    close(rig);
}

#[test]
fn noisy_keeps_what_its_buffer_holds_and_sends_the_oldest() {
    let settings = RigSettings { noisy: (3, 1), ..settings() };
    let mut rig = in_mode(&settings, Mode::Noisy);
    rig.publish(|snapshot| {
        snapshot.modes.noisy = NoisySettings { flush: 0, reads: 3, writes: 2, reads_writes: 1 };
    });
    for tag in 0..5 {
        rig.send(0, &udp(A, B, 64, &[tag]));
    }
    rig.step();
    assert_eq!(rig.audit().held, 3);
    assert_audit(&rig);
    let sent: Vec<u8> = std::iter::from_fn(|| rig.receive(1)).map(|frame| frame[42]).collect();
    assert_eq!(sent, [0, 1]);
    rig.publish(|snapshot| snapshot.forwarding = false);
    let rest: Vec<u8> = std::iter::from_fn(|| rig.receive(1)).map(|frame| frame[42]).collect();
    assert_eq!(rest, [2, 3, 4], "stopped, it keeps nothing");
    assert_eq!(rig.audit().held, 0);
    close(rig);
}

#[test]
fn noisy_sends_what_it_has_kept_too_long() {
    let settings = RigSettings { noisy: (8, 0), ..settings() };
    let mut rig = in_mode(&settings, Mode::Noisy);
    rig.publish(|snapshot| snapshot.modes.noisy.flush = 1);
    rig.send(0, &udp(A, B, 64, b"x"));
    rig.step();
    rig.step();
    assert!(rig.receive(1).is_some());
    rig.publish(|snapshot| snapshot.modes.noisy.flush = 0);
    rig.send(0, &udp(A, B, 64, b"kept at the end"));
    rig.step();
    assert_eq!(rig.audit().held, 1);
    close(rig);
}

#[test]
fn retry_offers_a_burst_again_and_what_is_refused_is_dropped() {
    let settings = RigSettings { ring: 4, ..settings() };
    let mut rig = in_mode(&settings, Mode::Io);
    rig.publish(|snapshot| snapshot.modes.retry = Retry { times: 3, delay: 1 });
    for _ in 0..3 {
        for _ in 0..4 {
            rig.send(0, &udp(A, B, 64, b"x"));
        }
        rig.step();
    }
    let counters = &rig.control.counters.forward[1];
    assert!(counters.tx_dropped.get() > 0);
    assert_eq!(rig.drops(DropReason::TransmitFull), counters.tx_dropped.get());
    assert_audit(&rig);
    close(rig);
}

#[test]
fn tx_first_sends_before_anything_is_received() {
    let mut rig = in_mode(&settings(), Mode::Io);
    rig.order(Order::TransmitFirst(2));
    rig.step();
    assert_eq!(std::iter::from_fn(|| rig.receive(0)).count(), 64);
    assert_eq!(std::iter::from_fn(|| rig.receive(1)).count(), 64);
    close(rig);
}

#[test]
fn verbose_shows_received_and_sent_packets_and_counts_the_ones_it_does_not() {
    let mut rig = in_mode(&settings(), Mode::Io);
    rig.publish(|snapshot| snapshot.modes.verbose = Verbose::level(3));
    let frame = udp(A, B, 64, b"seen");
    rig.send(0, &frame);
    rig.step();
    let seen = |port, sent| Observed { port, queue: 0, sent, burst: 1, place: 0, len: frame.len() as u16 };
    let mut next = || rig.control.observed.receive(|seen, bytes| (seen, bytes.to_vec()));
    assert_eq!(next(), Some((seen(0, false), frame.clone())));
    assert_eq!(next(), Some((seen(1, true), frame.clone())));
    assert_eq!(next(), None);
    for _ in 0..400 {
        rig.send(0, &frame);
        rig.step();
    }
    assert!(rig.control.counters.not_shown.get() > 0);
    close(rig);
}

#[test]
fn verbose_levels_are_testpmds() {
    let shows = |level| (Verbose::level(level).received, Verbose::level(level).sent);
    assert_eq!([shows(0), shows(1), shows(2), shows(3)], [(false, false), (true, false), (false, true), (true, true)]);
}

#[test]
fn polls_and_bursts_are_counted_by_their_size() {
    let mut rig = in_mode(&settings(), Mode::Io);
    for _ in 0..3 {
        rig.send(0, &udp(A, B, 64, b"x"));
    }
    rig.step();
    let counters = &rig.control.counters.forward;
    assert_eq!((counters[0].rx_bursts[3].get(), counters[1].tx_bursts[3].get()), (1, 1));
    assert!(counters[1].rx_bursts[0].get() > 0, "an empty poll counts too");
}
