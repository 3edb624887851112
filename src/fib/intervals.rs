//! The FIB of a small table, of either family: the intervals of addresses that share a next hop, searched by halves.
//!
//! A few bytes an interval, so that a VRF with ten routes costs a few hundred bytes. Immutable: a change makes a new
//! one.

use std::hint::select_unpredictable;

use super::address::Address;
use super::next_hop::NextHopIndex;
use super::prefixes::{Prefixes, flatten};

/// Destinations whose searches go side by side.
const TOGETHER: usize = 32;

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
        let mut next_hop = [NextHopIndex::NO_ROUTE];
        self.together(&[destination], &mut next_hop);
        next_hop[0]
    }

    /// The next hops of several destinations, whose searches go side by side.
    #[inline]
    pub fn lookup_burst(&self, destinations: &[A], next_hops: &mut [NextHopIndex]) {
        let (whole, rest) = destinations.as_chunks::<TOGETHER>();
        let (found, found_rest) = next_hops.as_chunks_mut::<TOGETHER>();
        for (destinations, next_hops) in whole.iter().zip(found) {
            self.together(destinations, next_hops);
        }
        if !rest.is_empty() {
            self.together(rest, found_rest);
        }
    }

    /// Looks up at most `TOGETHER` destinations: one halving of each, then the next.
    #[inline(always)]
    fn together(&self, destinations: &[A], next_hops: &mut [NextHopIndex]) {
        // The number of the first interval that does not end before the destination. There is one: the last.
        let mut firsts = [0u32; TOGETHER];
        let mut left = self.ends.len();
        while left > 1 {
            let half = left / 2;
            for (first, &destination) in firsts.iter_mut().zip(destinations) {
                let behind = *first + half as u32;
                // No branch: half of them would be mispredicted.
                *first = select_unpredictable(self.ends[behind as usize - 1] < destination, behind, *first);
            }
            left -= half;
        }
        for (next_hop, &first) in next_hops.iter_mut().zip(&firsts) {
            *next_hop = self.next_hops[first as usize];
        }
    }

    /// Bytes of the intervals.
    pub fn memory_bytes(&self) -> usize {
        size_of_val(&*self.ends) + size_of_val(&*self.next_hops)
    }
}
