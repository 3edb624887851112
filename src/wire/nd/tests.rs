use super::option::PrefixInformation;
use super::*;
use crate::wire::icmpv6::fill_checksum;
use crate::wire::ipv6::{ALL_NODES, ALL_ROUTERS, Ipv6Header};
use proptest::prelude::*;
use smoltcp::wire::{Icmpv6Packet, Icmpv6Repr, NdiscRepr};

const HOST: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 9);
const US: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 1, 0, 0, 0, 0, 1);
const MAC: MacAddr6 = MacAddr6::new(2, 0, 0, 0, 0, 9);
const SOLICITATION: Solicitation = Solicitation { target: US, source_link: Some(MAC) };

fn read(packet: &[u8]) -> Result<Message<'_>, NdError> {
    check(&Ipv6::check(packet).unwrap())
}

/// A packet with the message's checksum made right after a change.
fn changed(source: Ipv6Addr, destination: Ipv6Addr, message: &[u8]) -> Vec<u8> {
    let mut packet = [&[0; 40][..], message].concat();
    icmpv6::finish(&mut packet, source, destination, HOP_LIMIT);
    packet
}

fn solicitation_message() -> Vec<u8> {
    let (packet, len) = SOLICITATION.packet(HOST, solicited_node(US));
    packet[40..len].to_vec()
}

#[test]
fn solicitations_and_advertisements_read_back() {
    let (packet, len) = SOLICITATION.packet(HOST, solicited_node(US));
    assert_eq!(read(&packet[..len]), Ok(Message::Solicitation(SOLICITATION)));
    for bits in 0..8 {
        let told = Advertisement {
            router: bits & 1 != 0,
            solicited: bits & 2 != 0,
            overrides: bits & 4 != 0,
            target: US,
            target_link: (bits != 7).then_some(MAC),
        };
        let (packet, len) = told.packet(US, HOST);
        assert_eq!(read(&packet[..len]), Ok(Message::Advertisement(told)));
    }
}

