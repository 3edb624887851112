//! The IPv6 FIB: what the workers look up, and the writer that keeps it.
//!
//! A small table is a list of intervals, made anew at each change; a large one is a tree of intervals
//! (`tree.rs`) that changes in place under its readers. The writer goes from one to the other as routes come and go.

use std::fmt;
use std::net::Ipv6Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use ipnet::Ipv6Net;
use ringway_mempool::PageKind;
use ringway_mempool::epoch::Epochs;

use super::address::only_one;
use super::intervals::Intervals;
use super::limits::{Applied, FibFull, Limits, Refused};
use super::next_hop::NextHopIndex;
use super::prefixes::{Prefix, Prefixes};
use tables::{Cramped, Tables};
use tree::Tree;

mod stage;
mod tables;
#[cfg(test)]
mod tests;
mod tree;

/// The most routes of a small table, which then takes some 9 KB. A large one starts at 270 KB, and is searched in half the time.
const SMALL: usize = 256;

/// A table of IPv6 routes to look destinations up in, shared by all workers.
///
/// A [`Writer`] may change it while they do: every lookup returns the answer before or after a change.
pub struct Fib {
    form: Form,
    /// How many routes there are of each prefix length; written by the writer alone.
    zones: [AtomicU32; 129],
}

enum Form {
    Small(Intervals<u128>),
    Large(Arc<Tree>),
}

impl Fib {
    /// Compiles routes that do not change, given in any order. Bits of a prefix behind its length are ignored; of
    /// two entries for one prefix the later counts.
    ///
    /// # Panics
    /// When there is no memory for the table.
    pub fn compile(routes: impl IntoIterator<Item = (Ipv6Net, NextHopIndex)>) -> Self {
        let mut writer = Writer::new(Limits { routes: usize::MAX, memory_bytes: usize::MAX });
        let applied = writer.rebuild(routes);
        assert!(applied.refused.is_empty(), "there is memory for the table");
        Arc::into_inner(writer.fib).expect("a new table has no reader yet")
    }

    fn new(form: Form, zones: [u32; 129]) -> Self {
        Self { form, zones: zones.map(AtomicU32::new) }
    }

    /// The next hop of the longest prefix that contains `destination` (host byte order), or
    /// [`NextHopIndex::NO_ROUTE`].
    #[inline]
    pub fn lookup(&self, destination: u128) -> NextHopIndex {
        match &self.form {
            Form::Small(intervals) => intervals.lookup(destination),
            Form::Large(tree) => tree.lookup(destination),
        }
    }

    /// Looks up a burst: `next_hops[i]` becomes the next hop of `destinations[i]` (host byte order). The memory accesses
    /// of the burst overlap.
    ///
    /// # Panics
    /// When the slices differ in length.
    #[inline]
    pub fn lookup_burst(&self, destinations: &[u128], next_hops: &mut [NextHopIndex]) {
        assert_eq!(destinations.len(), next_hops.len());
        if let Some(destination) = only_one(destinations) {
            return next_hops.fill(self.lookup(destination));
        }
        match &self.form {
            Form::Small(intervals) => intervals.lookup_burst(destinations, next_hops),
            Form::Large(tree) => tree.lookup_burst(destinations, next_hops),
        }
    }

    /// How many routes there are of each prefix length, 0 to 128.
    pub fn zones(&self) -> [u32; 129] {
        std::array::from_fn(|length| self.zones[length].load(Ordering::Relaxed))
    }

    /// How many routes there are.
    pub fn len(&self) -> usize {
        self.zones().iter().map(|&routes| routes as usize).sum()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The pages that a large table lies on; none of a small one, which is on the heap.
    pub fn pages(&self) -> Option<PageKind> {
        match &self.form {
            Form::Small(_) => None,
            Form::Large(tree) => Some(tree.nodes.kind()),
        }
    }

    /// The memory that the table occupies, in bytes.
    pub fn memory_bytes(&self) -> usize {
        size_of::<Self>()
            + match &self.form {
                Form::Small(intervals) => intervals.memory_bytes(),
                Form::Large(tree) => tree.memory_bytes(),
            }
    }
}

impl Default for Fib {
    /// A table without routes.
    fn default() -> Self {
        Self::new(Form::Small(Intervals::new(&Prefixes::new())), [0; 129])
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
    routes: Prefixes<u128>,
    /// What a large table is made of.
    tables: Option<Tables>,
    zones: [u32; 129],
    limits: Limits,
    fib: Arc<Fib>,
}

/// A prefix with its next hop before and after a change.
type Change = (Prefix<u128>, Option<NextHopIndex>, Option<NextHopIndex>);

impl Writer {
    /// An empty table.
    pub fn new(limits: Limits) -> Self {
        Self { routes: Prefixes::new(), tables: None, zones: [0; 129], limits, fib: Arc::default() }
    }

    /// The table for the workers. It stays the same until a call says [`Applied::republish`].
    pub fn reader(&self) -> Arc<Fib> {
        self.fib.clone()
    }

