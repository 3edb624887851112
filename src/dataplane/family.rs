//! Where the two families of addresses differ for stage 2, and the keys of their route caches. An address is a number in host
//! byte order: `u32` or `u128`.

use super::counters::{CacheCounters, WorkerCounters};
use super::lanes::{Lanes, Verdict};
use super::message::NeighborKey;
use super::snapshot::Vrf;
use super::state::State;
use crate::fib::address::Address;
use crate::fib::cache::{CacheKey, RouteCache, fold};
use crate::fib::next_hop::NextHopIndex;
use crate::wire::ipv6;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A family, by its addresses.
pub trait Family: Address {
    /// What the input stage says of its plain packets.
    const LOOKUP: Verdict;

    /// The destination of the packet at a place of the burst.
    fn destination(lanes: &Lanes, at: usize, frame: &[u8]) -> Self;
    /// The source of a packet that begins at its IP header.
    fn source(packet: &[u8]) -> Self;
    /// The next hop of this destination in the tables of a VRF.
    fn lookup(self, tables: &Vrf) -> NextHopIndex;
    /// The same for a burst.
    fn lookup_burst(tables: &Vrf, destinations: &[Self], found: &mut [NextHopIndex]);
    /// The address as others write it.
    fn to_ip(self) -> IpAddr;
    /// The neighbor that has this address on the link of an interface.
    fn on_link(self, interface: u16) -> NeighborKey;
    /// Both halves of the address.
    fn halves(self) -> [u64; 2];
    /// The family's route cache.
    fn cache(state: &mut State) -> &mut Option<RouteCache<RouteKey<Self>, u32>>;
    /// The route cache's counters.
    fn counters(counters: &WorkerCounters) -> &CacheCounters;
}

/// What a decision depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RouteKey<A> {
    /// The destination.
    pub destination: A,
    /// The source, where the interface checks it; else 0, which no packet has that gets this far.
    pub source: A,
    /// The flow's hash, while there are path lists of several; else 0.
    pub flow: u32,
    /// The VRF; where the source is checked, the interface.
    pub place: u16,
}

impl<A: Family> Default for RouteKey<A> {
    fn default() -> Self {
        Self { destination: A::FIRST, source: A::FIRST, flow: 0, place: 0 }
    }
}

impl<A: Family> CacheKey for RouteKey<A> {
    #[inline]
    fn hash(&self, [first, second, third]: [u64; 3]) -> u64 {
        let ([high, low], [source_high, source_low]) = (self.destination.halves(), self.source.halves());
        let rest = u64::from(self.flow) << 16 | u64::from(self.place);
        if A::BITS == 32 {
            // Both addresses in one word.
            return fold(fold((low << 32 | source_low) ^ first, rest ^ second), third);
        }
        let destination = fold(high ^ first, low ^ second);
        let source = fold(source_high ^ second, source_low ^ third);
        fold(fold(destination ^ source.rotate_left(32) ^ first, rest ^ second), third)
    }
}

impl Family for u32 {
    const LOOKUP: Verdict = Verdict::Lookup;

    #[inline]
    fn destination(lanes: &Lanes, at: usize, _frame: &[u8]) -> Self {
        lanes.destination[at]
    }

    #[inline]
    fn source(packet: &[u8]) -> Self {
        packet.get(12..).and_then(|header| header.first_chunk()).map_or(0, |source| Self::from_be_bytes(*source))
    }

    #[inline]
    fn lookup(self, tables: &Vrf) -> NextHopIndex {
        tables.ipv4.lookup(self)
    }

    #[inline]
    fn lookup_burst(tables: &Vrf, destinations: &[Self], found: &mut [NextHopIndex]) {
        tables.ipv4.lookup_burst(destinations, found);
    }

    #[inline]
    fn to_ip(self) -> IpAddr {
        Ipv4Addr::from_bits(self).into()
    }

    #[inline]
    fn on_link(self, interface: u16) -> NeighborKey {
        NeighborKey::v4(interface, Ipv4Addr::from_bits(self))
    }

    #[inline]
    fn halves(self) -> [u64; 2] {
        [0, u64::from(self)]
    }

    #[inline]
    fn cache(state: &mut State) -> &mut Option<RouteCache<RouteKey<Self>, u32>> {
        &mut state.cache4
    }

    #[inline]
    fn counters(counters: &WorkerCounters) -> &CacheCounters {
        &counters.cache4
    }
}

impl Family for u128 {
    const LOOKUP: Verdict = Verdict::Lookup6;

    #[inline]
    fn destination(lanes: &Lanes, at: usize, frame: &[u8]) -> Self {
        let header = frame.get(usize::from(lanes.l3[at])..).and_then(|packet| packet.first_chunk());
        header.map_or(0, ipv6::destination_bits)
    }

    #[inline]
    fn source(packet: &[u8]) -> Self {
        packet.get(8..).and_then(|header| header.first_chunk()).map_or(0, |source| Self::from_be_bytes(*source))
    }

    #[inline]
    fn lookup(self, tables: &Vrf) -> NextHopIndex {
        tables.ipv6.lookup(self)
    }

    #[inline]
    fn lookup_burst(tables: &Vrf, destinations: &[Self], found: &mut [NextHopIndex]) {
        tables.ipv6.lookup_burst(destinations, found);
    }

    #[inline]
    fn to_ip(self) -> IpAddr {
        Ipv6Addr::from_bits(self).into()
    }

    #[inline]
    fn on_link(self, interface: u16) -> NeighborKey {
        NeighborKey::v6(interface, Ipv6Addr::from_bits(self))
    }

    #[inline]
    fn halves(self) -> [u64; 2] {
        [(self >> 64) as u64, self as u64]
    }

    #[inline]
    fn cache(state: &mut State) -> &mut Option<RouteCache<RouteKey<Self>, u32>> {
        &mut state.cache6
    }

    #[inline]
    fn counters(counters: &WorkerCounters) -> &CacheCounters {
        &counters.cache6
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRETS: [u64; 3] = [0x1234_5678_9abc_def1, 0x0fed_cba9_8765_4321, 0x9e37_79b9_7f4a_7c15];

    /// How many of 256 slots the keys of 512 packets fall into.
    fn slots<A: Family>(key: impl Fn(u32) -> RouteKey<A>) -> usize {
        let slots: std::collections::HashSet<u64> = (0..512).map(|at| key(at).hash(SECRETS) >> 56).collect();
        slots.len()
    }

    #[test]
    fn every_part_of_a_key_moves_its_slot() {
        let six = RouteKey::<u128>::default();
        // 512 random keys leave about e^-2 of 256 slots empty.
        for shift in [0, 32, 64, 96] {
            assert!(slots(|at| RouteKey { destination: u128::from(at) << shift, ..six }) > 180, "destination {shift}");
            assert!(slots(|at| RouteKey { source: u128::from(at) << shift, ..six }) > 180, "source {shift}");
        }
        assert!(slots(|at| RouteKey { flow: at, ..six }) > 180);
        assert!(slots(|at| RouteKey { place: at as u16, ..six }) > 180);
        assert!(slots(|at| RouteKey { destination: at, ..RouteKey::<u32>::default() }) > 180);
        assert!(slots(|at| RouteKey { source: at, ..RouteKey::<u32>::default() }) > 180);
    }

    #[test]
    fn source_and_destination_are_not_exchangeable() {
        let (one, other) = (7u128 << 64 | 9, 11u128 << 64 | 13);
        let key = |destination, source| RouteKey { destination, source, flow: 0, place: 0 }.hash(SECRETS);
        assert_ne!(key(one, other), key(other, one));
    }
}
