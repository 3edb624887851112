//! The neighbor table: bounded for each interface, cheap to tick, silent except for its events.
//!
//! Every entry has at most one timer, and all timers are in one ordered set, so the next deadline is the first of
//! them and a tick touches only what is due. Every entry is in the queue of its state, oldest first; what has to
//! make room is the first of a queue. Nothing is ever searched.
//!
//! Bounds (`INV-NEIGHBOR-BOUND`): an interface has at most `max_per_interface` resolved neighbors and at most half
//! as many unresolved ones. The two never take each other's places: unresolved entries cost whoever sends to random
//! addresses nothing, so they only push out their like, and a resolved neighbor leaves only for another one that
//! has answered.

use std::collections::{BTreeMap, BTreeSet, VecDeque, vec_deque};
use std::net::{IpAddr, Ipv4Addr};
use std::time::Instant;

use macaddr::MacAddr6;
use thiserror::Error;

use super::event::{Event, Key};
use super::link::{Link, Place};
use super::settings::Settings;
use super::state::{self, State};

mod advertised;
mod show;
#[cfg(test)]
mod tests;
mod timers;

use timers::{Wake, class_of};

pub use show::{Counters, Neighbor, Occupancy};

/// Why the table refused a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum TableError {
    /// Every place is taken by a neighbor in use.
    #[error(
        "no room for neighbor {address}: interface {interface} has {max} resolved neighbors and none of them is idle; raise max_per_interface or flush some"
    )]
    Full {
        /// The interface.
        interface: u16,
        /// The address that found no place.
        address: IpAddr,
        /// The bound.
        max: usize,
    },
    /// There is no such entry.
    #[error("there is no neighbor {address} on interface {interface}")]
    NotFound {
        /// The interface asked for.
        interface: u16,
        /// The address asked for.
        address: IpAddr,
    },
    /// No host can have this MAC.
    #[error("{mac} is no MAC of a single host; give a unicast address")]
    NotUnicast {
        /// The MAC asked for.
        mac: MacAddr6,
    },
}

struct Entry {
    state: State,
    /// Nil while unresolved.
    mac: MacAddr6,
    /// When the entry entered its state, or was confirmed in it.
    since: Instant,
    place: Place,
    /// Its timer in `wakes`.
    deadline: Option<Instant>,
    /// Its place in the line for a token.
    waiting: Option<Place>,
    /// Solicitations sent in this state.
    sent: u8,
    /// Solicitations sent since the entry was made.
    solicits: u32,
    /// RFC 4861 5.1, IsRouter: it has said of itself that it is a router.
    router: bool,
}

/// The neighbors of all interfaces.
pub struct Table {
    settings: Settings,
    entries: BTreeMap<Key, Entry>,
    links: BTreeMap<u16, Link>,
    wakes: BTreeSet<(Instant, Wake)>,
    events: VecDeque<Event>,
    counters: Counters,
    random: fastrand::Rng,
}

impl Table {
    /// An empty table. `seed` starts the random numbers that spread the reachable times.
    pub fn new(settings: Settings, seed: u64) -> Self {
        Self {
            settings,
            entries: BTreeMap::new(),
            links: BTreeMap::new(),
            wakes: BTreeSet::new(),
            events: VecDeque::new(),
            counters: Counters::default(),
            random: fastrand::Rng::with_seed(seed),
        }
    }

    /// A worker has packets for `key` and no MAC. Starts a resolution unless one runs; a neighbor that is known
    /// already is told at once, and one that has just failed is reported as failed.
    pub fn need(&mut self, now: Instant, key: Key) {
        let known = self.entries.get(&key).map(|entry| (entry.state, entry.mac));
        match known {
            None => {
                self.make_room_unresolved(now, key.interface);
                self.insert(now, key, State::Incomplete, MacAddr6::nil());
                self.solicit(now, key);
            }
            Some((State::Incomplete, _)) => {}
            Some((State::Failed, _)) => self.events.push_back(Event::Failed { key }),
            Some((_, mac)) => {
                // The held packets leave with this update, so it is a use.
                self.used(now, key);
                self.events.push_back(Event::Update { key, mac, report_use: false });
            }
        }
    }

