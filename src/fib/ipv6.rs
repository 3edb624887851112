//! The IPv6 FIB: what the workers look up, and the writer that keeps it.

use std::fmt;
use std::sync::Arc;

use ipnet::Ipv6Net;
use ringway_mempool::epoch::Epochs;

use super::intervals::Intervals;
use super::limits::{Applied, FibFull, Limits, Refused};
use super::next_hop::NextHopIndex;
use super::prefixes::{Prefix, Prefixes};

#[cfg(test)]
mod tests;

/// A table of IPv6 routes to look destinations up in, shared by all workers.
///
/// A [`Writer`] may change it while they do: every lookup returns the answer before or after a change.
pub struct Fib {
    intervals: Intervals<u128>,
    zones: [u32; 128 + 1],
}

impl Fib {
    /// Compiles routes that do not change, given in any order. Bits of a prefix behind its length are ignored; of
    /// two entries for one prefix the later counts.
    pub fn compile(routes: impl IntoIterator<Item = (Ipv6Net, NextHopIndex)>) -> Self {
        Self::new(&routes.into_iter().map(|(net, next_hop)| (prefix_of(net), next_hop)).collect())
    }

    fn new(prefixes: &Prefixes<u128>) -> Self {
        let mut zones = [0; 128 + 1];
        for ((_, length), _) in prefixes.iter() {
            zones[usize::from(length)] += 1;
        }
        Self { intervals: Intervals::new(prefixes), zones }
    }

    /// The next hop of the longest prefix that contains `destination` (host byte order), or
    /// [`NextHopIndex::NO_ROUTE`].
    #[inline]
    pub fn lookup(&self, destination: u128) -> NextHopIndex {
        self.intervals.lookup(destination)
    }

    /// Looks up a burst: `next_hops[i]` becomes the next hop of `destinations[i]` (host byte order). The memory accesses
    /// of the burst overlap.
    ///
    /// # Panics
    /// When the slices differ in length.
    #[inline]
    pub fn lookup_burst(&self, destinations: &[u128], next_hops: &mut [NextHopIndex]) {
        assert_eq!(destinations.len(), next_hops.len());
        for (next_hop, &destination) in next_hops.iter_mut().zip(destinations) {
            *next_hop = self.intervals.lookup(destination);
        }
    }

    /// Asks for the first memory that a lookup of these destinations will read. Call it a burst ahead.
    #[inline]
    pub fn prefetch(&self, _destinations: &[u128]) {
        // A small table stays in the first-level cache.
    }

    /// How many routes there are of each prefix length, 0 to 128.
    pub fn zones(&self) -> [u32; 128 + 1] {
        self.zones
    }

    /// How many routes there are.
    pub fn len(&self) -> usize {
        self.zones().iter().map(|&routes| routes as usize).sum()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The memory that the table occupies, in bytes.
    pub fn memory_bytes(&self) -> usize {
        size_of::<Self>() + self.intervals.memory_bytes()
    }
}

impl Default for Fib {
    /// A table without routes.
    fn default() -> Self {
        Self::compile([])
    }
}

impl fmt::Debug for Fib {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fib").field("routes", &self.len()).field("memory_bytes", &self.memory_bytes()).finish()
    }
}

/// Keeps a [`Fib`]; owned by the control thread.
///
/// ```text
///   apply(batch) ──▶ routes of the writer ──▶ tables that readers see ──▶ memory out of reach ──▶ reclaim
/// ```
pub struct Writer {
    prefixes: Prefixes<u128>,
    limits: Limits,
    fib: Arc<Fib>,
}

impl Writer {
    /// An empty table.
    pub fn new(limits: Limits) -> Self {
        Self { prefixes: Prefixes::new(), limits, fib: Arc::default() }
    }

    /// The table for the workers. It stays the same until a call says [`Applied::republish`].
    pub fn reader(&self) -> Arc<Fib> {
        self.fib.clone()
    }

    /// Replaces all routes, in one pass. Fastest when they come sorted by prefix, shorter before longer; of two entries
    /// for one prefix the later counts. Always makes a new table.
    pub fn rebuild(&mut self, routes: impl IntoIterator<Item = (Ipv6Net, NextHopIndex)>) -> Applied<Ipv6Net> {
        let mut applied = Applied { republish: true, ..Applied::nothing() };
        self.prefixes = Prefixes::new();
        for (net, next_hop) in routes {
            self.change(net, Some(next_hop), &mut applied);
        }
        self.fib = Arc::new(Fib::new(&self.prefixes));
        applied
    }

    /// Applies a batch: `Some` is a prefix's next hop from now on, `None` withdraws the prefix. Of two entries for one prefix
    /// the later counts. Each part of the table is worked out once a batch, so give many changes at once.
    pub fn apply(&mut self, changes: &[(Ipv6Net, Option<NextHopIndex>)]) -> Applied<Ipv6Net> {
        let mut applied = Applied::nothing();
        for &(net, next_hop) in changes {
            self.change(net, next_hop, &mut applied);
        }
        if applied.changed > 0 {
            applied.republish = true;
            self.fib = Arc::new(Fib::new(&self.prefixes));
        }
        applied
    }

    /// Takes back memory that no reader can see any more. Call it after `apply` and now and then until it returns 0: the
    /// pieces that still wait for a reader to pass.
    pub fn reclaim(&mut self, _epochs: &mut Epochs) -> usize {
        0
    }

    fn change(&mut self, net: Ipv6Net, next_hop: Option<NextHopIndex>, applied: &mut Applied<Ipv6Net>) {
        let prefix = prefix_of(net);
        let before = match next_hop {
            Some(_) if self.prefixes.len() >= self.limits.routes && self.prefixes.get(prefix).is_none() => {
                applied.refused.push(Refused { prefix: net, reason: FibFull::Routes { limit: self.limits.routes } });
                return;
            }
            Some(next_hop) => self.prefixes.insert(prefix, next_hop),
            None => self.prefixes.remove(prefix),
        };
        applied.changed += usize::from(before != next_hop);
    }
}

fn prefix_of(net: Ipv6Net) -> Prefix<u128> {
    (net.network().to_bits(), net.prefix_len())
}
