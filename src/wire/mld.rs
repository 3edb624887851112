//! Multicast listener discovery, the listener's side: queries (RFC 2710, RFC 9777) and reports of version 2.

use super::extension;
use super::icmpv6::{self, LISTENER_QUERY, LISTENER_REPORT_V2};
use super::ipv6::{ALL_MLDV2_ROUTERS, HEADER_LEN, HOP_BY_HOP, ICMPV6, Ipv6, Ipv6Header};
use std::net::Ipv6Addr;
use std::time::Duration;

/// Bytes of a report before its records, from the IPv6 header on: 8 of hop-by-hop options, 8 of the message.
const HEAD: usize = HEADER_LEN + 16;
/// Bytes of a record without sources.
const RECORD: usize = 20;

/// What a record says of a group. Whoever listens without a filter excludes no source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Record {
    /// MODE_IS_EXCLUDE: the answer to a query.
    Listening = 2,
    /// CHANGE_TO_INCLUDE_MODE, of nothing: it is left.
    Left = 3,
    /// CHANGE_TO_EXCLUDE_MODE: it is joined.
    Joined = 4,
}

/// A query of a multicast router.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Query {
    /// The group that is asked about; `None`: all.
    pub group: Option<Ipv6Addr>,
    /// Answer within this time.
    pub within: Duration,
}

/// Reads a query, with the checks of RFC 9777 6.2: "the message came with a link-local source address [...], the Hop
/// Limit is 1, [...] the Router Alert option is present in the Hop-by-Hop Options header".
pub fn query(view: &Ipv6<'_>) -> Option<Query> {
    let mut chain = extension::chain(view);
    let first = chain.step().ok().flatten()?;
    if first.kind != HOP_BY_HOP || extension::options(&first) != Ok(true) || chain.protocol() != ICMPV6 {
        return None;
    }
    if !view.source().is_unicast_link_local() || view.hop_limit() != 1 {
        return None;
    }
    let message = chain.payload();
    let kind = icmpv6::checked_type(message, view.source(), view.destination())?;
    let fixed = message.first_chunk::<24>().filter(|_| kind == LISTENER_QUERY)?;
    let group = Ipv6Addr::from(*fixed[8..].first_chunk::<16>()?);
    let code = super::be16(fixed, 4);
    // RFC 9777 5.1.3: "If Maximum Response Code >= 32768, Maximum Response Code represents a floating-point value".
    let milliseconds = if message.len() > 24 && code >= 0x8000 {
        u32::from(code & 0xfff | 0x1000) << ((code >> 12 & 7) + 3)
    } else {
        u32::from(code)
    };
    Some(Query {
        group: (!group.is_unspecified()).then_some(group),
        within: Duration::from_millis(u64::from(milliseconds)),
    })
}

/// Whether a report for this group is ever sent. RFC 9777 6: "the link-scope all-nodes multicast address (FF02::1) is
/// handled as a special case [...] MLD messages are never sent regarding" it, nor for groups of smaller scope.
pub fn is_reported(group: Ipv6Addr) -> bool {
    group.is_multicast() && group.octets()[1] & 0xf >= 2 && group != super::ipv6::ALL_NODES
}

