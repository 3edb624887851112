use super::*;
use macaddr::MacAddr6;
use proptest::prelude::*;

fn header() -> Ipv6Header {
    Ipv6Header {
        traffic_class: 0xb8,
        flow_label: 0xabcde,
        payload_len: 8,
        next_header: UDP,
        hop_limit: 64,
        source: "2001:db8:1::1".parse().unwrap(),
        destination: "2001:db8:2::2".parse().unwrap(),
    }
}

fn packet() -> Vec<u8> {
    let mut bytes = header().emit().to_vec();
    bytes.resize(60, 0);
    bytes
}

#[test]
fn a_good_packet_is_read_and_its_padding_cut_off() {
    let bytes = packet();
    let view = Ipv6::check(&bytes).unwrap();
    assert_eq!((view.total_len(), view.payload().len(), view.payload_len()), (48, 8, 8));
    assert_eq!((view.source(), view.destination()), (header().source, header().destination));
    assert_eq!((view.traffic_class(), view.flow_label()), (0xb8, 0xabcde));
    assert_eq!((view.next_header(), view.hop_limit()), (UDP, 64));
}

#[test]
fn each_check_has_its_error() {
    assert_eq!(Ipv6::check(&packet()[..39]).unwrap_err(), Ipv6Error::TooShort);
    let mut bytes = packet();
    bytes[0] = 0x45;
    assert_eq!(Ipv6::check(&bytes).unwrap_err(), Ipv6Error::BadVersion);
    assert_eq!(Ipv6::check(&packet()[..47]).unwrap_err(), Ipv6Error::PayloadLong);
}

#[test]
fn a_hop_limit_of_zero_never_wraps() {
    let mut bytes = Ipv6Header { hop_limit: 1, ..header() }.emit();
    decrement_hop_limit(&mut bytes);
    decrement_hop_limit(&mut bytes);
    assert_eq!(hop_limit(&bytes), 0);
}

#[test]
fn groups_and_link_local_addresses_are_formed_as_the_rfcs_say() {
    // RFC 4291 2.7.1: "the Solicited-Node multicast address corresponding to the IPv6 address 4037::01:800:200E:8C6C is
    // FF02::1:FF0E:8C6C."
    let group = solicited_node("4037::1:800:200e:8c6c".parse().unwrap());
    assert_eq!(group, "ff02::1:ff0e:8c6c".parse::<Ipv6Addr>().unwrap());
    assert_eq!(group_mac(group), MacAddr6::new(0x33, 0x33, 0xff, 0x0e, 0x8c, 0x6c));
    // RFC 2464 4: 34-56-78-9A-BC-DE becomes 36-56-78-FF-FE-9A-BC-DE.
    let identifier = eui64(MacAddr6::new(0x34, 0x56, 0x78, 0x9a, 0xbc, 0xde));
    assert_eq!(link_local(identifier), "fe80::3656:78ff:fe9a:bcde".parse::<Ipv6Addr>().unwrap());
}

proptest! {
    #[test]
    fn headers_read_back_as_etherparse_reads_them(
        class in any::<u8>(), label in 0..0x10_0000_u32, next in any::<u8>(), limit in any::<u8>(), source in any::<u128>(), destination in any::<u128>(),
    ) {
        let ours = Ipv6Header {
            traffic_class: class, flow_label: label, payload_len: 0, next_header: next, hop_limit: limit,
            source: Ipv6Addr::from_bits(source), destination: Ipv6Addr::from_bits(destination),
        };
        let bytes = ours.emit();
        let (theirs, _) = etherparse::Ipv6Header::from_slice(&bytes).unwrap();
        prop_assert_eq!((theirs.traffic_class, theirs.flow_label.value()), (class, label));
        prop_assert_eq!((theirs.next_header.0, theirs.hop_limit), (next, limit));
        prop_assert_eq!((theirs.source, theirs.destination), (source.to_be_bytes(), destination.to_be_bytes()));
        let view = Ipv6::check(&bytes).unwrap();
        prop_assert_eq!((view.source_bits(), view.destination_bits()), (source, destination));
        prop_assert_eq!(view.flow_label(), label);
    }

    #[test]
    fn any_bytes_are_read_without_a_panic(mut bytes in prop::collection::vec(any::<u8>(), 0..80)) {
        if let Ok(view) = Ipv6::check(&bytes) {
            prop_assert!(view.total_len() <= bytes.len());
        }
        set_hop_limit(&mut bytes, 1);
        swap_addresses(&mut bytes);
    }
}
