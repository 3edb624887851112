//! Advertisements of Neighbor Discovery: RFC 4861 appendix C, row by row.

use super::*;
use crate::wire::nd::Advertisement;
use std::net::Ipv6Addr;

const NINE: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 9);
const KEY: Key = Key { interface: 1, address: IpAddr::V6(NINE) };

/// What the neighbor says of itself; it is a router.
fn told(target_link: Option<MacAddr6>, solicited: bool, overrides: bool) -> Advertisement {
    Advertisement { router: true, solicited, overrides, target: NINE, target_link }
}

/// A table whose neighbor is in a state, with MAC `A` where it has one.
fn lab(state: State) -> Lab {
    let mut lab = Lab::new(Settings::default());
    lab.need(KEY);
    if state == State::Incomplete {
        return lab;
    }
    lab.table.advertised(lab.now, 1, &told(Some(A), true, true));
    lab.events();
    if state != State::Reachable {
        lab.pass(Duration::from_secs(46));
    }
    if matches!(state, State::Delay | State::Probe) {
        lab.used(KEY);
    }
    if state == State::Probe {
        lab.pass(Duration::from_secs(5));
    }
    assert_eq!(lab.table.count(1, state), 1, "{state}");
    lab
}

/// The state and MAC after an advertisement.
fn after(state: State, mac: Option<MacAddr6>, solicited: bool, overrides: bool) -> (State, Option<MacAddr6>) {
    let mut lab = lab(state);
    lab.table.advertised(lab.now, 1, &told(mac, solicited, overrides));
    let neighbor = lab.table.iter(lab.now).next().unwrap();
    (neighbor.state, neighbor.mac)
}

#[test]
fn an_incomplete_neighbor_needs_a_mac_and_is_confirmed_by_an_answer() {
    assert_eq!(after(State::Incomplete, None, true, true), (State::Incomplete, None));
    assert_eq!(after(State::Incomplete, Some(A), true, false), (State::Reachable, Some(A)));
    assert_eq!(after(State::Incomplete, Some(A), false, false), (State::Stale, Some(A)));
}

#[test]
fn an_answer_without_override_never_moves_a_neighbor() {
    assert_eq!(after(State::Reachable, Some(B), true, false), (State::Stale, Some(A)));
    for state in [State::Stale, State::Delay, State::Probe] {
        assert_eq!(after(state, Some(B), true, false), (state, Some(A)));
    }
}

#[test]
fn an_answer_with_override_moves_and_confirms() {
    for state in [State::Reachable, State::Stale, State::Delay, State::Probe] {
        assert_eq!(after(state, Some(B), true, true), (State::Reachable, Some(B)));
        assert_eq!(after(state, Some(B), false, true), (State::Stale, Some(B)));
        assert_eq!(after(state, Some(A), true, false), (State::Reachable, Some(A)));
        assert_eq!(after(state, None, true, false), (State::Reachable, Some(A)));
        assert_eq!(after(state, Some(A), false, true), (state, Some(A)), "nothing new");
    }
}

#[test]
fn an_advertisement_of_nobody_we_know_makes_no_entry() {
    let mut lab = Lab::new(Settings::default());
    lab.table.advertised(lab.now, 1, &told(Some(A), false, true));
    assert!(lab.table.is_empty() && lab.events().is_empty());
}

#[test]
fn a_neighbor_is_a_router_as_long_as_it_says_so() {
    let mut lab = lab(State::Reachable);
    let router = |lab: &Lab| lab.table.iter(lab.now).next().unwrap().router;
    assert!(router(&lab));
    lab.table.advertised(lab.now, 1, &Advertisement { router: false, ..told(Some(B), true, false) });
    assert!(router(&lab), "what does not override says nothing");
    lab.table.advertised(lab.now, 1, &Advertisement { router: false, ..told(Some(A), true, false) });
    assert!(!router(&lab));
    lab.table.says_whether_router(KEY, true);
    assert!(router(&lab), "it advertises itself as one");
    lab.table.observe(lab.now, 1, KEY.address, B, false, true);
    assert!(router(&lab), "a solicitation says nothing of it");
}
