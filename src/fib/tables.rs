//! What the workers look up, kept in step with the RIB: the writers of every VRF's tables, of the path lists, and the
//! epochs that say when a number or a piece of memory is nobody's any more.
//!
//! ```text
//!   Rib::take_changes ──▶ follow: each prefix once, decided anew ──▶ a batch to the writer of its table ──▶ generation
//! ```
//!
//! Changes come as they come and are followed in batches: a prefix that changes a hundred times between two calls is
//! decided once. A path list is written before the first route points there, and its number is given out again only when
//! every worker has passed a moment without it.

use std::sync::Arc;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use ringway_mempool::epoch::{Epochs, Passage};

use super::limits::{FibFull, Limits};
use super::next_hop::NextHopIndex;
use super::path_table::PathTable;
use super::path_writer::PathWriter;
use super::rib::{Change, Rib};
use super::{ipv4, ipv6};

/// From so many changes on, and when they are a good part of the routes, all tables are built anew: that is faster.
const WHOLE: usize = 20_000;

/// A route that the lookup structure had no room for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unused {
    /// Its VRF.
    pub vrf: u16,
    /// Its prefix.
    pub prefix: IpNet,
    /// Why.
    pub reason: FibFull,
}

/// What [`Tables::follow`] did.
#[derive(Debug, Default)]
pub struct Followed {
    /// Prefixes that were looked at.
    pub prefixes: usize,
    /// The workers need a snapshot with what [`Tables::ipv4`] and [`Tables::ipv6`] return now.
    pub republish: bool,
    /// Routes that are in the RIB and not used.
    pub unused: Vec<Unused>,
}

struct Writers {
    ipv4: ipv4::Writer,
    ipv6: ipv6::Writer,
}

/// See the module.
pub struct Tables {
    vrfs: Vec<Writers>,
    paths: PathWriter,
    epochs: Epochs,
    /// The epoch after which the numbers unused at a moment of the RIB's are nobody's.
    retiring: Option<(u64, u64)>,
    limits: Limits,
    batch4: Vec<(Ipv4Net, Option<NextHopIndex>)>,
    batch6: Vec<(Ipv6Net, Option<NextHopIndex>)>,
}

impl Tables {
    /// Empty tables of VRF 0, each of at most so many prefixes.
    pub fn new(limits: Limits) -> Self {
        let mut tables = Self {
            vrfs: Vec::new(),
            paths: PathWriter::default(),
            epochs: Epochs::new(),
            retiring: None,
            limits,
            batch4: Vec::new(),
            batch6: Vec::new(),
        };
        tables.make_vrfs(1);
        tables
    }

    fn make_vrfs(&mut self, count: usize) {
        while self.vrfs.len() < count {
            let writers = Writers { ipv4: ipv4::Writer::new(self.limits), ipv6: ipv6::Writer::new(self.limits) };
            self.vrfs.push(writers);
        }
    }

    /// A worker's side of the epochs.
    pub fn join(&mut self) -> Passage {
        self.epochs.join()
    }

    /// The path lists for the workers.
    pub fn paths(&self) -> &Arc<PathTable> {
        self.paths.table()
    }

    /// Who deals out buckets.
    pub fn path_writer(&self) -> &PathWriter {
        &self.paths
    }

    /// The IPv4 table of a VRF for the workers.
    pub fn ipv4(&self, vrf: u16) -> Arc<ipv4::Fib> {
        self.vrfs.get(usize::from(vrf)).map(|writers| writers.ipv4.reader()).unwrap_or_default()
    }

    /// The IPv6 table of a VRF for the workers.
    pub fn ipv6(&self, vrf: u16) -> Arc<ipv6::Fib> {
        self.vrfs.get(usize::from(vrf)).map(|writers| writers.ipv6.reader()).unwrap_or_default()
    }

    /// Brings the tables up to what the RIB says now, or nearer to it: as long as the RIB has something pending, call it again
    /// when other work has had its turn. `up` says whether an interface is up.
    pub fn follow(&mut self, rib: &mut Rib, up: &impl Fn(u16) -> bool) -> Followed {
        let mut followed = Followed { republish: self.vrfs.len() < usize::from(rib.vrfs()), ..Followed::default() };
        self.make_vrfs(usize::from(rib.vrfs()));
        for fresh in rib.next_hops_mut().take_fresh() {
            self.paths.insert(fresh, rib.next_hops(), up);
        }
        if rib.pending() > WHOLE && rib.pending() * 3 > rib.len() {
            followed.prefixes = rib.pending();
            rib.forget_changes();
            self.rebuild(rib, &mut followed);
        } else {
            let changes = rib.take_changes();
            followed.prefixes = changes.len();
            let mut rest = &changes[..];
            while let Some(&Change { vrf, .. }) = rest.first() {
                let (of_vrf, others) = rest.split_at(rest.partition_point(|other| other.vrf == vrf));
                self.apply(rib, vrf, of_vrf, &mut followed);
                rest = others;
            }
        }
        if followed.prefixes > 0 {
            self.paths.table().changed();
        }
        followed
    }

