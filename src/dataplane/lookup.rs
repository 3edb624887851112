//! Stage 2 of `l3`: from the destination to the neighbor, by the route cache or by FIB, path list and adjacency.
//!
//! One shape for both families ([`Family`] says where they differ). The route cache is asked first, while it is in use. What
//! it does not know is looked up as a burst: the FIB for all destinations of a VRF, then for each packet the path list, of
//! several paths the one that the flow's hash says, the source check where the interface asks for one, and the adjacency.
//! Anything but a resolved neighbor is left to the exceptional way.

use super::adjacency::Resolution;
use super::family::{Family, RouteKey};
use super::flow;
use super::lanes::{Lanes, Verdict};
use super::message::NeighborKey;
use super::snapshot::Snapshot;
use super::source_check;
use super::state::State;
use crate::fib::cache::RouteCache;
use crate::fib::next_hop::{NextHop, NextHopIndex};
use crate::fib::path_table::Kind;
use ringway_mempool::{BURST, Burst, Mbuf};

/// The packets of a burst that the cache does not know, side by side.
struct Missed<A> {
    at: [u8; BURST],
    destinations: [A; BURST],
    count: usize,
}

impl<A> Missed<A> {
    #[inline]
    fn push(&mut self, at: usize, destination: A) {
        self.at[self.count] = at as u8;
        self.destinations[self.count] = destination;
        self.count += 1;
    }
}

/// Decides for every packet of this family in the burst that is to be looked up; returns how many those are.
pub fn run<A: Family>(snapshot: &Snapshot, state: &mut State, burst: &Burst, lanes: &mut Lanes) -> usize {
    let mbufs = burst.as_slice();
    // Read before anything is looked up: what changes meanwhile makes the entries filled below stale.
    let generation = state.epoch.wrapping_add(snapshot.paths.generation());
    let caching = A::cache(state).as_ref().is_some_and(RouteCache::is_used);
    let mut missed = Missed { at: [0; BURST], destinations: [A::FIRST; BURST], count: 0 };
    let asked = if caching {
        ask_cache(snapshot, state, mbufs, lanes, generation, &mut missed)
    } else {
        for (at, mbuf) in mbufs.iter().enumerate().take(BURST) {
            if lanes.verdict[at] == A::LOOKUP {
                missed.push(at, A::destination(lanes, at, state.pool.frame(mbuf)));
            }
        }
        missed.count
    };
    if missed.count == 0 {
        return asked;
    }
    let mut found = [NextHopIndex::NO_ROUTE; BURST];
    look_up(snapshot, lanes, &missed, &mut found);
    let checks_sources = !lanes.same_ingress || snapshot.checks_sources(lanes.ingress[0]);
    for ((&at, &destination), &index) in missed.at.iter().zip(&missed.destinations).zip(&found).take(missed.count) {
        let at = usize::from(at);
        // Nearly every route leads to a gateway that is known.
        let head = snapshot.paths.head(index);
        let known = if checks_sources { None } else { state.adjacencies.known(index, head) };
        let decided = match known {
            Some(slot) => Some(slot),
            None => decide(snapshot, state, lanes, at, &mbufs[at], (destination, index)),
        };
        // Everything that is not a resolved neighbor: delivery, no route, a neighbor that has to be asked for.
        let Some(slot) = decided else {
            lanes.verdict[at] = Verdict::Exception;
            continue;
        };
        (lanes.slot[at], lanes.verdict[at]) = (slot, Verdict::Rewrite);
        if caching {
            let (key, tick) = (key(snapshot, state, lanes, at, &mbufs[at], destination), state.tick());
            if let Some(cache) = A::cache(state) {
                cache.fill(key, generation, tick, slot);
            }
        }
    }
    asked
}

/// Asks the route cache for every packet, and collects those that it does not know; returns how many were asked for.
fn ask_cache<A: Family>(
    snapshot: &Snapshot,
    state: &mut State,
    mbufs: &[Mbuf],
    lanes: &mut Lanes,
    generation: u32,
    missed: &mut Missed<A>,
) -> usize {
    let (mut asked, tick) = (0, state.tick());
    for (at, mbuf) in mbufs.iter().enumerate().take(BURST) {
        if lanes.verdict[at] != A::LOOKUP {
            continue;
        }
        asked += 1;
        let destination = A::destination(lanes, at, state.pool.frame(mbuf));
        let key = key(snapshot, state, lanes, at, mbuf, destination);
        let cached = A::cache(state).as_mut().and_then(|cache| cache.probe(key, generation, tick));
        match cached {
            Some(slot) => (lanes.slot[at], lanes.verdict[at]) = (slot, Verdict::Rewrite),
            None => missed.push(at, destination),
        }
    }
    let counters = A::counters(&state.link.counters);
    counters.hits.add((asked - missed.count) as u64);
    counters.misses.add(missed.count as u64);
    asked
}

