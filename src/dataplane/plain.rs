//! The packets that nearly all are: untagged, for our address, with a header without options that may be forwarded.
//!
//! [`super::input`] asks question by question and names the first thing that is wrong. Here all questions about a frame
//! are answered from a few wide loads, against what is the same for the whole burst; what fails any of them is asked again
//! there. So this must accept nothing that would fail there, and a property test checks that they agree both ways.

use super::ip6::own::OwnAddresses;
use super::snapshot::{ForbiddenSources, PortMap, Snapshot};
use crate::fib::ipv4::Fib;
use crate::wire::{ethernet, ipv4, ipv6, nd};

/// Bytes of both headers.
const HEADERS4: usize = ethernet::HEADER_LEN + ipv4::HEADER_LEN;
const HEADERS6: usize = ethernet::HEADER_LEN + ipv6::HEADER_LEN;

/// EtherType, version and header length of IPv4 without options, as a little-endian load at byte 12 has them.
const IPV4_PLAIN: u32 = 0x45_0008;

/// By first octet, the IPv4 addresses that are not simply unicast: networks 0 and 127, classes D and E.
const SPECIAL4: [bool; 256] = special(&[0, 127], 224);
/// The same of IPv6: ::/8, fe00::/8, ff00::/8.
const SPECIAL6: [bool; 256] = special(&[0x00], 0xfe);

/// A table of these octets and of all from `above` on.
const fn special(octets: &[u8], above: usize) -> [bool; 256] {
    let (mut table, mut at) = ([false; 256], 0);
    while at < octets.len() {
        table[octets[at] as usize] = true;
        at += 1;
    }
    at = above;
    while at < table.len() {
        table[at] = true;
        at += 1;
    }
    table
}

/// What is the same for all untagged frames of a port.
pub struct Plain<'a> {
    /// The interface's address as a little-endian load of a frame's first eight bytes has it, without the upper two.
    mac: u64,
    forbidden: &'a ForbiddenSources,
    own6: &'a OwnAddresses,
    fib: &'a Fib,
}

impl<'a> Plain<'a> {
    /// For a port whose untagged frames belong to an interface that is up.
    pub fn new(snapshot: &'a Snapshot, map: &PortMap) -> Option<Self> {
        let interface = snapshot.interfaces.get(usize::from(map.untagged)).filter(|interface| interface.up)?;
        let tables = snapshot.vrfs.get(usize::from(interface.vrf))?;
        let mac = interface.mac.as_bytes();
        // No interface has the address of a group; if one had, its frames would be asked about one by one.
        (mac[0] & 1 == 0).then(|| Self {
            mac: mac.iter().rev().fold(0, |mac, octet| mac << 8 | u64::from(*octet)),
            forbidden: &tables.forbidden,
            own6: &tables.own6,
            fib: &tables.ipv4,
        })
    }

    /// The destination (host byte order) of a plain IPv4 packet.
    #[inline]
    pub fn ipv4(&self, frame: &[u8]) -> Option<u32> {
        let head: &[u8; HEADERS4] = frame.first_chunk()?;
        let header = head.last_chunk()?;
        if !self.is_for_us(head) || u32::from_le_bytes([head[12], head[13], head[14], 0]) != IPV4_PLAIN {
            return None;
        }
        let total = usize::from(ipv4::total_len(header));
        if total < ipv4::HEADER_LEN || total > frame.len() - ethernet::HEADER_LEN || !ipv4::checksum_holds(header) {
            return None;
        }
        let (source, destination) = (ipv4::source_bits(header), ipv4::destination_bits(header));
        let special = SPECIAL4[usize::from(header[12])] | SPECIAL4[usize::from(header[16])];
        if special || self.forbidden.may_hold(source) {
            return None;
        }
        // By the time that the burst is looked up, what that reads first is there.
        self.fib.prefetch(&[destination]);
        Some(destination)
    }

    /// Whether this is a plain IPv6 packet: nothing of Neighbor Discovery, no hop-by-hop options.
    #[inline]
    pub fn is_ipv6(&self, frame: &[u8]) -> bool {
        let Some(head) = frame.first_chunk::<HEADERS6>() else { return false };
        let Some(header) = head.last_chunk::<{ ipv6::HEADER_LEN }>() else { return false };
        if !self.is_for_us(head)
            || [head[12], head[13]] != ethernet::ETHERTYPE_IPV6.to_be_bytes()
            || header[0] >> 4 != 6
        {
            return false;
        }
        let next_header = header[6];
        let odd = next_header == ipv6::HOP_BY_HOP
            || (next_header == ipv6::ICMPV6 && ipv6::hop_limit(header) == nd::HOP_LIMIT)
            || ipv6::total_len(header) as usize > frame.len() - ethernet::HEADER_LEN;
        let special = SPECIAL6[usize::from(header[8])] | SPECIAL6[usize::from(header[24])];
        !odd && !special && !self.own6.may_hold(header[23])
    }

