//! The routes to path lists that went or came, looked for among all routes, a piece at a time.
//!
//! What goes by a next hop stops or starts with one store, in the path table. Which of its routes then make way for others is a
//! question to every route, as none is listed by its next hop: that would cost each change of each route. So it is asked
//! afterwards, in pieces that the control thread can put between its other work.

use ipnet::IpNet;

use super::OfVrf;
use super::table::Entry;
use crate::fib::next_hop::NextHopIndex;

/// Prefixes of a piece: a millisecond or so.
pub(super) const PIECE: usize = 8192;

/// Goes round all prefixes, in their order and from VRF to VRF, until each was looked at since the last [`Sweep::note`].
#[derive(Default)]
pub(super) struct Sweep {
    /// By number: whether routes to this path list are looked for.
    wanted: Vec<bool>,
    /// How many those are at most; none when there is nothing to look for.
    routes: usize,
    /// Looked at last; none at the beginning.
    at: Option<(u16, IpNet)>,
    /// Where the round ends, which is at the end when none.
    until: Option<(u16, IpNet)>,
    /// Whether this round has passed the end and begun anew.
    anew: bool,
}

impl Sweep {
    /// From now on a whole round looks for routes to this path list too, of which there are so many.
    pub fn note(&mut self, index: NextHopIndex, routes: usize) {
        let number = usize::from(index.0);
        if self.wanted.len() <= number {
            self.wanted.resize(number + 1, false);
        }
        self.wanted[number] = true;
        self.routes += routes;
        // Where it is, so that a link that never rests does not keep it from what comes last.
        self.until = self.at;
        self.anew = false;
    }

    /// How many routes there may be that it still looks for.
    pub fn pending(&self) -> usize {
        self.routes
    }

    /// Ends the round.
    pub fn forget(&mut self) {
        *self = Self::default();
    }

    /// Looks at a piece of at most so many prefixes and calls `found` with those that have such a route.
    pub fn go_on(&mut self, vrfs: &[OfVrf], piece: usize, mut found: impl FnMut(u16, IpNet)) {
        let mut left = piece;
        while self.routes > 0 {
            let (first, mut after) = self.at.map_or((0, None), |(vrf, prefix)| (vrf, Some(prefix)));
            for (vrf, tables) in (first..).zip(vrfs.get(usize::from(first)..).unwrap_or(&[])) {
                for (prefix, entries) in tables.after(after.take()) {
                    if left == 0 {
                        return;
                    }
                    if self.anew && self.until.is_some_and(|until| (vrf, prefix) > until) {
                        return self.forget();
                    }
                    left -= 1;
                    self.at = Some((vrf, prefix));
                    if entries.iter().any(|entry| self.wants(entry)) {
                        found(vrf, prefix);
                    }
                }
            }
            if self.anew || self.until.is_none() {
                return self.forget();
            }
            self.anew = true;
            self.at = None;
        }
    }

    fn wants(&self, entry: &Entry) -> bool {
        self.wanted.get(usize::from(entry.via.0)).copied().unwrap_or(false)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;
    use crate::fib::rib::Origin;

    #[derive(Debug, Clone)]
    enum Step {
        Note(u16),
        Piece,
        Add(u16, IpNet, u16),
        Remove(u16, IpNet),
    }

    fn prefix() -> impl Strategy<Value = IpNet> {
        (0u32..8, 28u8..=32, any::<bool>()).prop_map(|(host, length, ipv6)| {
            let (address, length) = if ipv6 {
                (std::net::Ipv6Addr::from_bits(host.into()).into(), length + 96)
            } else {
                (std::net::IpAddr::V4(host.into()), length)
            };
            IpNet::new(address, length).unwrap().trunc()
        })
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            2 => (1u16..4).prop_map(Step::Note),
            4 => Just(Step::Piece),
            3 => (0u16..3, prefix(), 1u16..4).prop_map(|(vrf, prefix, via)| Step::Add(vrf, prefix, via)),
            1 => (0u16..3, prefix()).prop_map(|(vrf, prefix)| Step::Remove(vrf, prefix)),
        ]
    }

    proptest! {
        /// Whoever is there from a note to the end of the round is found, and a piece is no longer than it may be.
        #[test]
        fn every_route_that_is_there_since_a_note_is_found(
            steps in prop::collection::vec(step(), 0..120), piece in 1usize..6,
        ) {
            let mut vrfs: Vec<OfVrf> = (0..3).map(|_| OfVrf::new()).collect();
            let mut sweep = Sweep::default();
            let mut owed: BTreeSet<(u16, IpNet)> = BTreeSet::new();
            for step in steps.into_iter().chain(std::iter::repeat_n(Step::Piece, 300)) {
                match step {
                    Step::Note(number) => {
                        sweep.note(NextHopIndex(number), 1);
                        for (vrf, tables) in (0..).zip(&vrfs) {
                            let uses = |entries: &[Entry]| entries.iter().any(|entry| entry.via.0 == number);
                            let there = tables.after(None).filter(|(_, entries)| uses(entries));
                            owed.extend(there.map(|(prefix, _)| (vrf, prefix)));
                        }
                    }
                    Step::Piece => {
                        let mut looked = 0;
                        sweep.go_on(&vrfs, piece, |vrf, prefix| {
                            looked += 1;
                            owed.remove(&(vrf, prefix));
                        });
                        prop_assert!(looked <= piece);
                        prop_assert!(sweep.pending() > 0 || owed.is_empty(), "not found: {:?}", owed);
                    }
                    Step::Add(vrf, prefix, via) => {
                        let there = &mut vrfs[usize::from(vrf)];
                        if there.get(prefix).is_empty() {
                            let entry = Entry { metric: 0, via: NextHopIndex(via), origin: Origin::Static };
                            there.insert(prefix, entry);
                        }
                    }
                    Step::Remove(vrf, prefix) => {
                        vrfs[usize::from(vrf)].remove(prefix, (Origin::Static.distance(), 0));
                        owed.remove(&(vrf, prefix));
                    }
                }
            }
            prop_assert_eq!(sweep.pending(), 0);
        }
    }
}
