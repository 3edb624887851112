//! Fragments addressed to the router itself: put together here, off the data path, in a bounded table.
//!
//! RFC 1812 4.2.2.8: "As specified in the corresponding section of [INTRO:2], a router MUST support reassembly of datagrams
//! that it delivers to itself." Overlap and length checks are etherparse's; the bounds are ours.

use super::router::Router;
use crate::dataplane::message::Inject;
use crate::wire::extension::{self, Fragment};
use crate::wire::icmpv4::{self, IcmpKind};
use crate::wire::icmpv6::{self, Icmpv6Kind};
use crate::wire::ipv4::{self, Ipv4, Ipv4Header};
use crate::wire::ipv6::{self, Ipv6, Ipv6Header};
use etherparse::defrag::IpDefragBuf;
use etherparse::{IpFragOffset, IpNumber};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::{Duration, Instant};

/// Datagrams under way at once; the oldest makes room, so a flood of fragments costs at most this many times 64 KiB.
const MOST: usize = 64;
/// RFC 1122 3.3.2: "The reassembly timeout value SHOULD be a fixed value [...] It is recommended that this value lie between
/// 60 seconds and 120 seconds."
const TIMEOUT: Duration = Duration::from_secs(60);
/// Bytes of a datagram that an error quotes: 576 less IP and ICMP header (RFC 1812 4.3.2.3).
const QUOTED: usize = 548;
/// The same of IPv6: 1280 less the headers (RFC 4443 2.4).
const QUOTED6: usize = 1232;
/// Time to live of what we send.
const TTL: u8 = 64;

/// RFC 791 3.2: "The internet identification field (ID) is used together with the source and destination address, and the
/// protocol fields, to identify datagram fragments for reassembly."
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Key {
    /// The same addresses mean other hosts in another VRF.
    vrf: u16,
    source: IpAddr,
    destination: IpAddr,
    identification: u32,
    protocol: u8,
}

/// One fragment, of either family.
struct Piece<'a> {
    key: Key,
    /// Where its data begins in the datagram, in bytes.
    offset: u16,
    more: bool,
    data: &'a [u8],
    /// The whole packet, from its IP header on.
    packet: &'a [u8],
}

impl<'a> Piece<'a> {
    fn of_ipv4(vrf: u16, view: &Ipv4<'a>, packet: &'a [u8]) -> Self {
        let key = Key {
            vrf,
            source: view.source().into(),
            destination: view.destination().into(),
            identification: view.identification().into(),
            protocol: view.protocol(),
        };
        let (offset, more) = (view.fragment_offset(), view.more_fragments());
        Self { key, offset, more, data: view.payload(), packet }
    }

    /// RFC 8200 4.5: an original packet is reassembled only from fragments "that have the same Source Address, Destination
    /// Address, and Fragment Identification"; the next header is that of the first, and ours answers by it.
    fn of_ipv6(vrf: u16, view: &Ipv6<'a>) -> Option<Self> {
        let mut chain = extension::chain(view);
        // At most [`extension::MOST`] steps.
        while chain.step().ok()?.is_some_and(|header| header.kind != ipv6::FRAGMENT) {}
        let fragment = chain.fragment()?;
        let key = Key {
            vrf,
            source: view.source().into(),
            destination: view.destination().into(),
            identification: fragment.identification,
            protocol: chain.protocol(),
        };
        let (offset, more) = (fragment.offset, fragment.more);
        Some(Self { key, offset, more, data: chain.payload(), packet: view.packet() })
    }
}

struct Datagram {
    key: Key,
    since: Instant,
    parts: IpDefragBuf,
    /// The beginning of the first fragment, for errors; empty until it has come.
    first: Vec<u8>,
}

/// Datagrams of which fragments are missing.
#[derive(Default)]
pub(super) struct Reassembly {
    datagrams: Vec<Datagram>,
}

