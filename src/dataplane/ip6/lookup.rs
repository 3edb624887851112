//! The IPv6 half of stage 2: from the destination to the neighbor, by FIB, next hop and adjacency.

use crate::dataplane::adjacency::Resolution;
use crate::dataplane::lanes::{Lanes, Verdict};
use crate::dataplane::message::NeighborKey;
use crate::dataplane::snapshot::Snapshot;
use crate::dataplane::state::State;
use crate::fib::next_hop::{NextHop, NextHopIndex, Paths};
use crate::wire::ipv6;
use ringway_mempool::{BURST, Burst};
use std::net::Ipv6Addr;

/// Decides for every IPv6 packet of the burst that is to be looked up.
pub fn run(snapshot: &Snapshot, state: &mut State, burst: &Burst, lanes: &mut Lanes) {
    let mut places = [0u8; BURST];
    let mut destinations = [0u128; BURST];
    let mut count = 0;
    for (at, mbuf) in burst.as_slice().iter().enumerate().take(BURST) {
        if lanes.verdict[at] == Verdict::Lookup6 {
            let packet = state.pool.frame(mbuf).get(usize::from(lanes.l3[at])..);
            let header = packet.and_then(|packet| packet.first_chunk());
            places[count] = at as u8;
            destinations[count] = header.map_or(0, ipv6::destination_bits);
            count += 1;
        }
    }
    if count == 0 {
        return;
    }
    let mut found = [NextHopIndex::NO_ROUTE; BURST];
    let vrf = snapshot.vrf_of(lanes.ingress[usize::from(places[0])]);
    if let Some(tables) = snapshot.vrfs.get(usize::from(vrf)) {
        tables.ipv6.lookup_burst(&destinations[..count], &mut found[..count]);
    }
    for number in 0..count {
        let at = usize::from(places[number]);
        // Interfaces of several VRFs can share a port.
        let other = snapshot.vrf_of(lanes.ingress[at]) != vrf;
        let slot = if other { None } else { resolve(snapshot, state, found[number], destinations[number]) };
        lanes.verdict[at] = match slot {
            Some(slot) => {
                lanes.slot[at] = slot;
                Verdict::Rewrite
            }
            None => Verdict::Exception,
        };
    }
}

/// The slot of the neighbor that a destination goes to, when there is one and it is resolved.
#[inline]
fn resolve(snapshot: &Snapshot, state: &mut State, index: NextHopIndex, destination: u128) -> Option<u32> {
    let Some(Paths::One(next_hop)) = snapshot.next_hops.get(usize::from(index.0))? else { return None };
    let resolution = match next_hop {
        NextHop::Gateway { interface, address } => {
            state.adjacencies.resolve_gateway(index.0, NeighborKey::new(*interface, *address))
        }
        NextHop::Connected { interface } => {
            state.adjacencies.resolve(NeighborKey::v6(*interface, Ipv6Addr::from_bits(destination)))
        }
        NextHop::Vrf { .. }
        | NextHop::Deliver { .. }
        | NextHop::Broadcast { .. }
        | NextHop::Blackhole
        | NextHop::Unreachable
        | NextHop::Prohibit => return None,
    };
    match resolution {
        Resolution::Ready(slot) => Some(slot),
        Resolution::Waiting(_) | Resolution::Unknown => None,
    }
}
