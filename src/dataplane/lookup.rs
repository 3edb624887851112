//! Stage 2 of `l3`: from the destination to the neighbor, by the route cache or by FIB, next hop and adjacency.

use super::adjacency::Resolution;
use super::lanes::{Lanes, Verdict};
use super::message::NeighborKey;
use super::snapshot::Snapshot;
use super::state::State;
use crate::fib::next_hop::{NextHop, NextHopIndex, Paths};
use ringway_mempool::BURST;
use std::net::Ipv4Addr;

/// Decides for every packet of the burst that is to be looked up.
pub fn run(snapshot: &Snapshot, state: &mut State, count: usize, lanes: &mut Lanes) {
    let (epoch, tick) = (state.epoch, state.tick());
    let mut missed = [0u8; BURST];
    let mut destinations = [0u32; BURST];
    let (mut misses, mut asked) = (0, 0u64);
    for at in 0..count.min(BURST) {
        if lanes.verdict[at] != Verdict::Lookup {
            continue;
        }
        asked += 1;
        let cached = state.cache.as_mut().and_then(|cache| cache.probe(lanes.destination[at], epoch, tick));
        if let Some(slot) = cached {
            lanes.slot[at] = slot;
            lanes.verdict[at] = Verdict::Rewrite;
        } else {
            missed[misses] = at as u8;
            destinations[misses] = lanes.destination[at];
            misses += 1;
        }
    }
    state.link.counters.cache_hits.add(asked - misses as u64);
    state.link.counters.cache_misses.add(misses as u64);
    let mut found = [NextHopIndex::NO_ROUTE; BURST];
    let vrf = snapshot.vrf_of(lanes.ingress[usize::from(missed[0])]);
    if let Some(tables) = snapshot.vrfs.get(usize::from(vrf)) {
        tables.ipv4.lookup_burst(&destinations[..misses], &mut found[..misses]);
    }
    for miss in 0..misses {
        let at = usize::from(missed[miss]);
        let destination = destinations[miss];
        // Interfaces of several VRFs can share a port.
        let other = snapshot.vrf_of(lanes.ingress[at]) != vrf;
        let resolved = if other { None } else { resolve(snapshot, state, found[miss], destination) };
        lanes.verdict[at] = match resolved {
            Some(slot) => {
                lanes.slot[at] = slot;
                if let Some(cache) = &mut state.cache {
                    cache.fill(destination, epoch, tick, slot);
                }
                Verdict::Rewrite
            }
            // Everything that is not a resolved neighbor: delivery, no route, a neighbor that has to be asked for.
            None => Verdict::Exception,
        };
    }
}

/// The slot of the neighbor that a destination goes to, when there is one and it is resolved.
#[inline]
fn resolve(snapshot: &Snapshot, state: &mut State, index: NextHopIndex, destination: u32) -> Option<u32> {
    let Some(Paths::One(next_hop)) = snapshot.next_hops.get(usize::from(index.0))? else { return None };
    let resolution = match next_hop {
        NextHop::Gateway { interface, address } => {
            let key = NeighborKey::new(*interface, *address);
            state.adjacencies.resolve_gateway(index.0, key)
        }
        NextHop::Connected { interface } => {
            state.adjacencies.resolve(NeighborKey::v4(*interface, Ipv4Addr::from_bits(destination)))
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
