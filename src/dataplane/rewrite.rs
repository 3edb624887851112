//! Stage 3 of `l3`: a hop of life less, the checksum that goes with it, and the next hop's Ethernet header.

use super::adjacency::Adjacency;
use super::lanes::{Lanes, Verdict};
use super::resolution;
use super::snapshot::Snapshot;
use super::state::State;
use crate::wire::{ethernet, ipv4, ipv6};
use ringway_mempool::{BURST, Burst, Mbuf, Pool};

/// Bytes of an untagged Ethernet header and of the IP header behind it.
const HEADERS4: usize = ethernet::HEADER_LEN + ipv4::HEADER_LEN;
const HEADERS6: usize = ethernet::HEADER_LEN + ipv6::HEADER_LEN;

/// Rewrites every packet of the burst whose neighbor is known. Packets that expire, that are too large, or that go back
/// to where they came from are left to the exceptional way, untouched.
pub fn run(snapshot: &Snapshot, state: &mut State, burst: &mut Burst, lanes: &mut Lanes) {
    let mut sent = 0;
    for (at, mbuf) in burst.as_mut_slice().iter_mut().enumerate().take(BURST) {
        if lanes.verdict[at] != Verdict::Rewrite {
            continue;
        }
        let adjacency = state.adjacencies.slot(lanes.slot[at]);
        let plain = usize::from(lanes.l3[at]) == ethernet::HEADER_LEN
            && usize::from(adjacency.header_len) == ethernet::HEADER_LEN
            && adjacency.key.interface != lanes.ingress[at]
            && !adjacency.report_use;
        lanes.port[at] = adjacency.port;
        lanes.egress[at] = adjacency.key.interface;
        let done = if plain {
            untagged(&mut state.pool, mbuf, adjacency)
        } else {
            careful(snapshot, state, mbuf, (lanes.ingress[at], usize::from(lanes.l3[at])), lanes.slot[at])
        };
        lanes.verdict[at] = if done { Verdict::Transmit } else { Verdict::Exception };
        sent += usize::from(done);
    }
    count(state, burst, lanes, sent);
}

/// Counts what each interface sends, and finds out whether the whole burst leaves by one port.
#[inline]
fn count(state: &State, burst: &Burst, lanes: &mut Lanes, sent: usize) {
    let mbufs = burst.as_slice();
    let add = |interface: u16, packets: usize, bytes: u64| {
        if let Some(counters) = state.link.counters.interfaces.get(usize::from(interface)) {
            counters.tx_packets.add(packets as u64);
            counters.tx_bytes.add(bytes);
        }
    };
    let (egress, ports) = (&lanes.egress[..mbufs.len()], &lanes.port[..mbufs.len()]);
    if sent == mbufs.len() && sent > 0 && egress.iter().all(|interface| *interface == egress[0]) {
        lanes.together = ports.iter().all(|port| *port == ports[0]).then_some(ports[0]);
        return add(egress[0], sent, mbufs.iter().map(|mbuf| u64::from(mbuf.len())).sum());
    }
    for ((mbuf, egress), verdict) in mbufs.iter().zip(egress).zip(&lanes.verdict) {
        if *verdict == Verdict::Transmit {
            add(*egress, 1, mbuf.len().into());
        }
    }
}

/// The common case: neither the frame nor its next link has a tag, so the new header takes the old one's place. False,
/// and nothing changed, when the packet expires or is too large.
#[inline]
fn untagged(pool: &mut Pool, mbuf: &mut Mbuf, adjacency: &Adjacency) -> bool {
    let frame = pool.frame_mut(mbuf);
    let Some(template) = adjacency.header.first_chunk::<{ ethernet::HEADER_LEN }>() else { return false };
    let Some(headers) = frame.first_chunk_mut::<HEADERS4>() else { return false };
    let total = if headers[ethernet::HEADER_LEN] >> 4 == 6 {
        let Some(headers) = frame.first_chunk_mut::<HEADERS6>() else { return false };
        let Some(total) = headers.last_chunk_mut().and_then(|header| age6(header, adjacency.mtu)) else { return false };
        headers[..12].copy_from_slice(&template[..12]);
        // The template says IPv4; a next hop of either family carries both (RFC 8950).
        headers[12..14].copy_from_slice(&ethernet::ETHERTYPE_IPV6.to_be_bytes());
        total
    } else {
        let Some(total) = headers.last_chunk_mut().and_then(|header| age4(header, adjacency.mtu)) else { return false };
        headers[..14].copy_from_slice(template);
        total
    };
    // What follows the packet is padding of the link it came from.
    mbuf.truncate(ethernet::HEADER_LEN as u16 + total);
    true
}

/// A packet of which something is to be asked or told first, or with a tag before or after.
#[inline(never)]
fn careful(snapshot: &Snapshot, state: &mut State, mbuf: &mut Mbuf, (ingress, l3): (u16, usize), slot: u32) -> bool {
    if state.adjacencies.slot(slot).report_use {
        resolution::report_use(state, slot);
    }
    let adjacency = state.adjacencies.slot(slot);
    if adjacency.key.interface == ingress
        && snapshot.interfaces.get(usize::from(ingress)).is_none_or(|there| there.redirects)
    {
        return false;
    }
    tagged(&mut state.pool, mbuf, l3, adjacency)
}

/// Any header before, any header after.
fn tagged(pool: &mut Pool, mbuf: &mut Mbuf, l3: usize, adjacency: &Adjacency) -> bool {
    let header_len = usize::from(adjacency.header_len);
    if header_len > l3 && usize::from(mbuf.offset()) < header_len - l3 {
        return false;
    }
    let Some(packet) = pool.frame_mut(mbuf).get_mut(l3..) else { return false };
    // Both families come in one burst, and which it is stands in the first byte.
    let six = packet.first().is_some_and(|first| first >> 4 == 6);
    let aged = if six {
        packet.first_chunk_mut().and_then(|header| age6(header, adjacency.mtu))
    } else {
        packet.first_chunk_mut().and_then(|header| age4(header, adjacency.mtu))
    };
    let Some(total) = aged else { return false };
    mbuf.truncate(l3 as u16 + total);
    if header_len <= l3 {
        mbuf.trim_front((l3 - header_len) as u16);
    } else if !pool.prepend(mbuf, (header_len - l3) as u16) {
        return false;
    }
    let frame = pool.frame_mut(mbuf);
    frame[..header_len].copy_from_slice(&adjacency.header[..header_len]);
    if six {
        frame[header_len - 2..header_len].copy_from_slice(&ethernet::ETHERTYPE_IPV6.to_be_bytes());
    }
    true
}

/// Takes a hop off an IPv4 packet and returns its length; `None`, and nothing changed, when it expires or is too large.
#[inline]
fn age4(header: &mut [u8; ipv4::HEADER_LEN], mtu: u16) -> Option<u16> {
    let total = ipv4::total_len(header);
    if total > mtu || ipv4::ttl(header) <= 1 {
        return None;
    }
    ipv4::decrement_ttl(header);
    Some(total)
}

/// The same for IPv6.
#[inline]
fn age6(header: &mut [u8; ipv6::HEADER_LEN], mtu: u16) -> Option<u16> {
    let total = ipv6::total_len(header);
    if total > u32::from(ipv6::link_mtu(mtu)) || ipv6::hop_limit(header) <= 1 {
        return None;
    }
    ipv6::decrement_hop_limit(header);
    Some(total as u16)
}
