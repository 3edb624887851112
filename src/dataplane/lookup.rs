//! Stage 2 of `l3`: from the destination to the neighbor, by the route cache or by FIB, path list and adjacency.
//!
//! The route cache is asked first, while it is in use. What it does not know is looked up as a burst: the FIB for all
//! destinations of a VRF, then for each packet the path list, of several paths the one that the flow's hash says, the
//! source check where the interface asks for one, and the adjacency. Anything but a resolved neighbor is left to the
//! exceptional way.

use super::adjacency::Resolution;
use super::flow;
use super::lanes::{Lanes, Verdict};
use super::message::NeighborKey;
use super::snapshot::Snapshot;
use super::source_check;
use super::state::{RouteKey, State};
use crate::fib::cache::RouteCache;
use crate::fib::next_hop::{NextHop, NextHopIndex};
use crate::fib::path_table::Kind;
use ringway_mempool::{BURST, Burst, Mbuf};
use std::net::Ipv4Addr;

/// What the packets of a burst that the cache does not know have in common, side by side.
struct Missed {
    at: [u8; BURST],
    destinations: [u32; BURST],
    count: usize,
}

/// Decides for every packet of the burst that is to be looked up.
pub fn run(snapshot: &Snapshot, state: &mut State, burst: &Burst, lanes: &mut Lanes) {
    let mbufs = burst.as_slice();
    // Read before anything is looked up: what changes meanwhile makes the entries filled below stale.
    let generation = state.epoch.wrapping_add(snapshot.paths.generation());
    let caching = state.cache.as_ref().is_some_and(RouteCache::is_used);
    let mut missed = Missed { at: [0; BURST], destinations: [0; BURST], count: 0 };
    let mut keys = [RouteKey::default(); BURST];
    let mut asked = 0u64;
    for (at, mbuf) in mbufs.iter().enumerate().take(BURST) {
        if lanes.verdict[at] != Verdict::Lookup {
            continue;
        }
        asked += 1;
        if caching {
            keys[at] = key(snapshot, state, lanes, at, mbuf);
            let tick = state.tick();
            let cached = state.cache.as_mut().and_then(|cache| cache.probe(keys[at], generation, tick));
            if let Some(slot) = cached {
                lanes.slot[at] = slot;
                lanes.verdict[at] = Verdict::Rewrite;
                continue;
            }
        }
        missed.at[missed.count] = at as u8;
        missed.destinations[missed.count] = lanes.destination[at];
        missed.count += 1;
    }
    if caching {
        state.link.counters.cache_hits.add(asked - missed.count as u64);
        state.link.counters.cache_misses.add(missed.count as u64);
    }
    if missed.count == 0 {
        return;
    }
    let mut found = [NextHopIndex::NO_ROUTE; BURST];
    look_up(snapshot, lanes, &missed, &mut found);
    for (&at, &index) in missed.at.iter().zip(&found).take(missed.count) {
        let at = usize::from(at);
        let decided = decide(snapshot, state, lanes, at, &mbufs[at], index);
        lanes.verdict[at] = match decided {
            Some(slot) => {
                lanes.slot[at] = slot;
                if caching {
                    let tick = state.tick();
                    if let Some(cache) = &mut state.cache {
                        cache.fill(keys[at], generation, tick, slot);
                    }
                }
                Verdict::Rewrite
            }
            // Everything that is not a resolved neighbor: delivery, no route, a neighbor that has to be asked for.
            None => Verdict::Exception,
        };
    }
}

/// What the decision about a packet depends on: where it is going and, only if that can matter, where it is from and
/// which flow it is of.
#[inline]
fn key(snapshot: &Snapshot, state: &State, lanes: &Lanes, at: usize, mbuf: &Mbuf) -> RouteKey {
    let ingress = lanes.ingress[at];
    let mut key =
        RouteKey { destination: lanes.destination[at], place: snapshot.vrf_of(ingress), ..RouteKey::default() };
    if snapshot.paths.has_lists() {
        key.flow = flow_of(snapshot, state, lanes, at, mbuf);
    }
    if snapshot.checks_sources(ingress) {
        (key.source, key.place) = (source_of(state, lanes, at, mbuf), ingress);
    }
    key
}

