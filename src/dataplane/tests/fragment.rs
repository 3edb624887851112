//! Fragmentation, put together again by etherparse.

use super::frames::{A, B, assert_audit, close, rig, settings, udp, with_options};
use crate::wire::ipv4::fill_checksum;
use etherparse::defrag::IpDefragBuf;
use etherparse::{IpNumber, Ipv4HeaderSlice};
use proptest::prelude::*;

/// Sends a frame to an egress with this MTU; returns the IP packets that leave.
fn through(mtu: u16, frame: &[u8]) -> Vec<Vec<u8>> {
    let mut settings = settings();
    settings.mtus = vec![1500, mtu];
    let mut rig = rig(&settings);
    assert!(rig.send(0, frame));
    rig.step();
    let packets: Vec<_> = std::iter::from_fn(|| rig.receive(1)).map(|frame| frame[14..].to_vec()).collect();
    assert_audit(&rig);
    close(rig);
    packets
}

/// A UDP frame that may be fragmented.
fn fragmentable(payload: &[u8]) -> Vec<u8> {
    let mut frame = udp(A, B, 64, payload);
    frame[20..22].fill(0);
    fill_checksum(&mut frame[14..34]);
    frame
}

/// The payload of the whole packet; checks every fragment on the way.
fn reassembled(mtu: u16, packets: &[Vec<u8>]) -> Vec<u8> {
    let mut whole = IpDefragBuf::new(IpNumber::UDP, Vec::new(), Vec::new());
    for packet in packets {
        assert!(packet.len() <= usize::from(mtu), "{} bytes", packet.len());
        let header = Ipv4HeaderSlice::from_slice(packet).unwrap().to_header();
        assert_eq!(header.header_checksum, header.calc_header_checksum());
        assert_eq!((usize::from(header.total_len), header.time_to_live), (packet.len(), 63));
        whole.add(header.fragment_offset, header.more_fragments, &packet[header.header_len()..]).unwrap();
    }
    assert!(whole.is_complete());
    whole.data().clone()
}

proptest! {
    #[test]
    fn fragments_carry_the_whole_packet(len in 0..1472usize, mtu in 100..1500u16) {
        let payload: Vec<u8> = (0..len).map(|at| at as u8).collect();
        let frame = fragmentable(&payload);
        let packets = through(mtu, &frame);
        prop_assert_eq!(reassembled(mtu, &packets), &frame[34..]);
    }
}

#[test]
fn a_fragment_is_cut_again_and_keeps_its_place() {
    let mut frame = fragmentable(&[5; 1000]);
    // The middle of a larger packet: its data begins at byte 800, and more follows.
    frame[20..22].copy_from_slice(&(0x2000u16 | 100).to_be_bytes());
    fill_checksum(&mut frame[14..34]);
    let packets = through(500, &frame);
    let headers: Vec<_> =
        packets.iter().map(|packet| Ipv4HeaderSlice::from_slice(packet).unwrap().to_header()).collect();
    assert!(headers.iter().all(|header| header.more_fragments), "more follows behind the last one too");
    assert_eq!(headers[0].fragment_offset.byte_offset(), 800);
    let data: usize = packets.iter().map(|packet| packet.len() - 20).sum();
    assert_eq!(data, 1008);
}

#[test]
fn a_fragment_that_ends_beyond_the_longest_packet_is_not_cut() {
    let mut frame = fragmentable(&[5; 1000]);
    frame[20..22].copy_from_slice(&0x3fffu16.to_be_bytes());
    fill_checksum(&mut frame[14..34]);
    assert!(through(500, &frame).is_empty());
}

#[test]
fn only_options_with_the_copied_flag_are_in_every_fragment() {
    // Router alert is copied, record route is not.
    let options = [148, 4, 0, 0, 7, 7, 4, 0, 0, 0, 0, 0];
    let packets = through(500, &with_options(&fragmentable(&[0; 900]), &options));
    assert_eq!(packets[0][0], 0x48);
    assert_eq!(packets[0][20..24], [148, 4, 0, 0]);
    assert_eq!(packets[0][24..31], [7, 7, 8, 198, 51, 100, 1], "recorded with the address it leaves by");
    for later in &packets[1..] {
        assert_eq!((later[0], &later[20..24]), (0x46, &[148, 4, 0, 0][..]));
    }
}
