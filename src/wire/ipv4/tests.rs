use super::*;
use proptest::prelude::*;

fn header() -> Ipv4Header {
    Ipv4Header {
        dscp_ecn: 0,
        total_len: 28,
        identification: 7,
        dont_fragment: true,
        more_fragments: false,
        fragment_offset: 0,
        ttl: 64,
        protocol: PROTOCOL_UDP,
        source: Ipv4Addr::new(192, 0, 2, 1),
        destination: Ipv4Addr::new(198, 51, 100, 2),
    }
}

fn packet() -> Vec<u8> {
    let mut bytes = header().emit().to_vec();
    bytes.resize(46, 0);
    bytes
}

/// A packet with one byte changed and the checksum made right again.
fn changed(at: usize, value: u8) -> Vec<u8> {
    let mut bytes = packet();
    bytes[at] = value;
    let len = (usize::from(bytes[0] & 0xf) * 4).clamp(20, bytes.len());
    fill_checksum(&mut bytes[..len]);
    bytes
}

#[test]
fn a_good_packet_is_read_and_its_padding_cut_off() {
    let bytes = packet();
    let view = Ipv4::check(&bytes).unwrap();
    assert_eq!((view.header_len(), view.total_len(), view.payload().len()), (20, 28, 8));
    assert_eq!((view.source(), view.destination()), (header().source, header().destination));
    assert!(view.dont_fragment() && !view.is_fragment() && view.options().is_empty());
}

#[test]
fn each_check_of_rfc_1812_has_its_error() {
    assert_eq!(Ipv4::check(&packet()[..19]).unwrap_err(), Ipv4Error::TooShort);
    let mut bytes = packet();
    bytes[10] ^= 1;
    assert_eq!(Ipv4::check(&bytes).unwrap_err(), Ipv4Error::BadChecksum);
    assert_eq!(Ipv4::check(&changed(0, 0x55)).unwrap_err(), Ipv4Error::BadVersion);
    assert_eq!(Ipv4::check(&changed(0, 0x44)).unwrap_err(), Ipv4Error::BadHeaderLength);
    assert_eq!(Ipv4::check(&changed(0, 0x4f)[..40]).unwrap_err(), Ipv4Error::BadHeaderLength);
    assert_eq!(Ipv4::check(&changed(3, 19)).unwrap_err(), Ipv4Error::TotalLengthShort);
    assert_eq!(Ipv4::check(&changed(3, 47)).unwrap_err(), Ipv4Error::TotalLengthLong);
}

#[test]
fn a_time_to_live_of_zero_never_wraps() {
    let mut bytes: [u8; 20] = Ipv4Header { ttl: 0, ..header() }.emit();
    let before = bytes;
    decrement_ttl(&mut bytes);
    assert_eq!(bytes, before);
}

proptest! {
    #[test]
    fn a_decremented_header_stays_valid(id in any::<u16>(), ttl in 1..=255u8, protocol in any::<u8>(), source in any::<u32>(), destination in any::<u32>()) {
        let header = Ipv4Header {
            identification: id, ttl, protocol,
            source: Ipv4Addr::from_bits(source), destination: Ipv4Addr::from_bits(destination), ..header()
        };
        let mut bytes = header.emit();
        decrement_ttl(&mut bytes);
        prop_assert_eq!(bytes, Ipv4Header { ttl: ttl - 1, ..header }.emit());
    }

    #[test]
    fn what_is_emitted_is_read_back_by_etherparse(len in 20..1500u16, id in any::<u16>(), df in any::<bool>(), more in any::<bool>(), offset in 0..8000u16) {
        let header = Ipv4Header { total_len: len, identification: id, dont_fragment: df, more_fragments: more, fragment_offset: offset / 8 * 8, ..header() };
        let (theirs, _) = etherparse::Ipv4Header::from_slice(&header.emit()).unwrap();
        prop_assert_eq!(theirs.total_len, len);
        prop_assert_eq!(theirs.identification, id);
        prop_assert_eq!((theirs.dont_fragment, theirs.more_fragments), (df, more));
        prop_assert_eq!(theirs.fragment_offset.value() * 8, offset / 8 * 8);
        prop_assert_eq!(theirs.header_checksum, theirs.calc_header_checksum());
    }

    #[test]
    fn what_is_accepted_reads_as_etherparse_reads_it(mut bytes in prop::collection::vec(any::<u8>(), 0..120), ihl in 4..16u8) {
        if bytes.len() >= 20 {
            bytes[0] = 0x40 | ihl;
            let total = (bytes.len() - usize::from(bytes[1] & 3)) as u16;
            bytes[2..4].copy_from_slice(&total.to_be_bytes());
            let len = (usize::from(ihl) * 4).min(bytes.len());
            fill_checksum(&mut bytes[..len]);
        }
        if let Ok(view) = Ipv4::check(&bytes) {
            let (theirs, _) = etherparse::Ipv4Header::from_slice(&bytes).unwrap();
            prop_assert_eq!(usize::from(view.header_len()), theirs.header_len());
            prop_assert_eq!(view.source().octets(), theirs.source);
            prop_assert_eq!(view.destination().octets(), theirs.destination);
            prop_assert_eq!(view.options(), theirs.options.as_slice());
            prop_assert_eq!(view.ttl(), theirs.time_to_live);
            prop_assert_eq!(view.payload().len(), usize::from(view.total_len()) - theirs.header_len());
        }
    }

    #[test]
    fn any_bytes_are_read_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(view) = Ipv4::check(&bytes) {
            prop_assert!(view.payload().len() <= bytes.len());
        }
    }
}