impl Reassembly {
    /// Takes a fragment; returns the whole payload and the first fragment's beginning when nothing is missing any more.
    fn add(&mut self, now: Instant, piece: &Piece<'_>) -> Option<(Key, Vec<u8>, Vec<u8>)> {
        let key = piece.key;
        let at = self.datagrams.iter().position(|datagram| datagram.key == key).unwrap_or_else(|| {
            if self.datagrams.len() == MOST {
                self.datagrams.remove(0);
            }
            let parts = IpDefragBuf::new(IpNumber(key.protocol), Vec::new(), Vec::new());
            self.datagrams.push(Datagram { key, since: now, parts, first: Vec::new() });
            self.datagrams.len() - 1
        });
        let datagram = &mut self.datagrams[at];
        let offset = IpFragOffset::try_new(piece.offset / 8).ok()?;
        if datagram.parts.add(offset, piece.more, piece.data).is_err() {
            // Contradictory fragments: nothing of them can be trusted.
            self.datagrams.remove(at);
            return None;
        }
        if piece.offset == 0 {
            let quoted = if key.source.is_ipv4() { QUOTED } else { QUOTED6 };
            datagram.first = piece.packet[..piece.packet.len().min(quoted)].to_vec();
        }
        if !datagram.parts.is_complete() {
            return None;
        }
        let datagram = self.datagrams.remove(at);
        Some((datagram.key, datagram.parts.data().clone(), datagram.first))
    }

    /// Takes out what has waited too long; returns the first fragments that did come.
    fn expire(&mut self, now: Instant) -> Vec<(u16, Vec<u8>)> {
        let mut expired = Vec::new();
        self.datagrams.retain_mut(|datagram| {
            let old = now.duration_since(datagram.since) >= TIMEOUT;
            if old {
                expired.push((datagram.key.vrf, std::mem::take(&mut datagram.first)));
            }
            !old
        });
        expired.retain(|(_, first)| !first.is_empty());
        expired
    }
}

impl Router {
    /// Takes a fragment that was addressed to us.
    pub(super) fn receive_fragment(&mut self, now: Instant, vrf: u16, packet: &[u8]) {
        let Ok(view) = Ipv4::check(packet) else { return };
        let Some((key, mut payload, first)) = self.reassembly.add(now, &Piece::of_ipv4(vrf, &view, packet)) else {
            return;
        };
        match key.protocol {
            ipv4::PROTOCOL_ICMP => {
                if icmpv4::checked_type(&payload).is_some() && icmpv4::request_into_reply(&mut payload) {
                    self.send_fragmented(key, &payload);
                }
            }
            ipv4::PROTOCOL_UDP => self.send_error(vrf, &first, IcmpKind::PortUnreachable),
            ipv4::PROTOCOL_TCP => {}
            _ => self.send_error(vrf, &first, IcmpKind::ProtocolUnreachable),
        }
    }

    /// The same of IPv6.
    pub(super) fn receive_fragment6(&mut self, now: Instant, vrf: u16, view: &Ipv6<'_>) {
        let Some((key, mut payload, first)) =
            Piece::of_ipv6(vrf, view).and_then(|piece| self.reassembly.add(now, &piece))
        else {
            return;
        };
        let (IpAddr::V6(source), IpAddr::V6(destination)) = (key.source, key.destination) else { return };
        if key.protocol == ipv6::UDP {
            return self.send_error6(vrf, &first, Icmpv6Kind::PortUnreachable);
        }
        let asks = key.protocol == ipv6::ICMPV6 && icmpv6::checked_type(&payload, source, destination).is_some();
        if asks && icmpv6::request_into_reply(&mut payload, destination, source) {
            self.send_fragmented6(vrf, source, destination, key.identification, &payload);
        }
    }

    /// Sends an answer in pieces that every link of IPv6 carries; no router on the way cuts them further.
    fn send_fragmented6(&mut self, vrf: u16, to: Ipv6Addr, from: Ipv6Addr, identification: u32, payload: &[u8]) {
        const PIECE: usize = (ipv6::MINIMUM_MTU as usize - ipv6::HEADER_LEN - 8) & !7;
        for (number, data) in payload.chunks(PIECE).enumerate() {
            let at = number * PIECE;
            let Ok(offset) = u16::try_from(at) else { return };
            let header = Ipv6Header {
                traffic_class: 0,
                flow_label: 0,
                payload_len: (8 + data.len()) as u16,
                next_header: ipv6::FRAGMENT,
                hop_limit: TTL,
                source: from,
                destination: to,
            };
            let fragment = Fragment { offset, more: at + data.len() < payload.len(), identification };
            let packet = [&header.emit()[..], &fragment.emit(ipv6::ICMPV6), data].concat();
            self.inject(0, Inject::Packet { vrf }, &packet);
        }
    }