/// What the decision about a packet depends on: where it is going and, only if that can matter, where it is from and
/// which flow it is of.
#[inline]
fn key<A: Family>(
    snapshot: &Snapshot,
    state: &State,
    lanes: &Lanes,
    at: usize,
    mbuf: &Mbuf,
    destination: A,
) -> RouteKey<A> {
    let ingress = lanes.ingress[at];
    let mut key = RouteKey { destination, source: A::FIRST, flow: 0, place: snapshot.vrf_of(ingress) };
    if snapshot.paths.has_lists() {
        key.flow = flow_of(snapshot, state, lanes, at, mbuf);
    }
    if snapshot.checks_sources(ingress) {
        (key.source, key.place) = (A::source(packet(state, lanes, at, mbuf)), ingress);
    }
    key
}

/// The FIB of each packet's VRF. Nearly always it is the same for all: then it is one burst.
#[inline]
fn look_up<A: Family>(snapshot: &Snapshot, lanes: &Lanes, missed: &Missed<A>, found: &mut [NextHopIndex; BURST]) {
    let (destinations, places) = (&missed.destinations[..missed.count], &missed.at[..missed.count]);
    let vrf = snapshot.vrf_of(lanes.ingress[usize::from(missed.at[0])]);
    if let Some(tables) = snapshot.vrfs.get(usize::from(vrf)) {
        A::lookup_burst(tables, destinations, &mut found[..missed.count]);
    }
    if snapshot.vrfs.len() == 1 {
        return;
    }
    // Interfaces of several VRFs can share a port.
    for ((found, &at), &destination) in found.iter_mut().zip(places).zip(destinations) {
        let other = snapshot.vrf_of(lanes.ingress[usize::from(at)]);
        if other != vrf {
            let tables = snapshot.vrfs.get(usize::from(other));
            *found = tables.map_or(NextHopIndex::NO_ROUTE, |tables| destination.lookup(tables));
        }
    }
}

/// The slot of the neighbor that a packet goes to, when there is one, it is resolved, and the source may come in.
fn decide<A: Family>(
    snapshot: &Snapshot,
    state: &mut State,
    lanes: &Lanes,
    at: usize,
    mbuf: &Mbuf,
    (destination, index): (A, NextHopIndex),
) -> Option<u32> {
    if snapshot.checks_sources(lanes.ingress[at]) {
        let source = A::source(packet(state, lanes, at, mbuf));
        if !source_check::passes(snapshot, lanes.ingress[at], source.to_ip()) {
            return None;
        }
    }
    let (mut index, mut head) = snapshot.paths.pick(index, || flow_of(snapshot, state, lanes, at, mbuf));
    if head.kind() == Kind::Vrf {
        // Leaked from another VRF: followed there at once, so that it costs a lookup more and no exception.
        let flow = flow_of(snapshot, state, lanes, at, mbuf);
        (index, head) = snapshot.leak(head.place(), flow, |tables| destination.lookup(tables))?;
    }
    let resolution = match head.kind() {
        Kind::Gateway4 | Kind::Gateway6 => match state.adjacencies.known(index, head) {
            Some(slot) => Resolution::Ready(slot),
            None => match snapshot.paths.decode(index, head) {
                Some(NextHop::Gateway { interface, address }) => {
                    state.adjacencies.resolve_gateway(index, head, NeighborKey::new(interface, address))
                }
                _ => return None,
            },
        },
        Kind::Connected => state.adjacencies.resolve(destination.on_link(head.place())),
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

/// The packet from its IP header on; the input stage has checked that the header is there.
#[inline]
fn packet<'a>(state: &'a State, lanes: &Lanes, at: usize, mbuf: &Mbuf) -> &'a [u8] {
    state.pool.frame(mbuf).get(usize::from(lanes.l3[at])..).unwrap_or(&[])
}

#[inline]
fn flow_of(snapshot: &Snapshot, state: &State, lanes: &Lanes, at: usize, mbuf: &Mbuf) -> u32 {
    flow::of(snapshot.seed, packet(state, lanes, at, mbuf))
}
