//! The routes of one FIB as its writer keeps them: each prefix with its next hop, in address order.
//!
//! In that order, shorter before longer, every prefix follows the ones that contain it, so one walk with a stack
//! turns routes into the intervals of addresses that share a next hop ([`flatten`]). All lookup structures are made
//! from those.

use std::collections::BTreeMap;
use std::ops::Bound;

use super::address::Address;
use super::next_hop::NextHopIndex;

/// A prefix: its network address and its length in bits.
pub type Prefix<A> = (A, u8);

/// What [`Prefixes::walk`] comes by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step<A> {
    /// A prefix and its next hop.
    Prefix(Prefix<A>, NextHopIndex),
    /// A network with longer prefixes in it.
    Longer(A),
}

/// Each prefix once, in address order, shorter before longer.
#[derive(Debug, Clone)]
pub struct Prefixes<A> {
    routes: BTreeMap<Prefix<A>, NextHopIndex>,
}

impl<A: Address> Prefixes<A> {
    /// None.
    pub fn new() -> Self {
        Self { routes: BTreeMap::new() }
    }

    /// Sets the next hop of a prefix; returns the one before.
    pub fn insert(&mut self, prefix: Prefix<A>, next_hop: NextHopIndex) -> Option<NextHopIndex> {
        self.routes.insert(prefix, next_hop)
    }

    /// Removes a prefix; returns its next hop.
    pub fn remove(&mut self, prefix: Prefix<A>) -> Option<NextHopIndex> {
        self.routes.remove(&prefix)
    }

    /// Sets the next hop of a prefix, or removes it; returns the one before.
    pub fn set(&mut self, prefix: Prefix<A>, next_hop: Option<NextHopIndex>) -> Option<NextHopIndex> {
        match next_hop {
            Some(next_hop) => self.insert(prefix, next_hop),
            None => self.remove(prefix),
        }
    }

    /// The next hop of exactly this prefix.
    pub fn get(&self, prefix: Prefix<A>) -> Option<NextHopIndex> {
        self.routes.get(&prefix).copied()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.routes.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.routes.is_empty()
    }

    /// Every prefix with its next hop, in order.
    pub fn iter(&self) -> impl Iterator<Item = (Prefix<A>, NextHopIndex)> + '_ {
        self.routes.iter().map(|(&prefix, &next_hop)| (prefix, next_hop))
    }

    /// The prefixes inside `prefix`, itself among them, in order.
    pub fn within(&self, (network, length): Prefix<A>) -> impl Iterator<Item = (Prefix<A>, NextHopIndex)> + '_ {
        let last = (network.broadcast(length), A::BITS);
        self.routes.range((network, length)..=last).map(|(&prefix, &next_hop)| (prefix, next_hop))
    }

    /// Visits the prefixes inside `prefix`, itself among them, in order, those longer than `longest` only once for each network of
    /// `longest` bits.
    pub fn walk(&self, (network, length): Prefix<A>, longest: u8, mut visit: impl FnMut(Step<A>)) {
        let last = (network.broadcast(length), A::BITS);
        let mut from = Some((network, length));
        while let Some(start) = from.take().filter(|start| *start <= last) {
            for (&(network, length), &next_hop) in self.routes.range(start..=last) {
                if length > longest {
                    visit(Step::Longer(network.network(longest)));
                    from = network.broadcast(longest).next().map(|next| (next, 0));
                    break;
                }
                visit(Step::Prefix((network, length), next_hop));
            }
        }
    }

    /// The longest prefix that contains `prefix` and is not `prefix` itself.
    ///
    /// The entry before it in order either contains it or shares some leading bits with it, and then whatever
    /// contains it is no longer than those: a few steps, however long the prefix.
    pub fn parent(&self, prefix: Prefix<A>) -> Option<(Prefix<A>, NextHopIndex)> {
        let mut bound = Bound::Excluded(prefix);
        loop {
            let (&(network, length), &next_hop) = self.routes.range((Bound::Unbounded, bound)).next_back()?;
            let common = network.common_bits(prefix.0);
            if common >= length {
                return Some(((network, length), next_hop));
            }
            // Anything that contains the prefix has at most `common` bits: it is this, or comes before.
            bound = Bound::Included((prefix.0.network(common), common));
        }
    }
}

