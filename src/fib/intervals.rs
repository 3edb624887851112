//! The FIB of a small table, of either family: the intervals of addresses that share a next hop, searched by halves.
//!
//! A few bytes an interval, so that a VRF with ten routes costs a few hundred bytes. Immutable: a change makes a new
//! one. At a thousand routes it is slower than the large form: whether the search compiles to branches is to be looked at.

use super::address::Address;
use super::next_hop::NextHopIndex;
use super::prefixes::{Prefixes, flatten};

/// Intervals in address order; the last one ends at the last address.
#[derive(Debug)]
pub struct Intervals<A> {
    ends: Box<[A]>,
    next_hops: Box<[NextHopIndex]>,
}

impl<A: Address> Intervals<A> {
    /// The intervals of these routes.
    pub fn new(prefixes: &Prefixes<A>) -> Self {
        let (mut ends, mut next_hops) = (Vec::new(), Vec::new());
        flatten(prefixes.iter(), (A::FIRST, A::LAST), NextHopIndex::NO_ROUTE, |end, next_hop| {
            ends.push(end);
            next_hops.push(next_hop);
        });
        Self { ends: ends.into(), next_hops: next_hops.into() }
    }

    /// The next hop of the interval that contains `destination`.
    #[inline]
    pub fn lookup(&self, destination: A) -> NextHopIndex {
        // The number of the first interval that does not end before the destination. There is one: the last.
        let mut first = 0;
        let mut left = self.ends.len();
        while left > 1 {
            let half = left / 2;
            first += if self.ends[first + half - 1] < destination { half } else { 0 };
            left -= half;
        }
        self.next_hops[first]
    }

    /// The next hops of several destinations, whose searches overlap.
    #[inline]
    pub fn lookup_burst(&self, destinations: &[A], next_hops: &mut [NextHopIndex]) {
        for (next_hop, &destination) in next_hops.iter_mut().zip(destinations) {
            *next_hop = self.lookup(destination);
        }
    }

    /// Bytes of the intervals.
    pub fn memory_bytes(&self) -> usize {
        size_of_val(&*self.ends) + size_of_val(&*self.next_hops)
    }
}