    /// Replaces all routes, in one pass, and makes a new table. Fastest when they come sorted by prefix, shorter before longer;
    /// of two entries for one prefix the later counts. Without memory for the new table every route is refused, and the old table
    /// stays with what it has.
    pub fn rebuild(&mut self, routes: impl IntoIterator<Item = (Ipv6Net, NextHopIndex)>) -> Applied<Ipv6Net> {
        let mut new = Self::new(self.limits);
        let mut applied = Applied::nothing();
        let mut touched = Vec::new();
        for (net, next_hop) in routes {
            new.set(net, Some(next_hop), &mut touched, &mut applied.refused);
            touched.clear();
        }
        match new.publish(&mut touched, true) {
            Ok(form) => {
                new.fib = form.map_or(new.fib, |form| Arc::new(Fib::new(form, new.zones)));
                applied.changed = new.routes.len();
                applied.republish = true;
                *self = new;
            }
            Err(reason) => new.routes.iter().for_each(|((network, length), _)| {
                let prefix = Ipv6Net::new_assert(Ipv6Addr::from_bits(network), length);
                applied.refused.push(Refused { prefix, reason });
            }),
        }
        applied
    }

    /// Applies a batch: `Some` is a prefix's next hop from now on, `None` withdraws the prefix. Of two entries for one prefix
    /// the later counts. Each part of the table is worked out once a batch, so give many changes at once.
    pub fn apply(&mut self, changes: &[(Ipv6Net, Option<NextHopIndex>)]) -> Applied<Ipv6Net> {
        let mut applied = Applied::nothing();
        if self.batch(changes, true, &mut applied).is_err() {
            // There is no memory for all of them: every withdrawal, and as many others as find room.
            let mut may_grow = true;
            for change in changes {
                if let Err(reason) = self.batch(&[*change], may_grow || change.1.is_none(), &mut applied) {
                    applied.refused.push(Refused { prefix: change.0, reason });
                    may_grow = false;
                }
            }
        }
        applied
    }

    /// Takes back memory that no reader can see any more. Call it after `apply` and now and then until it returns 0: the
    /// pieces that still wait for a reader to pass.
    pub fn reclaim(&mut self, epochs: &mut Epochs) -> usize {
        self.tables.as_mut().map_or(0, |tables| tables.reclaim(epochs))
    }

    /// Applies all of a batch, less what exceeds the limit of routes; or nothing, where there is no memory for it.
    fn batch(
        &mut self,
        changes: &[(Ipv6Net, Option<NextHopIndex>)],
        may_grow: bool,
        applied: &mut Applied<Ipv6Net>,
    ) -> Result<(), FibFull> {
        let (mut changed, mut refused) = (Vec::new(), Vec::new());
        let mut done = Vec::with_capacity(changes.len());
        for &(net, next_hop) in changes {
            done.extend(self.set(net, next_hop, &mut changed, &mut refused));
        }
        if !done.is_empty() {
            match self.publish(&mut changed, may_grow) {
                Ok(None) => {
                    for (shared, &routes) in self.fib.zones.iter().zip(&self.zones) {
                        shared.store(routes, Ordering::Relaxed);
                    }
                }
                Ok(Some(form)) => {
                    self.fib = Arc::new(Fib::new(form, self.zones));
                    applied.republish = true;
                }
                Err(full) => {
                    for (prefix, before, after) in done.into_iter().rev() {
                        self.routes.set(prefix, before);
                        self.count(prefix, after, before);
                    }
                    return Err(full);
                }
            }
        }
        applied.changed += done.len();
        applied.refused.append(&mut refused);
        Ok(())
    }

    /// Makes one change to the routes, unless it exceeds their limit; returns it if it is one.
    fn set(
        &mut self,
        net: Ipv6Net,
        next_hop: Option<NextHopIndex>,
        changed: &mut Vec<Prefix<u128>>,
        refused: &mut Vec<Refused<Ipv6Net>>,
    ) -> Option<Change> {
        let prefix = (net.network().to_bits(), net.prefix_len());
        let limit = self.limits.routes;
        if next_hop.is_some() && self.routes.len() >= limit && self.routes.get(prefix).is_none() {
            refused.push(Refused { prefix: net, reason: FibFull::Routes { limit } });
            return None;
        }
        let before = self.routes.set(prefix, next_hop);
        if before == next_hop {
            return None;
        }
        self.count(prefix, before, next_hop);
        changed.push(prefix);
        Some((prefix, before, next_hop))
    }

    fn count(&mut self, (_, length): Prefix<u128>, before: Option<NextHopIndex>, after: Option<NextHopIndex>) {
        let routes = &mut self.zones[usize::from(length)];
        *routes = *routes + u32::from(after.is_some()) - u32::from(before.is_some());
    }

    /// Shows the readers what has changed; returns the new table where it takes one.
    fn publish(&mut self, changed: &mut [Prefix<u128>], may_grow: bool) -> Result<Option<Form>, FibFull> {
        // A large table waits for fewer routes, so as not to go to and fro.
        if self.routes.len() <= if self.tables.is_some() { SMALL / 4 } else { SMALL } {
            self.tables = None;
            return Ok(Some(Form::Small(Intervals::new(&self.routes))));
        }
        if let Some(tables) = &mut self.tables {
            match tables.update(&self.routes, changed) {
                Ok(()) => return Ok(None),
                Err(Cramped) if !may_grow => return Err(tables.full()),
                Err(Cramped) => {}
            }
        }
        let new = Tables::new(&self.routes, self.limits.memory_bytes)?;
        let form = Form::Large(new.tree());
        self.tables = Some(new);
        Ok(Some(form))
    }
}