/// Writes a report into `packet`, from the IPv6 header on; `None` when it does not fit. RFC 9777 5.2.13: it is sent "with a
/// valid IPv6 link-local source address, or the unspecified address (::)", 5: with hop limit 1 and a router alert.
pub fn emit_report(packet: &mut [u8], source: Ipv6Addr, records: &[(Record, Ipv6Addr)]) -> Option<usize> {
    let len = HEAD + records.len() * RECORD;
    let bytes = packet.get_mut(..len)?;
    let header = Ipv6Header {
        traffic_class: 0,
        flow_label: 0,
        payload_len: u16::try_from(len - HEADER_LEN).ok()?,
        next_header: HOP_BY_HOP,
        hop_limit: 1,
        source,
        destination: ALL_MLDV2_ROUTERS,
    };
    bytes[..HEADER_LEN].copy_from_slice(&header.emit());
    // RFC 2711 2.1: router alert of value 0, "Datagram contains a Multicast Listener Discovery message"; PadN of nothing.
    bytes[HEADER_LEN..HEADER_LEN + 8].copy_from_slice(&[ICMPV6, 0, extension::ROUTER_ALERT, 2, 0, 0, 1, 0]);
    let message = &mut bytes[HEADER_LEN + 8..];
    message[..8].copy_from_slice(&[LISTENER_REPORT_V2, 0, 0, 0, 0, 0, 0, 0]);
    message[6..8].copy_from_slice(&(records.len() as u16).to_be_bytes());
    for (bytes, (record, group)) in message[8..].chunks_exact_mut(RECORD).zip(records) {
        bytes[..4].copy_from_slice(&[*record as u8, 0, 0, 0]);
        bytes[4..].copy_from_slice(&group.octets());
    }
    icmpv6::fill_checksum(message, source, ALL_MLDV2_ROUTERS);
    Some(len)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::ipv6::{ALL_NODES, ALL_ROUTERS};
    use proptest::prelude::*;

    const HERE: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1);

    fn query_packet(code: u16, group: Ipv6Addr, version: u8) -> Vec<u8> {
        let mut packet = vec![0; if version == 1 { 72 } else { 76 }];
        emit_report(&mut packet, HERE, &[]).unwrap();
        let payload_len = (packet.len() - 40) as u16;
        packet[4..6].copy_from_slice(&payload_len.to_be_bytes());
        packet[24..40].copy_from_slice(&ALL_NODES.octets());
        let message = &mut packet[48..];
        message.fill(0);
        message[0] = LISTENER_QUERY;
        message[4..6].copy_from_slice(&code.to_be_bytes());
        message[8..24].copy_from_slice(&group.octets());
        icmpv6::fill_checksum(message, HERE, ALL_NODES);
        packet
    }

    fn read(packet: &[u8]) -> Option<Query> {
        query(&Ipv6::check(packet).unwrap())
    }

    #[test]
    fn a_report_has_a_router_alert_and_a_right_checksum() {
        let mut packet = [0; 200];
        let records = [(Record::Joined, ALL_ROUTERS), (Record::Left, "ff05::7".parse().unwrap())];
        let len = emit_report(&mut packet, HERE, &records).unwrap();
        assert_eq!(len, 96);
        let view = Ipv6::check(&packet[..len]).unwrap();
        assert_eq!((view.hop_limit(), view.destination(), view.total_len()), (1, ALL_MLDV2_ROUTERS, 96));
        let mut chain = extension::chain(&view);
        assert_eq!(extension::options(&chain.step().unwrap().unwrap()), Ok(true));
        let message = chain.payload();
        assert_eq!(icmpv6::checked_type(message, HERE, ALL_MLDV2_ROUTERS), Some(LISTENER_REPORT_V2));
        assert_eq!((message[7], message[8], message[28]), (2, 4, 3));
        assert_eq!(emit_report(&mut packet[..95], HERE, &records), None);
    }

    #[test]
    fn queries_of_both_versions_are_read() {
        let any = Ipv6Addr::UNSPECIFIED;
        let within = |code, version| read(&query_packet(code, any, version)).unwrap().within.as_millis();
        assert_eq!((within(1000, 1), within(1000, 2), within(0x9234, 1)), (1000, 1000, 0x9234));
        assert_eq!(within(0x9234, 2), 0x1234 << 4);
        assert_eq!(read(&query_packet(1, ALL_ROUTERS, 2)).unwrap().group, Some(ALL_ROUTERS));
    }

    #[test]
    fn a_query_from_afar_or_without_alert_is_none() {
        let mut far = query_packet(1000, Ipv6Addr::UNSPECIFIED, 2);
        far[7] = 2;
        assert_eq!(read(&far), None);
        let mut plain = query_packet(1000, Ipv6Addr::UNSPECIFIED, 2);
        plain[42..48].copy_from_slice(&[1, 4, 0, 0, 0, 0]);
        assert_eq!(read(&plain), None);
    }

    #[test]
    fn all_nodes_and_groups_of_one_node_are_never_reported() {
        assert!(is_reported(ALL_ROUTERS));
        assert!(!is_reported(ALL_NODES) && !is_reported("ff01::2".parse().unwrap()) && !is_reported(HERE));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 40..120)) {
            let mut bytes = bytes;
            (bytes[0], bytes[4], bytes[6]) = (0x60, 0, 0);
            if let Ok(view) = Ipv6::check(&bytes) {
                let _ = query(&view);
            }
        }
    }
}