impl<A: Address> Default for Prefixes<A> {
    fn default() -> Self {
        Self::new()
    }
}

impl<A: Address> FromIterator<(Prefix<A>, NextHopIndex)> for Prefixes<A> {
    fn from_iter<I: IntoIterator<Item = (Prefix<A>, NextHopIndex)>>(routes: I) -> Self {
        Self { routes: routes.into_iter().collect() }
    }
}

/// Walks `routes`, given in order and all inside `first..=last`, and calls `emit` with the last address and the next
/// hop of each interval between `first` and `last`, in order. Neighboring intervals with one next hop are one.
/// `outside` is what addresses get that no route covers.
pub fn flatten<A: Address>(
    routes: impl Iterator<Item = (Prefix<A>, NextHopIndex)>,
    (first, last): (A, A),
    outside: NextHopIndex,
    mut emit: impl FnMut(A, NextHopIndex),
) {
    // What covers the address at hand, the innermost last.
    let mut covering = vec![(last, outside)];
    // The interval not yet emitted, because the next one may have the same next hop.
    let mut open: Option<(A, NextHopIndex)> = None;
    let mut push = |end: A, next_hop: NextHopIndex| match &mut open {
        Some(interval) if interval.1 == next_hop => interval.0 = end,
        _ => {
            if let Some((end, next_hop)) = open.replace((end, next_hop)) {
                emit(end, next_hop);
            }
        }
    };
    // The first address that no interval has yet; none behind the last one.
    let mut at = Some(first);
    for ((network, length), next_hop) in routes {
        while let Some(&(end, inner)) = covering.last()
            && end < network
        {
            if at.is_some_and(|at| at <= end) {
                push(end, inner);
                at = end.next();
            }
            covering.pop();
        }
        if let (Some(from), Some(before), Some(&(_, outer))) = (at, network.previous(), covering.last())
            && from < network
        {
            push(before, outer);
            at = Some(network);
        }
        covering.push((network.broadcast(length), next_hop));
    }
    while let Some((end, next_hop)) = covering.pop() {
        if at.is_some_and(|at| at <= end) {
            push(end, next_hop);
            at = end.next();
        }
    }
    if let Some((end, next_hop)) = open {
        emit(end, next_hop);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::fib::oracle::Oracle;

    fn crowded() -> impl Strategy<Value = (Prefix<u32>, NextHopIndex)> {
        (prop_oneof![0u32..16, 0xffff_fff0u32..=u32::MAX, any::<u32>()], 0u8..=32, 1u16..4)
            .prop_map(|(address, length, index)| ((address.network(length), length), NextHopIndex(index)))
    }

    proptest! {
        #[test]
        fn intervals_say_what_the_oracle_says_and_neighbors_differ(routes in prop::collection::vec(crowded(), 0..20)) {
            let prefixes: Prefixes<u32> = routes.iter().copied().collect();
            let mut oracle = Oracle::default();
            for &(prefix, next_hop) in &routes {
                oracle.set(prefix, Some(next_hop));
            }
            let mut intervals = Vec::new();
            flatten(prefixes.iter(), (0, u32::MAX), NextHopIndex::NO_ROUTE, |end, next_hop| intervals.push((end, next_hop)));
            prop_assert_eq!(intervals.last().unwrap().0, u32::MAX);
            let mut first = 0;
            for pair in intervals.windows(2) {
                prop_assert!(pair[0].0 < pair[1].0);
                prop_assert_ne!(pair[0].1, pair[1].1);
            }
            for (end, next_hop) in intervals {
                prop_assert_eq!(oracle.lookup(first), next_hop);
                prop_assert_eq!(oracle.lookup(end), next_hop);
                first = end.wrapping_add(1);
            }
        }

        #[test]
        fn the_parent_is_the_longest_that_contains_a_prefix(
            routes in prop::collection::vec(crowded(), 0..20), (asked, _) in crowded(),
        ) {
            let prefixes: Prefixes<u32> = routes.into_iter().collect();
            let slow = (0..asked.1).rev().find_map(|length| {
                let prefix = (asked.0.network(length), length);
                prefixes.get(prefix).map(|next_hop| (prefix, next_hop))
            });
            prop_assert_eq!(prefixes.parent(asked), slow);
        }
    }
}