    /// A worker has forwarded a packet to `key`, which was told to be STALE.
    pub fn used(&mut self, now: Instant, key: Key) {
        if let Some(entry) = self.entries.get(&key) {
            let next = state::after_use(entry.state);
            if next != entry.state {
                self.change(now, key, next);
            }
        }
    }

    /// A frame named `mac` as the MAC of `address`. `answered`: the frame is an answer to us. `may_create`: the frame
    /// is a reason to know the neighbor even if nobody has asked for it.
    pub fn observe(
        &mut self,
        now: Instant,
        interface: u16,
        address: IpAddr,
        mac: MacAddr6,
        answered: bool,
        may_create: bool,
    ) {
        let key = Key { interface, address };
        let known = self.entries.get(&key).map(|entry| (entry.state, entry.mac));
        match known {
            Some((State::Static, _)) => {}
            None | Some((State::Failed, _)) => {
                if !may_create {
                    return;
                }
                if !self.make_room_resolved(now, interface) {
                    self.counters.refused += 1;
                    return;
                }
                if known.is_some() {
                    self.take_out(key);
                }
                self.insert(now, key, state::created(), mac);
                self.tell(key);
            }
            Some((State::Incomplete, _)) => {
                if !self.make_room_resolved(now, interface) {
                    self.counters.refused += 1;
                    self.fail(now, key);
                    return;
                }
                let next = state::after_observation(State::Incomplete, answered, false);
                self.set_mac(key, mac);
                self.change(now, key, next);
                self.tell(key);
            }
            Some((before, old)) => {
                let moved = old != mac;
                let next = state::after_observation(before, answered, moved);
                if moved {
                    self.set_mac(key, mac);
                    self.counters.moved += 1;
                }
                // A confirmation starts the reachable time anew even where it changes nothing else.
                if moved || answered {
                    self.change(now, key, next);
                }
                if moved {
                    self.tell(key);
                }
            }
        }
    }

    /// Sets a neighbor by hand, whatever was known about it.
    ///
    /// # Errors
    /// [`TableError::NotUnicast`], [`TableError::Full`]; nothing changes then.
    pub fn add_static(&mut self, now: Instant, key: Key, mac: MacAddr6) -> Result<(), TableError> {
        if mac.is_multicast() || mac.is_nil() {
            return Err(TableError::NotUnicast { mac });
        }
        let resolved = self.entries.get(&key).is_some_and(|e| e.state.is_resolved());
        if !resolved && !self.make_room_resolved(now, key.interface) {
            return Err(TableError::Full {
                interface: key.interface,
                address: key.address,
                max: self.settings.max_per_interface,
            });
        }
        if self.entries.contains_key(&key) {
            self.take_out(key);
        }
        self.insert(now, key, State::Static, mac);
        self.tell(key);
        Ok(())
    }

    /// Removes a neighbor of any state.
    ///
    /// # Errors
    /// [`TableError::NotFound`].
    pub fn remove(&mut self, key: Key) -> Result<(), TableError> {
        if !self.entries.contains_key(&key) {
            return Err(TableError::NotFound { interface: key.interface, address: key.address });
        }
        self.drop_entry(key);
        Ok(())
    }

    /// Removes all neighbors of one interface, or of all, except those set by hand. Returns how many went.
    pub fn flush(&mut self, interface: Option<u16>) -> usize {
        let first = Key { interface: interface.unwrap_or(0), address: IpAddr::V4(Ipv4Addr::UNSPECIFIED) };
        let gone: Vec<Key> = self
            .entries
            .range(first..)
            .take_while(|(key, _)| interface.is_none_or(|interface| key.interface == interface))
            .filter(|(_, entry)| entry.state != State::Static)
            .map(|(&key, _)| key)
            .collect();
        for &key in &gone {
            self.drop_entry(key);
        }
        gone.len()
    }