    /// Sends an ICMPv6 error about a packet of which `quoted` is the beginning.
    fn send_error6(&mut self, vrf: u16, quoted: &[u8], kind: Icmpv6Kind) {
        let Some(fixed) = quoted.first_chunk::<{ ipv6::HEADER_LEN }>() else { return };
        let address = |at: usize| fixed[at..].first_chunk::<16>().map(|bytes| Ipv6Addr::from(*bytes));
        let (Some(victim), Some(from)) = (address(8), address(24)) else { return };
        let mut packet = vec![0; ipv6::HEADER_LEN + icmpv6::ERROR_HEADER_LEN];
        packet.extend(quoted);
        icmpv6::emit_error(&mut packet[ipv6::HEADER_LEN..], kind, from, victim);
        icmpv6::finish(&mut packet, from, victim, TTL);
        self.inject(0, Inject::Packet { vrf }, &packet);
    }

    /// Gives up what has waited too long.
    ///
    /// RFC 1122 3.3.2: "If this timeout expires, the partially-reassembled datagram MUST be discarded and an ICMP Time
    /// Exceeded message sent to the source host (if fragment zero has been received)."
    pub(super) fn reassembly_timers(&mut self, now: Instant) {
        for (vrf, first) in self.reassembly.expire(now) {
            if first[0] >> 4 == 6 {
                self.send_error6(vrf, &first, Icmpv6Kind::ReassemblyExceeded);
            } else {
                self.send_error(vrf, &first, IcmpKind::ReassemblyExceeded);
            }
        }
    }

    /// Sends the answer to a datagram in pieces that fit a slot; the worker cuts them further where a link asks for it.
    fn send_fragmented(&mut self, asked: Key, payload: &[u8]) {
        let (IpAddr::V4(source), IpAddr::V4(destination)) = (asked.destination, asked.source) else { return };
        let slot = self.workers.first().map_or(0, |worker| worker.frame_bytes);
        let piece = slot.saturating_sub(ipv4::HEADER_LEN + 22) & !7;
        if piece == 0 {
            return;
        }
        let mut at = 0;
        while at < payload.len() {
            let len = piece.min(payload.len() - at);
            let header = Ipv4Header {
                dscp_ecn: 0,
                total_len: (ipv4::HEADER_LEN + len) as u16,
                identification: asked.identification as u16,
                dont_fragment: false,
                more_fragments: at + len < payload.len(),
                fragment_offset: at as u16,
                ttl: TTL,
                protocol: asked.protocol,
                source,
                destination,
            };
            let packet = [&header.emit()[..], &payload[at..at + len]].concat();
            self.inject(0, Inject::Packet { vrf: asked.vrf }, &packet);
            at += len;
        }
    }

