//! What an advertisement does to an entry: RFC 4861 7.2.5, where IPv6 says more than ARP can.

use std::time::Instant;

use super::Table;
use crate::neighbor::event::Key;
use crate::neighbor::state::State;
use crate::wire::nd::Advertisement;

impl Table {
    /// A neighbor has advertised itself, with its MAC or without, asked or not, overriding what is known or not.
    pub fn advertised(&mut self, now: Instant, interface: u16, told: &Advertisement) {
        let key = Key { interface, address: told.target.into() };
        let &Advertisement { router, solicited, overrides, target_link: mac, .. } = told;
        // "If no entry exists, the advertisement SHOULD be silently discarded."
        let Some((state, known)) = self.entries.get(&key).map(|entry| (entry.state, entry.mac)) else { return };
        match state {
            State::Static | State::Failed => {}
            State::Incomplete => {
                // "If the link layer has addresses and no Target Link-Layer Address option is included, the receiving node
                // SHOULD silently discard the received advertisement."
                let Some(mac) = mac else { return };
                if !self.make_room_resolved(now, key.interface) {
                    self.counters.refused += 1;
                    return self.fail(now, key);
                }
                // "It sets the IsRouter flag in the cache entry based on the Router flag in the received advertisement."
                self.says_whether_router(key, router);
                // "If the advertisement's Solicited flag is set, the state of the entry is set to REACHABLE; otherwise, it is
                // set to STALE."
                self.set_mac(key, mac);
                self.change(now, key, if solicited { State::Reachable } else { State::Stale });
                self.tell(key);
            }
            State::Reachable | State::Stale | State::Delay | State::Probe => {
                let moved = mac.is_some_and(|mac| mac != known);
                if moved && !overrides {
                    // "If the Override flag is clear and the supplied link-layer address differs from that in the cache, then
                    // one of two actions takes place: a. If the state of the entry is REACHABLE, set it to STALE, but do not
                    // update the entry in any other way. b. Otherwise, the received advertisement should be ignored".
                    if state == State::Reachable {
                        self.change(now, key, State::Stale);
                        self.tell(key);
                    }
                    return;
                }
                // "The IsRouter flag in the cache entry MUST be set based on the Router flag in the received advertisement."
                self.says_whether_router(key, router);
                if let Some(mac) = mac.filter(|_| moved) {
                    self.set_mac(key, mac);
                    self.counters.moved += 1;
                }
                // "If the Solicited flag is set, the state of the entry MUST be set to REACHABLE. If the Solicited flag is zero
                // and the link-layer address was updated with a different address, the state MUST be set to STALE. Otherwise,
                // the entry's state remains unchanged."
                if solicited {
                    self.change(now, key, State::Reachable);
                } else if moved {
                    self.change(now, key, State::Stale);
                }
                if moved {
                    self.tell(key);
                }
            }
        }
    }

    /// A neighbor has said whether it is a router: by its advertisement, or by what it sends to or as a router. RFC 4861
    /// 6.2.6: of a router solicitation "the Neighbor Cache entry's IsRouter flag MUST be set to FALSE"; 6.3.4: of a router
    /// advertisement "the IsRouter flag in the Neighbor Cache entry [...] MUST be set to TRUE".
    pub fn says_whether_router(&mut self, key: Key, router: bool) {
        if let Some(entry) = self.entries.get_mut(&key) {
            entry.router = router;
        }
    }
}