    #[inline]
    fn is_for_us<const N: usize>(&self, head: &[u8; N]) -> bool {
        let first = head.first_chunk().map_or(0, |first| u64::from_le_bytes(*first));
        (first ^ self.mac) << 16 == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataplane::input::classify;
    use crate::dataplane::lanes::Verdict;
    use crate::dataplane::snapshot::{Encapsulation, Interface, Vrf};
    use crate::wire::ipv4::Ipv4Header;
    use macaddr::MacAddr6;
    use proptest::prelude::*;
    use ringway_config::SourceCheck;

    const MAC: MacAddr6 = MacAddr6::new(2, 0, 0, 0, 0, 1);

    fn snapshot() -> Snapshot {
        let mut map = PortMap::new(MAC);
        map.assign(&[], 0);
        let mut snapshot = Snapshot::empty(vec![map]);
        let interface = Interface {
            port: 0,
            mac: MAC,
            encapsulation: Encapsulation::new(MAC, &[]),
            mtu: 1500,
            up: true,
            redirects: true,
            directed_broadcast: false,
            source_check: SourceCheck::Off,
            vrf: 0,
            addresses: vec!["192.0.2.1/24".parse().unwrap()],
            addresses6: vec!["2001:db8::1/64".parse().unwrap(), "fe80::1/64".parse().unwrap()],
            groups6: Vec::new(),
        };
        snapshot.vrfs = vec![Vrf {
            forbidden: ForbiddenSources::new([&interface]),
            own6: OwnAddresses::new(&interface.addresses6),
            ..Vrf::default()
        }];
        snapshot.interfaces.push(interface);
        snapshot
    }

    /// A packet of either family that is plain but for what the arguments spoil.
    fn frame(six: bool, octets: (u8, u8, u8), spoil: Option<(usize, u8)>, len: usize) -> Vec<u8> {
        let mut frame = vec![0; 14];
        frame[..6].copy_from_slice(MAC.as_bytes());
        let (source, last, destination) = octets;
        if six {
            frame[12..14].copy_from_slice(&[0x86, 0xdd]);
            frame.extend_from_slice(&[0x60, 0, 0, 0, 0, 8, 17, 64]);
            let address = |first, last| [first, 1, 13, 184, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last];
            frame.extend(address(source, last));
            frame.extend(address(destination, 9));
        } else {
            frame[12..14].copy_from_slice(&[8, 0]);
            let header = Ipv4Header {
                dscp_ecn: 0,
                total_len: 28,
                identification: 1,
                dont_fragment: true,
                more_fragments: false,
                fragment_offset: 0,
                ttl: 64,
                protocol: 17,
                source: [source, 0, 2, last].into(),
                destination: [destination, 0, 113, 9].into(),
            };
            frame.extend(header.emit());
        }
        frame.extend([0; 18]);
        if let Some((at, with)) = spoil {
            let at = at % frame.len();
            frame[at] ^= with;
        }
        frame.truncate(len);
        frame
    }

    proptest! {
        #[test]
        fn what_is_plain_here_is_plain_there(
            six in any::<bool>(),
            octets in (any::<u8>(), any::<u8>(), any::<u8>()),
            spoil in prop::option::of((0..80usize, any::<u8>())),
            len in prop_oneof![4 => Just(100), 1 => 0..80usize],
        ) {
            let (snapshot, frame) = (snapshot(), frame(six, octets, spoil, len));
            let map = &snapshot.ports[0];
            let plain = Plain::new(&snapshot, map).unwrap();
            let there = classify(&snapshot, map, &frame);
            prop_assert!(plain.ipv4(&frame).is_none() || !plain.is_ipv6(&frame));
            if let Some(destination) = plain.ipv4(&frame) {
                prop_assert_eq!((there.verdict, there.destination), (Verdict::Lookup, destination));
            }
            if plain.is_ipv6(&frame) {
                prop_assert_eq!(there.verdict, Verdict::Lookup6);
            }
            // The other way round, but for sources that the filter takes for forbidden ones.
            if matches!(there.verdict, Verdict::Lookup | Verdict::Lookup6) && !matches!(octets.1, 0 | 1 | 255) && spoil.is_none() {
                prop_assert!(plain.ipv4(&frame).is_some() || plain.is_ipv6(&frame));
            }
            if there.verdict != Verdict::Drop(crate::dataplane::drop_reason::DropReason::FrameTooShort) {
                prop_assert_eq!((there.ingress, usize::from(there.l3)), (0, there.l3.min(14).into()));
            }
        }
    }

    #[test]
    fn a_port_whose_interface_is_down_has_no_plain_frames() {
        let mut snapshot = snapshot();
        snapshot.interfaces[0].up = false;
        assert!(Plain::new(&snapshot, &snapshot.ports[0]).is_none());
        assert!(Plain::new(&snapshot, &PortMap::new(MAC)).is_none());
    }
}
