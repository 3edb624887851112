//! The table's clock: what each timer does when it runs out, and when a solicitation may be sent.

use std::time::Instant;

use super::Table;
use crate::neighbor::event::{Event, Key};
use crate::neighbor::solicit_rate::Class;
use crate::neighbor::state::{self, State, Timeout};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Wake {
    Entry(Key),
    /// A token for solicitations that wait.
    Token(u16),
}

impl Table {
    /// Does what is due. Call it at [`Table::next_deadline`], or later.
    pub fn tick(&mut self, now: Instant) {
        while let Some(&(at, wake)) = self.wakes.first()
            && at <= now
        {
            self.wakes.pop_first();
            match wake {
                Wake::Token(interface) => {
                    self.link(now, interface).wake = None;
                    self.send_waiting(now, interface);
                }
                Wake::Entry(key) => {
                    if let Some(entry) = self.entries.get_mut(&key) {
                        entry.deadline = None;
                        self.expire(now, key);
                    }
                }
            }
        }
    }

    /// When [`Table::tick`] has something to do next.
    pub fn next_deadline(&self) -> Option<Instant> {
        self.wakes.first().map(|&(at, _)| at)
    }

    fn expire(&mut self, now: Instant, key: Key) {
        let entry = &self.entries[&key];
        let before = entry.state;
        let timeout = match entry.waiting {
            // Its turn to be asked for did not come in all that time.
            Some(_) if before == State::Incomplete => Timeout::Become(State::Failed),
            _ => state::after_timeout(before, entry.sent, &self.settings),
        };
        match timeout {
            Timeout::Solicit => self.solicit(now, key),
            Timeout::Become(State::Failed) => self.fail(now, key),
            Timeout::Become(next) => {
                self.change(now, key, next);
                match next {
                    State::Probe => self.solicit(now, key),
                    // Workers report the first use of a STALE neighbor, so each of them is told.
                    State::Stale => self.tell(key),
                    _ => {}
                }
            }
            Timeout::Remove if before == State::Probe => {
                self.take_out(key);
                self.counters.failed += 1;
                self.events.push_back(Event::Failed { key });
            }
            Timeout::Remove => self.drop_entry(key),
        }
    }

    /// Resolution has failed.
    pub(super) fn fail(&mut self, now: Instant, key: Key) {
        self.change(now, key, State::Failed);
        self.counters.failed += 1;
        // RFC 4861 section 7.2.2: "The sender MUST return ICMP destination unreachable indications with code 3
        // (Address Unreachable) for each packet queued awaiting address resolution." The workers hold the packets.
        self.events.push_back(Event::Failed { key });
    }

    /// Wants one solicitation for `key`: sends it now, or when its turn comes.
    pub(super) fn solicit(&mut self, now: Instant, key: Key) {
        let entry = self.entries.get_mut(&key).expect("the caller has it");
        let deadline = match entry.state {
            // If no token comes, its time is over when the last solicitation would have gone unanswered.
            State::Incomplete => {
                let left = self.settings.multicast_solicits.saturating_sub(entry.sent).max(1);
                Some(now + self.settings.retransmit * u32::from(left))
            }
            // It stands before all others and works until it is proven dead, so it waits for its token.
            _ => None,
        };
        let class = class_of(entry.state);
        let link = self.links.get_mut(&key.interface).expect("every entry has its link");
        entry.waiting = Some(link.line_up(class, key.address));
        self.set_deadline(key, deadline);
        self.send_waiting(now, key.interface);
        if self.entries[&key].waiting.is_some() {
            self.counters.suppressed += 1;
        }
    }

    /// Sends what waits, as far as the tokens go.
    fn send_waiting(&mut self, now: Instant, interface: u16) {
        while let Some(address) = self.link(now, interface).next_sendable(now) {
            let key = Key { interface, address };
            let entry = self.entries.get_mut(&key).expect("who leaves the table leaves the line");
            entry.waiting = None;
            entry.sent += 1;
            entry.solicits += 1;
            self.counters.solicits += 1;
            let to = entry.state.is_resolved().then_some(entry.mac);
            self.events.push_back(Event::Solicit { interface, target: address, to });
            // RFC 4861 section 7.2.2: "Retransmissions MUST be rate-limited to at most one solicitation per
            // neighbor every RetransTimer milliseconds."
            self.set_deadline(key, Some(now + self.settings.retransmit));
        }
        let link = self.link(now, interface);
        let (old, new) = (link.wake, link.sendable_at());
        link.wake = new;
        if let Some(at) = old {
            self.wakes.remove(&(at, Wake::Token(interface)));
        }
        if let Some(at) = new {
            self.wakes.insert((at, Wake::Token(interface)));
        }
    }

    /// Starts the timer of a state that was just entered. Those that wait for an answer start theirs with the
    /// solicitation.
    pub(super) fn start_timer(&mut self, now: Instant, key: Key) {
        let settings = &self.settings;
        let time = match self.entries[&key].state {
            // RFC 4861 section 6.3.2: "This value should be a uniformly distributed random value between
            // MIN_RANDOM_FACTOR and MAX_RANDOM_FACTOR times BaseReachableTime milliseconds." (0.5 and 1.5 by
            // section 10.)
            State::Reachable => Some(settings.reachable.mul_f64(0.5 + self.random.f64())),
            State::Stale => Some(settings.stale),
            State::Delay => Some(settings.delay),
            State::Failed => Some(settings.retransmit),
            State::Incomplete | State::Probe | State::Static => None,
        };
        self.set_deadline(key, time.map(|time| now + time));
    }

    pub(super) fn set_deadline(&mut self, key: Key, deadline: Option<Instant>) {
        let entry = self.entries.get_mut(&key).expect("the caller has it");
        if let Some(at) = std::mem::replace(&mut entry.deadline, deadline) {
            self.wakes.remove(&(at, Wake::Entry(key)));
        }
        if let Some(at) = deadline {
            self.wakes.insert((at, Wake::Entry(key)));
        }
    }
}

/// Whose solicitations these are: an entry lines up only while it is probed or searched for.
pub(super) fn class_of(state: State) -> Class {
    if state.is_resolved() { Class::Probe } else { Class::Search }
}