#[test]
fn each_check_of_rfc_4861_has_its_error() {
    let group = solicited_node(US);
    let message = solicitation_message();
    let mut far = changed(HOST, group, &message);
    far[7] = 254;
    assert_eq!(read(&far), Err(NdError::HopLimit));
    let mut damaged = changed(HOST, group, &message);
    damaged[45] ^= 1;
    assert_eq!(read(&damaged), Err(NdError::Checksum));
    let with = |at: usize, value: u8| {
        let mut message = message.clone();
        message[at] = value;
        message
    };
    assert_eq!(read(&changed(HOST, group, &with(1, 1))), Err(NdError::Code));
    assert_eq!(read(&changed(HOST, group, &message[..20])), Err(NdError::TooShort));
    assert_eq!(read(&changed(HOST, group, &with(25, 0))), Err(NdError::Option));
    assert_eq!(read(&changed(HOST, group, &with(25, 2))), Err(NdError::Option));
    assert_eq!(read(&changed(HOST, group, &message[..31])), Err(NdError::Option));
    assert_eq!(read(&changed(HOST, group, &with(8, 0xff))), Err(NdError::Target));
    let nobody = Ipv6Addr::UNSPECIFIED;
    assert_eq!(read(&changed(nobody, group, &message)), Err(NdError::ProbeOption));
    assert_eq!(read(&changed(nobody, ALL_NODES, &message[..24])), Err(NdError::ProbeDestination));
    assert!(read(&changed(nobody, group, &message[..24])).is_ok());
    let told = Advertisement { router: false, solicited: true, overrides: true, target: US, target_link: None };
    let (packet, len) = told.packet(HOST, ALL_NODES);
    assert_eq!(read(&packet[..len]), Err(NdError::Solicited));
    let router = changed(US, ALL_NODES, &[134, 0, 0, 0, 64, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(read(&router), Err(NdError::Source));
    let ask = |source, message: &[u8]| read(&changed(source, ALL_ROUTERS, message)).map(|_| ());
    assert_eq!(ask(HOST, &[133, 0, 0, 0, 0, 0, 0, 0]), Ok(()));
    assert_eq!(ask(HOST, &[133, 0, 0, 0]), Err(NdError::TooShort));
    assert_eq!(ask(nobody, &[133, 0, 0, 0, 0, 0, 0, 0, 1, 1, 2, 0, 0, 0, 0, 9]), Err(NdError::ProbeOption));
    assert_eq!(ask(HOST, &[128, 0, 0, 0, 0, 0, 0, 0]), Err(NdError::OtherKind));
    let mut packet = [0; REDIRECT_LEN];
    emit_redirect(&mut packet, US, HOST, HOST, US);
    assert_eq!(read(&packet), Err(NdError::Redirect));
    emit_redirect(&mut packet, HOST, US, US, HOST);
    assert_eq!(read(&packet), Err(NdError::Source));
    emit_redirect(&mut packet, HOST, US, HOST, US);
    assert_eq!(read(&packet), Ok(Message::Redirect { target: HOST, destination: US }));
}

#[test]
fn a_router_advertisement_carries_its_options() {
    let said = RouterAdvertisement {
        hop_limit: 64,
        managed: false,
        other: true,
        preference: -1,
        lifetime: 1800,
        reachable: 30_000,
        retransmit: 1000,
    };
    let prefix = PrefixInformation {
        prefix: "2001:db8:1::".parse().unwrap(),
        len: 64,
        on_link: true,
        autonomous: true,
        valid: 86_400,
        preferred: 14_400,
    };
    let options = [
        NdOption::SourceLink(MAC),
        NdOption::Mtu(1400),
        NdOption::Prefix(prefix),
        NdOption::NameServers { lifetime: 600, servers: &[US, HOST] },
    ];
    let mut packet = [0; 300];
    let len = emit_router_advertisement(&mut packet, &said, &options, HOST, ALL_NODES).unwrap();
    assert_eq!(len, 40 + 16 + 8 + 8 + 32 + 40);
    let Ok(Message::RouterAdvertisement(read, found)) = read(&packet[..len]) else { panic!("not read") };
    assert_eq!(read, said);
    let found: Vec<_> = found.iter().collect();
    assert_eq!(found[..3], options[..3]);
    assert_eq!(found[3], NdOption::NameServers { lifetime: 600, servers: &[] });
    assert_eq!(emit_router_advertisement(&mut packet[..100], &said, &options, HOST, ALL_NODES), None);
}

#[test]
fn smoltcp_reads_what_we_write() {
    let (packet, len) = SOLICITATION.packet(HOST, solicited_node(US));
    let theirs = Icmpv6Packet::new_checked(&packet[40..len]).unwrap();
    let repr = Icmpv6Repr::parse(&HOST, &solicited_node(US), &theirs, &smoltcp::phy::ChecksumCapabilities::default());
    let Ok(Icmpv6Repr::Ndisc(NdiscRepr::NeighborSolicit { target_addr, lladdr: Some(mac) })) = repr else {
        panic!("not read as a solicitation: {repr:?}")
    };
    assert_eq!((target_addr, mac.as_bytes()), (US, MAC.as_bytes()));
}

proptest! {
    #[test]
    fn any_message_is_read_without_a_panic(mut message in prop::collection::vec(any::<u8>(), 0..120), kind in 133..=137u8) {
        if message.len() > 4 {
            (message[0], message[1]) = (kind, 0);
        }
        fill_checksum(&mut message, HOST, US);
        let header = Ipv6Header {
            traffic_class: 0, flow_label: 0, payload_len: message.len() as u16, next_header: ICMPV6, hop_limit: 255,
            source: HOST, destination: US,
        };
        let packet = [&header.emit()[..], &message].concat();
        if let Ok(Message::RouterAdvertisement(_, options)) = read(&packet) {
            prop_assert!(options.iter().count() <= message.len() / 8);
        }
    }
}
