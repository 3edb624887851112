//! The IPv6 half of stage 2: from the destination to the neighbor, by FIB, next hop and adjacency.

use crate::dataplane::adjacency::Resolution;
use crate::dataplane::lanes::{Lanes, Verdict};
use crate::dataplane::message::NeighborKey;
use crate::dataplane::snapshot::Snapshot;
use crate::dataplane::state::State;
use crate::dataplane::{flow, source_check};
use crate::fib::next_hop::{NextHop, NextHopIndex};
use crate::fib::path_table::{Head, Kind};
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
        let other = snapshot.vrf_of(lanes.ingress[at]);
        if other != vrf {
            let tables = snapshot.vrfs.get(usize::from(other));
            found[number] = tables.map_or(NextHopIndex::NO_ROUTE, |tables| tables.ipv6.lookup(destinations[number]));
        }
        let packet = state.pool.frame(&burst.as_slice()[at]).get(usize::from(lanes.l3[at])..).unwrap_or(&[]);
        let way = decide(snapshot, lanes.ingress[at], packet, destinations[number], found[number]);
        let slot = way.and_then(|(index, head)| resolve(snapshot, state, index, head, destinations[number]));
        lanes.verdict[at] = match slot {
            Some(slot) => {
                lanes.slot[at] = slot;
                Verdict::Rewrite
            }
            None => Verdict::Exception,
        };
    }
}

/// The slot of the path table that a packet goes to, when its source may come in.
#[inline]
fn decide(
    snapshot: &Snapshot,
    ingress: u16,
    packet: &[u8],
    destination: u128,
    index: NextHopIndex,
) -> Option<(NextHopIndex, Head)> {
    if snapshot.checks_sources(ingress) {
        let source = packet.get(8..).and_then(|rest| rest.first_chunk::<16>())?;
        if !source_check::passes(snapshot, ingress, Ipv6Addr::from(*source).into()) {
            return None;
        }
    }
    let flow = || flow::of(snapshot.seed, packet);
    match snapshot.paths.pick(index, flow) {
        (_, head) if head.kind() == Kind::Vrf => snapshot.leak6(head.place(), destination, flow()),
        found => Some(found),
    }
}

/// The slot of the neighbor there, when there is one and it is resolved.
#[inline]
fn resolve(snapshot: &Snapshot, state: &mut State, index: NextHopIndex, head: Head, destination: u128) -> Option<u32> {
    let resolution = match head.kind() {
        Kind::Gateway4 | Kind::Gateway6 => {
            state.adjacencies.resolve_gateway(index, head.life(), || match snapshot.paths.decode(index, head) {
                Some(NextHop::Gateway { interface, address }) => Some(NeighborKey::new(interface, address)),
                _ => None,
            })
        }
        Kind::Connected => state.adjacencies.resolve(NeighborKey::v6(head.place(), Ipv6Addr::from_bits(destination))),
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
