//! Checksums and cutting against `etherparse`, which shares no code with us.

use super::*;
use etherparse::{NetSlice, PacketBuilder, SlicedPacket, TcpHeader, TransportSlice, UdpHeader};
use proptest::prelude::*;

const SOURCE: [u8; 4] = [192, 0, 2, 1];
const TARGET: [u8; 4] = [198, 51, 100, 7];
const SOURCE_V6: [u8; 16] = [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
const TARGET_V6: [u8; 16] = [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2];

/// A TCP frame with CWR, PSH and FIN set.
fn tcp_v4(sequence: u32, payload: &[u8]) -> Vec<u8> {
    let mut frame = Vec::new();
    PacketBuilder::ethernet2([2; 6], [4; 6])
        .ipv4(SOURCE, TARGET, 64)
        .tcp(1000, 2000, sequence, 512)
        .ack(77)
        .psh()
        .fin()
        .cwr()
        .write(&mut frame, payload)
        .unwrap();
    frame
}

fn tcp_v6(sequence: u32, payload: &[u8]) -> Vec<u8> {
    let mut frame = Vec::new();
    PacketBuilder::ethernet2([2; 6], [4; 6])
        .ipv6(SOURCE_V6, TARGET_V6, 64)
        .tcp(1000, 2000, sequence, 512)
        .psh()
        .write(&mut frame, payload)
        .unwrap();
    frame
}

fn udp_v4(payload: &[u8]) -> Vec<u8> {
    let mut frame = Vec::new();
    let builder = PacketBuilder::ethernet2([2; 6], [4; 6]).ipv4(SOURCE, TARGET, 64).udp(53, 4000);
    builder.write(&mut frame, payload).unwrap();
    frame
}

/// A header for a superframe whose checksum is open.
fn gso(kind: u8, segment_size: u16) -> VnetHeader {
    VnetHeader { flags: NEEDS_CHECKSUM, gso_type: kind, segment_size, ..VnetHeader::default() }
}

/// Cuts all segments.
fn cut(header: &VnetHeader, frame: &[u8]) -> Vec<Vec<u8>> {
    let mut superframe = Superframe::parse(header, frame).unwrap();
    let longest = superframe.longest_segment();
    let expected = superframe.remaining();
    let mut room = vec![0xaa; 70_000];
    let mut segments = Vec::new();
    while let Some(len) = superframe.cut(frame, &mut room) {
        assert!(len <= longest);
        segments.push(room[..len].to_vec());
    }
    assert_eq!((segments.len(), superframe.remaining()), (expected, 0));
    segments
}

/// Checks every checksum and length of a segment by `etherparse`; returns its IPv4 identification, its transport header and its
/// payload.
fn check(segment: &[u8]) -> (u16, TransportHeader, Vec<u8>) {
    let packet = SlicedPacket::from_ethernet(segment).unwrap();
    let payload = match packet.transport.as_ref().unwrap() {
        TransportSlice::Tcp(tcp) => tcp.payload(),
        TransportSlice::Udp(udp) => udp.payload(),
        other => panic!("{other:?}"),
    };
    let tcp = |tcp: TcpHeader, expected| {
        assert_eq!(tcp.checksum, expected);
        TransportHeader::Tcp(tcp)
    };
    let udp = |udp: UdpHeader, expected| {
        assert_eq!(udp.checksum, expected);
        assert_eq!(usize::from(udp.length), 8 + payload.len());
        TransportHeader::Udp
    };
    match (packet.net.as_ref().unwrap(), packet.transport.as_ref().unwrap()) {
        (NetSlice::Ipv4(ip), transport) => {
            let ip = ip.header().to_header();
            assert_eq!(ip.header_checksum, ip.calc_header_checksum());
            assert_eq!(usize::from(ip.total_len), segment.len() - 14);
            let header = match transport {
                TransportSlice::Tcp(slice) => {
                    tcp(slice.to_header(), slice.to_header().calc_checksum_ipv4(&ip, payload).unwrap())
                }
                TransportSlice::Udp(slice) => {
                    udp(slice.to_header(), slice.to_header().calc_checksum_ipv4(&ip, payload).unwrap())
                }
                other => panic!("{other:?}"),
            };
            (ip.identification, header, payload.to_vec())
        }
        (NetSlice::Ipv6(ip), TransportSlice::Tcp(slice)) => {
            let ip = ip.header().to_header();
            assert_eq!(usize::from(ip.payload_length), segment.len() - 54);
            let expected = slice.to_header().calc_checksum_ipv6(&ip, payload).unwrap();
            (0, tcp(slice.to_header(), expected), payload.to_vec())
        }
        other => panic!("{other:?}"),
    }
}

enum TransportHeader {
    Tcp(TcpHeader),
    Udp,
}

impl TransportHeader {
    fn tcp(&self) -> &TcpHeader {
        match self {
            Self::Tcp(tcp) => tcp,
            Self::Udp => panic!("not TCP"),
        }
    }
}

#[test]
fn flags_of_the_first_and_last_segment_stay_there() {
    let frame = tcp_v4(9, &[7; 250]);
    let segments: Vec<_> = cut(&gso(GSO_TCPV4 | GSO_ECN, 100), &frame).iter().map(|s| check(s)).collect();
    let flags: Vec<_> = segments.iter().map(|(_, h, _)| (h.tcp().cwr, h.tcp().psh, h.tcp().fin, h.tcp().ack)).collect();
    assert_eq!(flags, [(true, false, false, true), (false, false, false, true), (false, true, true, true)]);
}

#[test]
fn accurate_ecn_keeps_cwr_on_every_segment() {
    let frame = tcp_v4(9, &[7; 250]);
    let segments = cut(&gso(GSO_TCPV4, 100), &frame);
    assert!(segments.iter().all(|segment| check(segment).1.tcp().cwr));
}

#[test]
fn padding_behind_the_packet_is_not_payload() {
    let mut frame = tcp_v4(9, &[7; 10]);
    frame.extend([0xee; 20]);
    let segments = cut(&gso(GSO_TCPV4, 6), &frame);
    let payload: Vec<_> = segments.iter().flat_map(|segment| check(segment).2).collect();
    assert_eq!(payload, [7; 10]);
}

#[test]
fn a_udp_checksum_that_is_off_stays_off() {
    let mut frame = udp_v4(&[1; 30]);
    frame[40..42].fill(0);
    let header = VnetHeader { flags: 0, ..gso(GSO_UDP_L4, 10) };
    assert!(cut(&header, &frame).iter().all(|segment| segment[40..42] == [0, 0]));
}

#[test]
fn vlan_tags_and_ip_options_are_repeated() {
    let mut frame = tcp_v4(9, &[7; 30]);
    frame.splice(12..12, [0x88, 0xa8, 0, 5, 0x81, 0, 0, 6]);
    // Four bytes of "no operation" make the IPv4 header 24 bytes long.
    frame.splice(42..42, [1; 4]);
    frame[22] = 0x46;
    let len = frame.len() as u16 - 22;
    frame[24..26].copy_from_slice(&len.to_be_bytes());
    for segment in cut(&gso(GSO_TCPV4, 11), &frame) {
        assert_eq!(segment[..22], frame[..22]);
        let packet = SlicedPacket::from_ethernet(&segment).unwrap();
        let Some(NetSlice::Ipv4(ip)) = packet.net else { panic!("not IPv4") };
        let ip = ip.header().to_header();
        assert_eq!(ip.header_checksum, ip.calc_header_checksum());
        assert_eq!(ip.options.as_slice(), [1; 4]);
    }
}

#[test]
fn ipv6_options_before_the_transport_are_skipped() {
    let mut frame = tcp_v6(9, &[7; 30]);
    let next = std::mem::replace(&mut frame[20], 0);
    frame.splice(54..54, [next, 0, 1, 4, 0, 0, 0, 0]);
    let len = frame.len() as u16 - 54;
    frame[18..20].copy_from_slice(&len.to_be_bytes());
    for segment in cut(&gso(GSO_TCPV6, 16), &frame) {
        let packet = SlicedPacket::from_ethernet(&segment).unwrap();
        let (Some(NetSlice::Ipv6(ip)), Some(TransportSlice::Tcp(tcp))) = (packet.net, packet.transport) else {
            panic!()
        };
        let expected = tcp.to_header().calc_checksum_ipv6(&ip.header().to_header(), tcp.payload()).unwrap();
        assert_eq!(tcp.to_header().checksum, expected);
    }
}

#[test]
fn what_cannot_be_cut_is_refused() {
    let frame = tcp_v4(9, &[7; 30]);
    // UDP fragmentation (type 3) is gone from the kernel.
    assert_eq!(Superframe::parse(&gso(3, 10), &frame), Err(OffloadError::Unsupported));
    assert_eq!(Superframe::parse(&gso(GSO_TCPV6, 10), &frame), Err(OffloadError::Malformed));
    assert_eq!(Superframe::parse(&gso(GSO_TCPV4, 0), &frame), Err(OffloadError::Malformed));
    assert_eq!(Superframe::parse(&gso(GSO_UDP_L4, 10), &frame), Err(OffloadError::Malformed));
    assert_eq!(Superframe::parse(&gso(GSO_TCPV4, 10), &frame[..60]), Err(OffloadError::Malformed));
}

#[test]
fn a_room_too_small_cuts_nothing() {
    let frame = tcp_v4(9, &[7; 30]);
    let mut superframe = Superframe::parse(&gso(GSO_TCPV4, 20), &frame).unwrap();
    let before = superframe.clone();
    assert_eq!(superframe.cut(&frame, &mut [0; 70]), None);
    assert_eq!(superframe, before);
}

#[test]
fn a_checksum_of_zero_is_written_as_all_ones() {
    // The sum of what is covered is 0xffff, its complement 0.
    let mut frame = [0xff, 0xff, 0, 0, 0, 0];
    fill_checksum(&mut frame, 0, 2).unwrap();
    assert_eq!(frame, [0xff, 0xff, 0xff, 0xff, 0, 0]);
}

/// The sum of the pseudo-header, as a kernel leaves it in the field.
fn pseudo_sum(protocol: u8, len: usize) -> [u8; 2] {
    let [a, b] = (len as u16).to_be_bytes();
    internet_checksum(&[&SOURCE, &TARGET, &[0, protocol, a, b]]).map(|byte| !byte)
}

proptest! {
    #[test]
    fn segments_together_are_the_superframe(
        v6 in any::<bool>(), sequence in any::<u32>(), size in 1..3000u16, payload in prop::collection::vec(any::<u8>(), 1..20_000),
    ) {
        // A few dozen segments tell as much as thousands.
        let size = size.max(payload.len() as u16 / 40 + 1);
        let (frame, kind) =
            if v6 { (tcp_v6(sequence, &payload), GSO_TCPV6) } else { (tcp_v4(sequence, &payload), GSO_TCPV4) };
        let segments = cut(&gso(kind, size), &frame);
        prop_assert_eq!(segments.len(), payload.len().div_ceil(usize::from(size)));
        let first_id = check(&segments[0]).0;
        let mut together = Vec::new();
        for (i, segment) in segments.iter().enumerate() {
            let (id, header, payload) = check(segment);
            prop_assert_eq!(header.tcp().sequence_number, sequence.wrapping_add(together.len() as u32));
            prop_assert_eq!(id, if v6 { 0 } else { first_id.wrapping_add(i as u16) });
            together.extend(payload);
        }
        prop_assert_eq!(together, payload);
    }

    #[test]
    fn datagrams_together_are_the_superframe(size in 100..1500u16, payload in prop::collection::vec(any::<u8>(), 1..20_000)) {
        let segments = cut(&gso(GSO_UDP_L4, size), &udp_v4(&payload));
        let together: Vec<_> = segments.iter().flat_map(|segment| check(segment).2).collect();
        prop_assert_eq!(together, payload);
    }

    #[test]
    fn an_open_checksum_is_filled_in(payload in prop::collection::vec(any::<u8>(), 0..1500), tcp in any::<bool>()) {
        let mut frame = if tcp { tcp_v4(1, &payload) } else { udp_v4(&payload) };
        let (protocol, offset) = if tcp { (6, 16) } else { (17, 6) };
        let open = pseudo_sum(protocol, frame.len() - 34);
        frame[34 + offset..36 + offset].copy_from_slice(&open);
        fill_checksum(&mut frame, 34, offset).unwrap();
        check(&frame);
    }

    #[test]
    fn any_bytes_with_any_header_never_panic(
        bytes in any::<[u8; VnetHeader::LEN]>(), mut frame in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        let header = VnetHeader::parse(&bytes);
        let _ = fill_checksum(&mut frame, header.checksum_start.into(), header.checksum_offset.into());
        let mut room = [0; 256];
        if let Ok(mut superframe) = Superframe::parse(&header, &frame) {
            while let Some(len) = superframe.cut(&frame, &mut room) {
                prop_assert!(len <= frame.len());
            }
        }
    }

    #[test]
    fn damaged_superframes_never_panic(
        kind in prop::sample::select(vec![GSO_TCPV4, GSO_TCPV6, GSO_UDP_L4, GSO_TCPV4 | GSO_ECN]), size in 0..100u16,
        base in 0..3usize, damage in prop::collection::vec((0..120usize, any::<u8>()), 0..4), len in 0..120usize,
    ) {
        let mut frame = [tcp_v4(1, &[1; 60]), tcp_v6(1, &[1; 60]), udp_v4(&[1; 60])][base].clone();
        for (at, value) in damage {
            if let Some(byte) = frame.get_mut(at) { *byte = value; }
        }
        frame.truncate(len);
        if let Ok(mut superframe) = Superframe::parse(&gso(kind, size), &frame) {
            let mut room = [0; 256];
            while let Some(len) = superframe.cut(&frame, &mut room) {
                prop_assert!(len <= frame.len());
            }
            prop_assert_eq!(superframe.remaining(), 0);
        }
    }
}