    fn apply(&mut self, rib: &Rib, vrf: u16, changes: &[Change], followed: &mut Followed) {
        self.batch4.clear();
        self.batch6.clear();
        for change in changes {
            let decided = rib.decide_change(change, |index| self.paths.is_usable(index));
            match change.prefix {
                IpNet::V4(net) => self.batch4.push((net, decided)),
                IpNet::V6(net) => self.batch6.push((net, decided)),
            }
        }
        let Some(writers) = self.vrfs.get_mut(usize::from(vrf)) else { return };
        if !self.batch4.is_empty() {
            let applied = writers.ipv4.apply(&self.batch4);
            followed.republish |= applied.republish;
            let unused = |refused: super::limits::Refused<Ipv4Net>| Unused {
                vrf,
                prefix: IpNet::V4(refused.prefix),
                reason: refused.reason,
            };
            followed.unused.extend(applied.refused.into_iter().map(unused));
        }
        if !self.batch6.is_empty() {
            let applied = writers.ipv6.apply(&self.batch6);
            followed.republish |= applied.republish;
            let unused = |refused: super::limits::Refused<Ipv6Net>| Unused {
                vrf,
                prefix: IpNet::V6(refused.prefix),
                reason: refused.reason,
            };
            followed.unused.extend(applied.refused.into_iter().map(unused));
        }
    }

    fn rebuild(&mut self, rib: &Rib, followed: &mut Followed) {
        let paths = &self.paths;
        for (vrf, writers) in (0u16..).zip(&mut self.vrfs) {
            let usable = |index| paths.is_usable(index);
            let refused4 = writers.ipv4.rebuild(rib.decide_ipv4(vrf, usable)).refused;
            let refused6 = writers.ipv6.rebuild(rib.decide_ipv6(vrf, usable)).refused;
            let refused4 = refused4.into_iter().map(|refused| (IpNet::V4(refused.prefix), refused.reason));
            let refused6 = refused6.into_iter().map(|refused| (IpNet::V6(refused.prefix), refused.reason));
            followed.unused.extend(refused4.chain(refused6).map(|(prefix, reason)| Unused { vrf, prefix, reason }));
        }
        followed.republish = true;
    }

    /// Follows an interface that went up or down. What goes by it is changed at once, whatever the number of routes. Where
    /// that leaves a path list without a way, or gives it one, the RIB is asked for its routes: [`Tables::follow`] has to
    /// come next, finds them, and lets the next best ones take over.
    pub fn interface_changed(&mut self, interface: u16, rib: &mut Rib, up: &impl Fn(u16) -> bool) {
        let toggled = self.paths.interface_changed(interface, rib.next_hops(), up);
        rib.note_users(&toggled);
    }

    /// Gives memory and numbers back that no worker can see any more. Call it now and then, and with `adopted` only when
    /// every worker has the newest snapshot. Says how much still waits.
    pub fn tend(&mut self, rib: &mut Rib, adopted: bool) -> usize {
        let mut waiting = 0;
        for writers in &mut self.vrfs {
            waiting += writers.ipv4.reclaim(&mut self.epochs) + writers.ipv6.reclaim(&mut self.epochs);
        }
        if !adopted {
            return waiting;
        }
        match self.retiring {
            Some((epoch, moment)) if self.epochs.passed() >= epoch => {
                let freed = rib.next_hops_mut().reuse(moment);
                self.paths.remove(&freed);
                self.retiring = None;
            }
            Some(_) => waiting += 1,
            None => {
                if let Some(moment) = rib.next_hops().moment()
                    && rib.pending() == 0
                {
                    self.retiring = Some((self.epochs.close(), moment));
                    waiting += 1;
                }
            }
        }
        waiting
    }

    /// The memory that the lookup structures occupy, in bytes: IPv4, IPv6, path lists.
    pub fn memory_bytes(&self) -> (usize, usize, usize) {
        let ipv4 = self.vrfs.iter().map(|writers| writers.ipv4.reader().memory_bytes()).sum();
        let ipv6 = self.vrfs.iter().map(|writers| writers.ipv6.reader().memory_bytes()).sum();
        (ipv4, ipv6, self.paths.table().memory_bytes())
    }
}

#[cfg(test)]
mod tests;