    /// Sends an error about a packet of which `quoted` is the beginning.
    fn send_error(&mut self, vrf: u16, quoted: &[u8], kind: IcmpKind) {
        let Some(fixed) = quoted.first_chunk::<{ ipv4::HEADER_LEN }>() else { return };
        let address = |at: usize| Ipv4Addr::new(fixed[at], fixed[at + 1], fixed[at + 2], fixed[at + 3]);
        let total = ipv4::HEADER_LEN + icmpv4::ERROR_HEADER_LEN + quoted.len();
        let header = Ipv4Header {
            dscp_ecn: 0xc0,
            total_len: total as u16,
            identification: fastrand::u16(..),
            dont_fragment: false,
            more_fragments: false,
            fragment_offset: 0,
            ttl: TTL,
            protocol: ipv4::PROTOCOL_ICMP,
            source: address(16),
            destination: address(12),
        };
        let mut packet = header.emit().to_vec();
        packet.extend([0; icmpv4::ERROR_HEADER_LEN]);
        packet.extend(quoted);
        icmpv4::emit_error(&mut packet[ipv4::HEADER_LEN..], kind);
        self.inject(0, Inject::Packet { vrf }, &packet);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fragment(identification: u16, offset: u16, more: bool, data: &[u8]) -> Vec<u8> {
        let header = Ipv4Header {
            dscp_ecn: 0,
            total_len: (20 + data.len()) as u16,
            identification,
            dont_fragment: false,
            more_fragments: more,
            fragment_offset: offset,
            ttl: 64,
            protocol: ipv4::PROTOCOL_UDP,
            source: Ipv4Addr::new(192, 0, 2, 10),
            destination: Ipv4Addr::new(192, 0, 2, 1),
        };
        [&header.emit()[..], data].concat()
    }

    fn add(table: &mut Reassembly, now: Instant, packet: &[u8]) -> Option<Vec<u8>> {
        let view = Ipv4::check(packet).unwrap();
        table.add(now, &Piece::of_ipv4(0, &view, packet)).map(|(_, payload, _)| payload)
    }

    #[test]
    fn fragments_in_any_order_become_the_datagram() {
        let (mut table, now) = (Reassembly::default(), Instant::now());
        assert_eq!(add(&mut table, now, &fragment(1, 8, false, b"tail")), None);
        assert_eq!(add(&mut table, now, &fragment(2, 0, true, b"another!")), None);
        assert_eq!(add(&mut table, now, &fragment(1, 0, true, b"headhead")), Some(b"headheadtail".to_vec()));
        assert_eq!(table.datagrams.len(), 1);
    }

    #[test]
    fn fragments_of_ipv6_become_the_datagram() {
        let (mut table, now) = (Reassembly::default(), Instant::now());
        let mut add = |offset, more, data: &[u8]| {
            let header = Ipv6Header {
                traffic_class: 0,
                flow_label: 0,
                payload_len: 16 + data.len() as u16,
                next_header: ipv6::DESTINATION_OPTIONS,
                hop_limit: 64,
                source: "2001:db8::1".parse().unwrap(),
                destination: "2001:db8::2".parse().unwrap(),
            };
            let fragment = Fragment { offset, more, identification: 7 };
            let options = [ipv6::FRAGMENT, 0, 1, 4, 0, 0, 0, 0];
            let packet = [&header.emit()[..], &options, &fragment.emit(ipv6::UDP), data].concat();
            let piece = Piece::of_ipv6(0, &Ipv6::check(&packet).unwrap()).unwrap();
            table.add(now, &piece).map(|(key, payload, first)| (key.protocol, payload, first == packet))
        };
        assert_eq!(add(8, false, b"tail"), None);
        assert_eq!(add(0, true, b"headhead"), Some((ipv6::UDP, b"headheadtail".to_vec(), true)));
    }

    #[test]
    fn contradictory_fragments_are_forgotten() {
        let (mut table, now) = (Reassembly::default(), Instant::now());
        add(&mut table, now, &fragment(1, 8, false, b"tail"));
        assert_eq!(add(&mut table, now, &fragment(1, 16, false, b"other")), None);
        assert!(table.datagrams.is_empty());
    }

    #[test]
    fn a_flood_of_first_fragments_keeps_the_newest() {
        let (mut table, now) = (Reassembly::default(), Instant::now());
        for identification in 0..1000 {
            add(&mut table, now, &fragment(identification, 0, true, b"12345678"));
        }
        assert_eq!(table.datagrams.len(), MOST);
        assert!(add(&mut table, now, &fragment(999, 8, false, b"x")).is_some());
    }

    #[test]
    fn only_a_datagram_whose_first_fragment_came_is_answered_when_it_expires() {
        let (mut table, now) = (Reassembly::default(), Instant::now());
        add(&mut table, now, &fragment(1, 0, true, b"12345678"));
        add(&mut table, now, &fragment(2, 8, true, b"12345678"));
        assert!(table.expire(now + TIMEOUT - Duration::from_millis(1)).is_empty());
        assert_eq!(table.expire(now + TIMEOUT), [(0, fragment(1, 0, true, b"12345678"))]);
        assert!(table.datagrams.is_empty());
    }
}