    /// An interface went down: what was learnt on its link is worth nothing when it comes back. Neighbors set by
    /// hand stay.
    pub fn interface_down(&mut self, interface: u16) {
        self.flush(Some(interface));
    }

    /// Takes the events since the last call, oldest first. Call it after each of the other calls: nothing else
    /// bounds their number.
    pub fn events(&mut self) -> vec_deque::Drain<'_, Event> {
        self.events.drain(..)
    }

    /// Frees a place for an unresolved neighbor: of its like the one that has had the longest time to answer goes.
    fn make_room_unresolved(&mut self, now: Instant, interface: u16) {
        let max = self.settings.max_unresolved();
        let link = self.link(now, interface);
        if link.unresolved() < max {
            return;
        }
        // One that has failed is only remembered, and nobody waits for it.
        if let Some(address) = link.oldest(State::Failed) {
            self.take_out(Key { interface, address });
        } else if let Some(address) = link.oldest(State::Incomplete) {
            let key = Key { interface, address };
            self.take_out(key);
            self.counters.evicted_incomplete += 1;
            self.events.push_back(Event::Failed { key });
        }
    }

    /// Frees a place for a resolved neighbor: the one that has been STALE for longest goes, for nobody has sent to
    /// it since. Says whether there is a place.
    fn make_room_resolved(&mut self, now: Instant, interface: u16) -> bool {
        let max = self.settings.max_per_interface.max(1);
        let link = self.link(now, interface);
        if link.resolved() < max {
            return true;
        }
        let Some(address) = link.oldest(State::Stale) else {
            return false;
        };
        self.counters.evicted_stale += 1;
        self.drop_entry(Key { interface, address });
        true
    }

    /// Tells the workers the neighbor's MAC.
    fn tell(&mut self, key: Key) {
        let entry = &self.entries[&key];
        self.events.push_back(Event::Update { key, mac: entry.mac, report_use: entry.state == State::Stale });
    }

    /// Takes the entry out and tells the workers, unless they know that it has failed.
    fn drop_entry(&mut self, key: Key) {
        if self.take_out(key) != State::Failed {
            self.events.push_back(Event::Removed { key });
        }
    }

    fn insert(&mut self, now: Instant, key: Key, state: State, mac: MacAddr6) {
        let place = self.link(now, key.interface).enter(state, key.address);
        let entry =
            Entry { state, mac, since: now, place, deadline: None, waiting: None, sent: 0, solicits: 0, router: false };
        self.entries.insert(key, entry);
        self.start_timer(now, key);
    }

    fn change(&mut self, now: Instant, key: Key, next: State) {
        self.leave_queues(key);
        let place = self.link(now, key.interface).enter(next, key.address);
        let entry = self.entries.get_mut(&key).expect("the caller has it");
        entry.state = next;
        entry.since = now;
        entry.place = place;
        entry.sent = 0;
        self.start_timer(now, key);
    }

    /// Takes the entry out without a word and returns the state it was in.
    fn take_out(&mut self, key: Key) -> State {
        self.leave_queues(key);
        self.set_deadline(key, None);
        self.entries.remove(&key).expect("the caller has it").state
    }

    fn leave_queues(&mut self, key: Key) {
        let entry = self.entries.get_mut(&key).expect("the caller has it");
        let link = self.links.get_mut(&key.interface).expect("every entry has its link");
        link.leave(entry.state, entry.place);
        if let Some(place) = entry.waiting.take() {
            link.step_out(class_of(entry.state), place);
        }
    }

    fn set_mac(&mut self, key: Key, mac: MacAddr6) {
        self.entries.get_mut(&key).expect("the caller has it").mac = mac;
    }

    fn link(&mut self, now: Instant, interface: u16) -> &mut Link {
        self.links.entry(interface).or_insert_with(|| Link::new(self.settings.solicit_rate, now))
    }
}
