//! Stage 3 of `l3`: a second of life less, the checksum that goes with it, and the next hop's Ethernet header.

use super::lanes::{Lanes, Verdict};
use super::resolution;
use super::snapshot::Snapshot;
use super::state::State;
use crate::wire::ipv4;
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
        let Some(header) = state.pool.frame_mut(mbuf).get_mut(l3..).and_then(|packet| packet.first_chunk_mut()) else {
            continue;
        };
        let total = ipv4::total_len(header);
        if total > adjacency.mtu || ipv4::ttl(header) <= 1 {
            continue;
        }
        ipv4::decrement_ttl(header);
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
        if let Some(interface) = state.link.counters.interfaces.get(usize::from(adjacency.key.interface)) {
            interface.tx_packets.add(1);
            interface.tx_bytes.add(frame.len() as u64);
        }
        lanes.port[at] = adjacency.port;
        lanes.verdict[at] = Verdict::Transmit;
    }
}
