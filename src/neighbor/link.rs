//! The table's books of one interface: who is in which state for how long, and who waits for a token.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Instant;

use super::solicit_rate::{Class, SolicitRate};
use super::state::State;

/// A place in a queue. Places are given out in ascending order, so the first is the oldest.
pub(super) type Place = u64;

pub(super) struct Link {
    /// For each state its neighbors, in the order in which they entered it.
    by_state: [BTreeMap<Place, IpAddr>; State::ALL.len()],
    /// Solicitations that wait for a token, in the order in which they were wanted.
    probes: BTreeMap<Place, IpAddr>,
    searches: BTreeMap<Place, IpAddr>,
    rate: SolicitRate,
    /// When the table will look at the waiting ones again.
    pub(super) wake: Option<Instant>,
    next_place: Place,
}

impl Link {
    pub(super) fn new(solicit_rate: u32, now: Instant) -> Self {
        Self {
            by_state: Default::default(),
            probes: BTreeMap::new(),
            searches: BTreeMap::new(),
            rate: SolicitRate::new(solicit_rate, now),
            wake: None,
            next_place: 0,
        }
    }

    pub(super) fn count(&self, state: State) -> usize {
        self.by_state[state as usize].len()
    }

    pub(super) fn resolved(&self) -> usize {
        let resolved = State::ALL.into_iter().filter(|state| state.is_resolved());
        resolved.map(|state| self.count(state)).sum()
    }

    pub(super) fn unresolved(&self) -> usize {
        self.count(State::Incomplete) + self.count(State::Failed)
    }

    /// The neighbor that has been in this state for longest.
    pub(super) fn oldest(&self, state: State) -> Option<IpAddr> {
        self.by_state[state as usize].values().next().copied()
    }

    pub(super) fn enter(&mut self, state: State, address: IpAddr) -> Place {
        let place = self.place();
        self.by_state[state as usize].insert(place, address);
        place
    }

    pub(super) fn leave(&mut self, state: State, place: Place) {
        self.by_state[state as usize].remove(&place);
    }

    /// Lines up for a token; a neighbor whose MAC is known stands before all others.
    pub(super) fn line_up(&mut self, class: Class, address: IpAddr) -> Place {
        let place = self.place();
        self.line(class).insert(place, address);
        place
    }

    pub(super) fn step_out(&mut self, class: Class, place: Place) {
        self.line(class).remove(&place);
    }

    /// The next solicitation that may be sent now. It has left the line and has its token.
    pub(super) fn next_sendable(&mut self, now: Instant) -> Option<IpAddr> {
        let class = self.first_class()?;
        if !self.rate.take(class, now) {
            return None;
        }
        self.line(class).pop_first().map(|(_, address)| address)
    }

    /// When the next solicitation that waits may be sent.
    pub(super) fn sendable_at(&self) -> Option<Instant> {
        self.first_class().map(|class| self.rate.ready_at(class))
    }

    fn first_class(&self) -> Option<Class> {
        if !self.probes.is_empty() {
            Some(Class::Probe)
        } else if !self.searches.is_empty() {
            Some(Class::Search)
        } else {
            None
        }
    }

    fn line(&mut self, class: Class) -> &mut BTreeMap<Place, IpAddr> {
        match class {
            Class::Probe => &mut self.probes,
            Class::Search => &mut self.searches,
        }
    }

    fn place(&mut self) -> Place {
        self.next_place += 1;
        self.next_place
    }
}
