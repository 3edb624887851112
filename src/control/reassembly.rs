//! Fragments addressed to the router itself: put together here, off the data path, in a bounded table.
//!
//! RFC 1812 4.2.2.8: "As specified in the corresponding section of [INTRO:2], a router MUST support reassembly of datagrams
//! that it delivers to itself." Overlap and length checks are etherparse's; the bounds are ours.

use super::router::Router;
use crate::dataplane::message::Inject;
use crate::wire::icmpv4::{self, IcmpKind};
use crate::wire::ipv4::{self, Ipv4, Ipv4Header};
use etherparse::defrag::IpDefragBuf;
use etherparse::{IpFragOffset, IpNumber};
use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

/// Datagrams under way at once; the oldest makes room, so a flood of fragments costs at most this many times 64 KiB.
const MOST: usize = 64;
/// RFC 1122 3.3.2: "The reassembly timeout value SHOULD be a fixed value [...] It is recommended that this value lie between
/// 60 seconds and 120 seconds."
const TIMEOUT: Duration = Duration::from_secs(60);
/// Bytes of a datagram that an error quotes: 576 less IP and ICMP header (RFC 1812 4.3.2.3).
const QUOTED: usize = 548;
/// Time to live of what we send.
const TTL: u8 = 64;

/// RFC 791 3.2: "The internet identification field (ID) is used together with the source and destination address, and the
/// protocol fields, to identify datagram fragments for reassembly."
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Key {
    source: Ipv4Addr,
    destination: Ipv4Addr,
    identification: u16,
    protocol: u8,
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
    fn add(&mut self, now: Instant, view: &Ipv4<'_>, packet: &[u8]) -> Option<(Key, Vec<u8>, Vec<u8>)> {
        let key = Key {
            source: view.source(),
            destination: view.destination(),
            identification: view.identification(),
            protocol: view.protocol(),
        };
        let at = self.datagrams.iter().position(|datagram| datagram.key == key).unwrap_or_else(|| {
            if self.datagrams.len() == MOST {
                self.datagrams.remove(0);
            }
            let parts = IpDefragBuf::new(IpNumber(key.protocol), Vec::new(), Vec::new());
            self.datagrams.push(Datagram { key, since: now, parts, first: Vec::new() });
            self.datagrams.len() - 1
        });
        let datagram = &mut self.datagrams[at];
        let offset = IpFragOffset::try_new(view.fragment_offset() / 8).ok()?;
        if datagram.parts.add(offset, view.more_fragments(), view.payload()).is_err() {
            // Contradictory fragments: nothing of them can be trusted.
            self.datagrams.remove(at);
            return None;
        }
        if view.is_first_fragment() {
            datagram.first = packet[..packet.len().min(QUOTED)].to_vec();
        }
        if !datagram.parts.is_complete() {
            return None;
        }
        let datagram = self.datagrams.remove(at);
        Some((datagram.key, datagram.parts.data().clone(), datagram.first))
    }

    /// Takes out what has waited too long; returns the first fragments that did come.
    fn expire(&mut self, now: Instant) -> Vec<Vec<u8>> {
        let mut expired = Vec::new();
        self.datagrams.retain_mut(|datagram| {
            let old = now.duration_since(datagram.since) >= TIMEOUT;
            if old {
                expired.push(std::mem::take(&mut datagram.first));
            }
            !old
        });
        expired.retain(|first| !first.is_empty());
        expired
    }
}

impl Router {
    /// Takes a fragment that was addressed to us.
    pub(super) fn receive_fragment(&mut self, now: Instant, packet: &[u8]) {
        let Ok(view) = Ipv4::check(packet) else { return };
        let Some((key, mut payload, first)) = self.reassembly.add(now, &view, packet) else { return };
        match key.protocol {
            ipv4::PROTOCOL_ICMP => {
                if icmpv4::checked_type(&payload).is_some() && icmpv4::request_into_reply(&mut payload) {
                    self.send_fragmented(key, &payload);
                }
            }
            ipv4::PROTOCOL_UDP => self.send_error(&first, IcmpKind::PortUnreachable),
            ipv4::PROTOCOL_TCP => {}
            _ => self.send_error(&first, IcmpKind::ProtocolUnreachable),
        }
    }

    /// Gives up what has waited too long.
    ///
    /// RFC 1122 3.3.2: "If this timeout expires, the partially-reassembled datagram MUST be discarded and an ICMP Time
    /// Exceeded message sent to the source host (if fragment zero has been received)."
    pub(super) fn reassembly_timers(&mut self, now: Instant) {
        for first in self.reassembly.expire(now) {
            self.send_error(&first, IcmpKind::ReassemblyExceeded);
        }
    }

    /// Sends the answer to a datagram in pieces that fit a slot; the worker cuts them further where a link asks for it.
    fn send_fragmented(&mut self, asked: Key, payload: &[u8]) {
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
                identification: asked.identification,
                dont_fragment: false,
                more_fragments: at + len < payload.len(),
                fragment_offset: at as u16,
                ttl: TTL,
                protocol: asked.protocol,
                source: asked.destination,
                destination: asked.source,
            };
            let packet = [&header.emit()[..], &payload[at..at + len]].concat();
            self.inject(0, Inject::Packet { vrf: 0 }, &packet);
            at += len;
        }
    }

    /// Sends an error about a packet of which `quoted` is the beginning.
    fn send_error(&mut self, quoted: &[u8], kind: IcmpKind) {
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
        self.inject(0, Inject::Packet { vrf: 0 }, &packet);
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
        table.add(now, &view, packet).map(|(_, payload, _)| payload)
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
        assert_eq!(table.expire(now + TIMEOUT), [fragment(1, 0, true, b"12345678")]);
        assert!(table.datagrams.is_empty());
    }
}
