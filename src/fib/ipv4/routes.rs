//! The routes of a large IPv4 FIB as its writer keeps them, so that a group can be worked out from what lies in it.
//!
//! Routes up to /19 cover whole groups: they are kept in order, and each group knows the longest that covers it. Longer ones
//! lie in one group each, where a number of 32 bits says all of one: they are a short sorted list, a cache line or two.

use super::direct::{GROUP_SHIFT, GROUPS};
use crate::fib::next_hop::NextHopIndex;
use crate::fib::prefixes::{Prefix, Prefixes};
use ringway_mempool::table::prefetch;

/// The longest prefix that covers whole groups.
const SHORT: u8 = 32 - GROUP_SHIFT as u8;

/// A route longer than /19 within its group: 13 bits of address, 4 bits of length, 15 bits of next hop, so that the order of the
/// numbers is address order, shorter before longer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Inner(u32);

impl Inner {
    fn new((network, length): Prefix<u32>, next_hop: NextHopIndex) -> Self {
        let address = network & ((1 << GROUP_SHIFT) - 1);
        Self(address << 19 | u32::from(length - SHORT - 1) << 15 | u32::from(next_hop.0))
    }

    /// The first address, within the group.
    pub fn address(self) -> u32 {
        self.0 >> 19
    }

    /// The prefix length.
    pub fn length(self) -> u32 {
        (self.0 >> 15 & 0xf) + u32::from(SHORT) + 1
    }

    /// The next hop.
    pub fn next_hop(self) -> u16 {
        self.0 as u16 & 0x7fff
    }

    fn prefix(self) -> u32 {
        self.0 >> 15
    }
}

/// What covers a whole group.
#[derive(Debug, Clone, Copy, Default)]
struct Cover {
    next_hop: NextHopIndex,
    /// One more than the length of the prefix; 0 where none covers the group.
    depth: u8,
}

/// A group that changed, and which of its slots.
pub type Dirty = (u32, u32);

/// Every route.
pub struct Routes {
    short: Prefixes<u32>,
    cover: Box<[Cover]>,
    inner: Box<[Vec<Inner>]>,
    len: usize,
}

impl Routes {
    /// None.
    pub fn new() -> Self {
        Self {
            short: Prefixes::new(),
            cover: vec![Cover::default(); GROUPS].into(),
            inner: vec![Vec::new(); GROUPS].into(),
            len: 0,
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// The next hop of exactly this prefix.
    pub fn get(&self, prefix: Prefix<u32>) -> Option<NextHopIndex> {
        if prefix.1 <= SHORT {
            return self.short.get(prefix);
        }
        let routes = &self.inner[(prefix.0 >> GROUP_SHIFT) as usize];
        let at = place(routes, prefix).ok()?;
        Some(NextHopIndex(routes[at].next_hop()))
    }

    /// Asks for where the routes of a prefix's group are. Most of what a change costs is waiting for memory, so ask some changes ahead;
    /// and again some changes later, [for them](Routes::prefetch_inner).
    pub fn prefetch(&self, network: u32) {
        let group = (network >> GROUP_SHIFT) as usize;
        prefetch(&self.inner[group]);
        prefetch(&self.cover[group]);
    }

    /// Asks for the routes of a prefix's group.
    pub fn prefetch_inner(&self, network: u32) {
        if let Some(first) = self.inner[(network >> GROUP_SHIFT) as usize].first() {
            prefetch(first);
        }
    }

    /// Sets the next hop of a prefix, or removes it; returns the one before. The groups whose answers may change are added to
    /// `dirty`.
    pub fn set(
        &mut self,
        prefix: Prefix<u32>,
        next_hop: Option<NextHopIndex>,
        dirty: &mut Vec<Dirty>,
    ) -> Option<NextHopIndex> {
        let before = if prefix.1 <= SHORT {
            self.set_short(prefix, next_hop, dirty)
        } else {
            self.set_inner(prefix, next_hop, dirty)
        };
        self.len = self.len + usize::from(next_hop.is_some()) - usize::from(before.is_some());
        before
    }

    fn set_short(
        &mut self,
        prefix: Prefix<u32>,
        next_hop: Option<NextHopIndex>,
        dirty: &mut Vec<Dirty>,
    ) -> Option<NextHopIndex> {
        let before = self.short.set(prefix, next_hop);
        if before == next_hop {
            return before;
        }
        let (network, length) = prefix;
        let cover = match next_hop {
            Some(next_hop) => Cover { next_hop, depth: length + 1 },
            None => self
                .short
                .parent(prefix)
                .map_or(Cover::default(), |((_, length), next_hop)| Cover { next_hop, depth: length + 1 }),
        };
        let first = (network >> GROUP_SHIFT) as usize;
        for (group, old) in self.cover[first..first + (1 << (SHORT - length))].iter_mut().enumerate() {
            if old.depth <= length + 1 {
                if old.next_hop != cover.next_hop {
                    dirty.push(((first + group) as u32, u32::MAX));
                }
                *old = cover;
            }
        }
        before
    }

    fn set_inner(
        &mut self,
        prefix: Prefix<u32>,
        next_hop: Option<NextHopIndex>,
        dirty: &mut Vec<Dirty>,
    ) -> Option<NextHopIndex> {
        let (network, length) = prefix;
        let group = network >> GROUP_SHIFT;
        let routes = &mut self.inner[group as usize];
        // Sorted input only ever appends.
        let place = match (next_hop, routes.last()) {
            (Some(next_hop), Some(&last)) if last.prefix() < Inner::new(prefix, next_hop).prefix() => Err(routes.len()),
            _ => place(routes, prefix),
        };
        let before = match (place, next_hop) {
            (Ok(at), Some(next_hop)) => Some(std::mem::replace(&mut routes[at], Inner::new(prefix, next_hop))),
            (Ok(at), None) => Some(routes.remove(at)),
            (Err(at), Some(next_hop)) => {
                routes.insert(at, Inner::new(prefix, next_hop));
                None
            }
            (Err(_), None) => None,
        };
        let before = before.map(|before| NextHopIndex(before.next_hop()));
        if before != next_hop {
            if routes.is_empty() {
                *routes = Vec::new();
            }
            let slots = u32::MAX >> (32 - (1 << 24u32.saturating_sub(u32::from(length))));
            dirty.push((group, slots << (network >> 8 & 31)));
        }
        before
    }

    /// What covers a whole group.
    pub fn cover(&self, group: usize) -> u16 {
        self.cover[group].next_hop.0
    }

    /// The routes inside a group, in order.
    pub fn inner(&self, group: usize) -> &[Inner] {
        &self.inner[group]
    }

    /// Every route, those up to /19 first.
    pub fn iter(&self) -> impl Iterator<Item = (Prefix<u32>, NextHopIndex)> + '_ {
        let inner = self.inner.iter().enumerate().flat_map(|(group, routes)| {
            routes.iter().map(move |route| {
                (
                    ((group as u32) << GROUP_SHIFT | route.address(), route.length() as u8),
                    NextHopIndex(route.next_hop()),
                )
            })
        });
        self.short.iter().chain(inner)
    }
}

fn place(routes: &[Inner], prefix: Prefix<u32>) -> Result<usize, usize> {
    let key = Inner::new(prefix, NextHopIndex::NO_ROUTE).prefix();
    routes.binary_search_by_key(&key, |route| route.prefix())
}