/// The FIB of each packet's VRF. Nearly always it is the same for all: then it is one burst.
#[inline]
fn look_up(snapshot: &Snapshot, lanes: &Lanes, missed: &Missed, found: &mut [NextHopIndex; BURST]) {
    let (destinations, places) = (&missed.destinations[..missed.count], &missed.at[..missed.count]);
    let vrf = snapshot.vrf_of(lanes.ingress[usize::from(missed.at[0])]);
    if let Some(tables) = snapshot.vrfs.get(usize::from(vrf)) {
        tables.ipv4.lookup_burst(destinations, &mut found[..missed.count]);
    }
    if snapshot.vrfs.len() == 1 {
        return;
    }
    for ((found, &at), &destination) in found.iter_mut().zip(places).zip(destinations) {
        let other = snapshot.vrf_of(lanes.ingress[usize::from(at)]);
        if other != vrf {
            *found = snapshot
                .vrfs
                .get(usize::from(other))
                .map_or(NextHopIndex::NO_ROUTE, |vrf| vrf.ipv4.lookup(destination));
        }
    }
}

/// The slot of the neighbor that a packet goes to, when there is one, it is resolved, and the source may come in.
#[inline]
fn decide(
    snapshot: &Snapshot,
    state: &mut State,
    lanes: &Lanes,
    at: usize,
    mbuf: &Mbuf,
    index: NextHopIndex,
) -> Option<u32> {
    if snapshot.checks_sources(lanes.ingress[at]) {
        let source = Ipv4Addr::from_bits(source_of(state, lanes, at, mbuf));
        if !source_check::passes(snapshot, lanes.ingress[at], source.into()) {
            return None;
        }
    }
    let (mut index, mut head) = snapshot.paths.pick(index, || flow_of(snapshot, state, lanes, at, mbuf));
    if head.kind() == Kind::Vrf {
        // Leaked from another VRF: followed there at once, so that it costs a lookup more and no exception.
        let flow = flow_of(snapshot, state, lanes, at, mbuf);
        (index, head) = snapshot.leak4(head.place(), lanes.destination[at], flow)?;
    }
    let destination = lanes.destination[at];
    let resolution = match head.kind() {
        Kind::Gateway4 | Kind::Gateway6 => {
            state.adjacencies.resolve_gateway(index, head.life(), || match snapshot.paths.decode(index, head) {
                Some(NextHop::Gateway { interface, address }) => Some(NeighborKey::new(interface, address)),
                _ => None,
            })
        }
        Kind::Connected => state.adjacencies.resolve(NeighborKey::v4(head.place(), Ipv4Addr::from_bits(destination))),
        Kind::None
        | Kind::Many
        | Kind::Vrf
        | Kind::Deliver
        | Kind::Broadcast
        | Kind::Blackhole
        | Kind::Unreachable
        | Kind::Prohibit => return None,
    };
    match resolution {
        Resolution::Ready(slot) => Some(slot),
        Resolution::Waiting(_) | Resolution::Unknown => None,
    }
}

/// The packet's source, host byte order; the input stage has checked that the header is there.
#[inline]
fn source_of(state: &State, lanes: &Lanes, at: usize, mbuf: &Mbuf) -> u32 {
    let header = state.pool.frame(mbuf).get(usize::from(lanes.l3[at]) + 12..);
    header.and_then(|header| header.first_chunk()).map_or(0, |source| u32::from_be_bytes(*source))
}

#[inline]
fn flow_of(snapshot: &Snapshot, state: &State, lanes: &Lanes, at: usize, mbuf: &Mbuf) -> u32 {
    flow::of(snapshot.seed, state.pool.frame(mbuf).get(usize::from(lanes.l3[at])..).unwrap_or(&[]))
}
