//! What the table tells an operator.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use macaddr::MacAddr6;

use super::Table;
use crate::neighbor::state::State;

/// One neighbor, for `show neighbor`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Neighbor {
    /// The interface whose link it is on.
    pub interface: u16,
    /// Its address.
    pub address: IpAddr,
    /// Its MAC, if known.
    pub mac: Option<MacAddr6>,
    /// Its state.
    pub state: State,
    /// How long it has been in that state, or since it was last confirmed in it.
    pub age: Duration,
    /// Solicitations sent for it since it came into the table.
    pub solicits: u32,
    /// It has said that it is a router.
    pub router: bool,
}

/// How full an interface's part of the table is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Occupancy {
    /// Neighbors whose MAC is known.
    pub resolved: usize,
    /// The most there can be.
    pub max_resolved: usize,
    /// Neighbors that are searched for, or that have just failed.
    pub unresolved: usize,
    /// The most there can be.
    pub max_unresolved: usize,
}

/// What happened so far, over all interfaces.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Counters {
    /// Solicitations sent.
    pub solicits: u64,
    /// Solicitations that had to wait because the interface's rate was spent.
    pub suppressed: u64,
    /// Neighbors that were heard and found no place: the interface was full of neighbors in use.
    pub refused: u64,
    /// Searches given up to make room for newer ones.
    pub evicted_incomplete: u64,
    /// STALE neighbors that made room for one that answered.
    pub evicted_stale: u64,
    /// Neighbors that did not answer.
    pub failed: u64,
    /// Neighbors that were heard with another MAC than before.
    pub moved: u64,
}

impl Table {
    /// The neighbors as they are now, sorted by interface and address.
    pub fn iter(&self, now: Instant) -> impl Iterator<Item = Neighbor> + '_ {
        self.entries.iter().map(move |(key, entry)| Neighbor {
            interface: key.interface,
            address: key.address,
            mac: entry.state.is_resolved().then_some(entry.mac),
            state: entry.state,
            age: now.saturating_duration_since(entry.since),
            solicits: entry.solicits,
            router: entry.router,
        })
    }

    /// How many neighbors of an interface are in a state.
    pub fn count(&self, interface: u16, state: State) -> usize {
        self.links.get(&interface).map_or(0, |link| link.count(state))
    }

    /// How full an interface's part of the table is.
    pub fn occupancy(&self, interface: u16) -> Occupancy {
        let link = self.links.get(&interface);
        Occupancy {
            resolved: link.map_or(0, |link| link.resolved()),
            max_resolved: self.settings.max_per_interface.max(1),
            unresolved: link.map_or(0, |link| link.unresolved()),
            max_unresolved: self.settings.max_unresolved(),
        }
    }

    /// How many neighbors there are on all interfaces.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// What happened so far.
    pub fn counters(&self) -> Counters {
        self.counters
    }
}
