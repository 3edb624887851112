//! Stage 3 of `l3`: a hop of life less, the checksum that goes with it, and the next hop's Ethernet header.

use super::lanes::{Lanes, Verdict};
use super::resolution;
use super::snapshot::Snapshot;
use super::state::State;
use crate::wire::{ethernet, ipv4, ipv6};
use ringway_mempool::{BURST, Burst};

/// Rewrites every packet of the burst whose neighbor is known. Packets that expire, that are too large, or that go back
/// to where they came from are left to the exceptional way, untouched.
pub fn run(snapshot: &Snapshot, state: &mut State, burst: &mut Burst, lanes: &mut Lanes) {
    for (at, mbuf) in burst.as_mut_slice().iter_mut().enumerate().take(BURST) {
        if lanes.verdict[at] != Verdict::Rewrite {
            continue;
        }
        let slot = lanes.slot[at];
        if state.adjacencies.slot(slot).report_use {
            resolution::report_use(state, slot);
        }
        let adjacency = state.adjacencies.slot(slot);
        let l3 = usize::from(lanes.l3[at]);
        lanes.verdict[at] = Verdict::Exception;
        if adjacency.key.interface == lanes.ingress[at]
            && snapshot.interfaces.get(usize::from(lanes.ingress[at])).is_none_or(|there| there.redirects)
        {
            continue;
        }
        let Some(packet) = state.pool.frame_mut(mbuf).get_mut(l3..) else { continue };
        // Both families come in one burst, and which it is stands in the first byte.
        let six = packet.first().is_some_and(|first| first >> 4 == 6);
        let aged = if six { age6(packet, adjacency.mtu) } else { age4(packet, adjacency.mtu) };
        let Some(total) = aged else { continue };
        // What follows the packet is padding of the link it came from.
        mbuf.truncate(l3 as u16 + total);
        let header_len = usize::from(adjacency.header_len);
        if header_len <= l3 {
            mbuf.trim_front((l3 - header_len) as u16);
        } else if !state.pool.prepend(mbuf, (header_len - l3) as u16) {
            continue;
        }
        let frame = state.pool.frame_mut(mbuf);
        // Almost every header is untagged, and a copy of a constant length is two moves.
        if header_len == 14 {
            frame[..14].copy_from_slice(&adjacency.header[..14]);
        } else {
            frame[..header_len].copy_from_slice(&adjacency.header[..header_len]);
        }
        // The template says IPv4; a next hop of either family carries both (RFC 8950).
        if six {
            frame[header_len - 2..header_len].copy_from_slice(&ethernet::ETHERTYPE_IPV6.to_be_bytes());
        }
        if let Some(interface) = state.link.counters.interfaces.get(usize::from(adjacency.key.interface)) {
            interface.tx_packets.add(1);
            interface.tx_bytes.add(frame.len() as u64);
        }
        lanes.port[at] = adjacency.port;
        lanes.verdict[at] = Verdict::Transmit;
    }
}

/// Takes a hop off an IPv4 packet and returns its length; `None`, and nothing changed, when it expires or is too large.
#[inline]
fn age4(packet: &mut [u8], mtu: u16) -> Option<u16> {
    let header = packet.first_chunk_mut()?;
    let total = ipv4::total_len(header);
    if total > mtu || ipv4::ttl(header) <= 1 {
        return None;
    }
    ipv4::decrement_ttl(header);
    Some(total)
}

/// The same for IPv6.
#[inline]
fn age6(packet: &mut [u8], mtu: u16) -> Option<u16> {
    let header = packet.first_chunk_mut()?;
    let total = ipv6::total_len(header);
    if total > u32::from(ipv6::link_mtu(mtu)) || ipv6::hop_limit(header) <= 1 {
        return None;
    }
    ipv6::decrement_hop_limit(header);
    Some(total as u16)
}
