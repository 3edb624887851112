//! One test a transition, seen from outside: calls and time in, events and states out.

use super::*;

fn lab() -> Lab {
    Lab::new(Settings::default())
}

#[test]
fn an_unknown_neighbor_is_asked_for_at_once() {
    let mut lab = lab();
    assert_eq!(lab.need(key(1)), [search(key(1))]);
    assert_eq!(lab.state(key(1)), Some(State::Incomplete));
    assert_eq!(lab.mac(key(1)), None);
}

#[test]
fn a_second_packet_starts_no_second_search() {
    let mut lab = lab();
    lab.need(key(1));
    assert_eq!(lab.need(key(1)), []);
}

#[test]
fn an_answer_makes_it_reachable_and_releases_what_is_held() {
    let mut lab = lab();
    lab.need(key(1));
    assert_eq!(lab.answer(key(1), A), [update(key(1), A, false)]);
    assert_eq!(lab.state(key(1)), Some(State::Reachable));
}

#[test]
fn a_request_from_a_neighbor_we_search_resolves_it_without_confirming_it() {
    let mut lab = lab();
    lab.need(key(1));
    assert_eq!(lab.request(key(1), A), [update(key(1), A, true)]);
    assert_eq!(lab.state(key(1)), Some(State::Stale));
}

#[test]
fn three_unanswered_searches_fail_and_the_entry_leaves() {
    let mut lab = lab();
    lab.need(key(1));
    assert_eq!(lab.pass(2 * SECOND), [search(key(1)), search(key(1))]);
    assert_eq!(lab.pass(SECOND), [Event::Failed { key: key(1) }]);
    assert_eq!(lab.state(key(1)), Some(State::Failed));
    assert_eq!(lab.pass(SECOND), []);
    assert!(lab.table.is_empty());
    assert_eq!(lab.table.next_deadline(), None);
}

#[test]
fn traffic_to_a_neighbor_that_just_failed_is_answered_at_once_and_later_searched_again() {
    let mut lab = lab();
    lab.need(key(1));
    lab.pass(3 * SECOND);
    assert_eq!(lab.need(key(1)), [Event::Failed { key: key(1) }]);
    lab.pass(SECOND);
    assert_eq!(lab.need(key(1)), [search(key(1))]);
}

#[test]
fn a_neighbor_that_failed_and_then_speaks_to_us_is_known() {
    let mut lab = lab();
    lab.need(key(1));
    lab.pass(3 * SECOND);
    assert_eq!(lab.overhear(key(1), A), []);
    assert_eq!(lab.state(key(1)), Some(State::Failed));
    assert_eq!(lab.request(key(1), A), [update(key(1), A, true)]);
    assert_eq!(lab.state(key(1)), Some(State::Stale));
}

#[test]
fn reachable_time_is_spread_between_half_and_one_and_a_half() {
    let mut lab = lab();
    for host in 1..=100 {
        lab.request(key(host), A);
        lab.answer(key(host), A);
    }
    let reachable = Settings::default().reachable;
    assert_eq!(lab.pass(reachable / 2 - SECOND), []);
    lab.pass(reachable / 2);
    let stale = lab.table.count(1, State::Stale);
    assert!((20..80).contains(&stale), "{stale}");
    lab.pass(reachable / 2 + SECOND);
    assert_eq!(lab.table.count(1, State::Stale), 100);
}

#[test]
fn going_stale_asks_the_workers_to_report_the_first_use() {
    let mut lab = lab();
    lab.resolve(key(1), A);
    assert_eq!(lab.pass(45 * SECOND), [update(key(1), A, true)]);
    assert_eq!(lab.state(key(1)), Some(State::Stale));
}

#[test]
fn stale_neighbor_still_forwards() {
    let mut lab = lab();
    lab.make_stale(key(1), A);
    assert_eq!(lab.used(key(1)), []);
    assert_eq!(lab.mac(key(1)), Some(A));
    assert_eq!(lab.state(key(1)), Some(State::Delay));
    lab.pass(5 * SECOND);
    assert_eq!(lab.mac(key(1)), Some(A));
    assert_eq!(lab.state(key(1)), Some(State::Probe));
}

#[test]
fn a_used_stale_neighbor_is_probed_by_unicast_after_the_delay() {
    let mut lab = lab();
    lab.make_stale(key(1), A);
    lab.used(key(1));
    assert_eq!(lab.pass(5 * SECOND - Duration::from_millis(1)), []);
    assert_eq!(lab.pass(Duration::from_millis(1)), [probe(key(1), A)]);
}

#[test]
fn a_confirmation_during_the_delay_spares_the_probe() {
    let mut lab = lab();
    lab.make_stale(key(1), A);
    lab.used(key(1));
    assert_eq!(lab.answer(key(1), A), []);
    assert_eq!(lab.state(key(1)), Some(State::Reachable));
    assert_eq!(lab.pass(14 * SECOND), []);
}

#[test]
fn an_answered_probe_makes_it_reachable() {
    let mut lab = lab();
    lab.make_stale(key(1), A);
    lab.used(key(1));
    lab.pass(5 * SECOND);
    assert_eq!(lab.answer(key(1), A), []);
    assert_eq!(lab.state(key(1)), Some(State::Reachable));
}

#[test]
fn a_probe_answered_from_a_new_mac_moves_the_neighbor() {
    let mut lab = lab();
    lab.make_stale(key(1), A);
    lab.used(key(1));
    lab.pass(5 * SECOND);
    assert_eq!(lab.answer(key(1), B), [update(key(1), B, false)]);
    assert_eq!(lab.state(key(1)), Some(State::Reachable));
}

#[test]
fn three_unanswered_probes_remove_the_neighbor_and_the_next_packet_asks_everybody() {
    let mut lab = lab();
    lab.make_stale(key(1), A);
    lab.used(key(1));
    let ask = probe(key(1), A);
    assert_eq!(lab.pass(8 * SECOND), [ask, ask, ask, Event::Failed { key: key(1) }]);
    assert!(lab.table.is_empty());
    assert_eq!(lab.need(key(1)), [search(key(1))]);
}

#[test]
fn an_unused_stale_neighbor_leaves_in_the_end() {
    let mut lab = lab();
    lab.make_stale(key(1), A);
    assert_eq!(lab.pass(600 * SECOND), [Event::Removed { key: key(1) }]);
    assert!(lab.table.is_empty());
}

#[test]
fn a_request_makes_an_unknown_sender_stale() {
    let mut lab = lab();
    assert_eq!(lab.request(key(1), A), [update(key(1), A, true)]);
    assert_eq!(lab.state(key(1)), Some(State::Stale));
}

#[test]
fn what_is_overheard_creates_nobody() {
    let mut lab = lab();
    assert_eq!(lab.overhear(key(1), A), []);
    assert!(lab.table.is_empty());
}

#[test]
fn an_overheard_new_mac_is_taken_and_must_confirm_itself() {
    let mut lab = lab();
    lab.resolve(key(1), A);
    assert_eq!(lab.overhear(key(1), B), [update(key(1), B, true)]);
    assert_eq!(lab.state(key(1)), Some(State::Stale));
    assert_eq!(lab.table.counters().moved, 1);
}

#[test]
fn an_overheard_known_mac_does_not_prolong_reachability() {
    let mut lab = lab();
    lab.resolve(key(1), A);
    lab.pass(14 * SECOND);
    assert_eq!(lab.overhear(key(1), A), []);
    lab.pass(31 * SECOND);
    assert_eq!(lab.state(key(1)), Some(State::Stale));
}

#[test]
fn an_answer_prolongs_reachability() {
    let mut lab = lab();
    lab.resolve(key(1), A);
    for _ in 0..10 {
        assert_eq!(lab.pass(14 * SECOND), []);
        lab.answer(key(1), A);
    }
    assert_eq!(lab.state(key(1)), Some(State::Reachable));
}

#[test]
fn a_worker_that_missed_a_known_neighbor_is_told_its_mac_again() {
    let mut lab = lab();
    lab.resolve(key(1), A);
    assert_eq!(lab.need(key(1)), [update(key(1), A, false)]);
}

#[test]
fn a_worker_that_holds_packets_for_a_stale_neighbor_uses_it() {
    let mut lab = lab();
    lab.make_stale(key(1), A);
    assert_eq!(lab.need(key(1)), [update(key(1), A, false)]);
    assert_eq!(lab.state(key(1)), Some(State::Delay));
}

#[test]
fn a_static_neighbor_never_asks_never_ages_and_hears_nobody() {
    let mut lab = lab();
    lab.table.add_static(lab.now, key(1), A).unwrap();
    assert_eq!(lab.events(), [update(key(1), A, false)]);
    assert_eq!(lab.answer(key(1), B), []);
    assert_eq!(lab.used(key(1)), []);
    assert_eq!(lab.pass(3600 * SECOND), []);
    assert_eq!(lab.state(key(1)), Some(State::Static));
    assert_eq!(lab.mac(key(1)), Some(A));
}

#[test]
fn a_neighbor_set_by_hand_ends_a_search_for_it() {
    let mut lab = lab();
    lab.need(key(1));
    lab.table.add_static(lab.now, key(1), A).unwrap();
    assert_eq!(lab.events(), [update(key(1), A, false)]);
    assert_eq!(lab.pass(10 * SECOND), []);
}

#[test]
fn no_neighbor_is_set_to_a_group_mac() {
    let mut lab = lab();
    let error = lab.table.add_static(lab.now, key(1), MacAddr6::broadcast()).unwrap_err();
    assert!(error.to_string().contains("unicast"), "{error}");
    assert!(lab.table.is_empty());
}

#[test]
fn a_removed_neighbor_is_reported_and_one_that_is_not_there_is_named() {
    let mut lab = lab();
    lab.need(key(1));
    assert_eq!(lab.table.remove(key(1)), Ok(()));
    assert_eq!(lab.events(), [Event::Removed { key: key(1) }]);
    let error = lab.table.remove(key(1)).unwrap_err();
    assert!(error.to_string().contains("192.0.2.1 on interface 1"), "{error}");
}

#[test]
fn an_interface_that_goes_down_forgets_its_own_neighbors_but_not_those_set_by_hand() {
    let mut lab = lab();
    let elsewhere = Key { interface: 2, ..key(1) };
    lab.resolve(key(1), A);
    lab.resolve(elsewhere, A);
    lab.table.add_static(lab.now, key(2), A).unwrap();
    lab.need(key(3));
    lab.events();
    lab.table.interface_down(1);
    assert_eq!(lab.events(), [key(1), key(3)].map(|key| Event::Removed { key }));
    assert_eq!(lab.state(elsewhere), Some(State::Reachable));
    assert_eq!(lab.state(key(2)), Some(State::Static));
}

#[test]
fn a_flush_of_everything_spans_the_interfaces() {
    let mut lab = lab();
    let elsewhere = Key { interface: 2, ..key(1) };
    lab.resolve(key(1), A);
    lab.resolve(elsewhere, A);
    assert_eq!(lab.table.flush(None), 2);
    assert!(lab.table.is_empty());
    assert_eq!(lab.table.occupancy(2).resolved, 0);
}

#[test]
fn a_row_tells_age_and_solicitations() {
    let mut lab = lab();
    lab.need(key(1));
    lab.pass(SECOND);
    lab.answer(key(1), A);
    lab.pass(3 * SECOND);
    let row = lab.row(key(1)).unwrap();
    assert_eq!(row.age, 3 * SECOND);
    assert_eq!(row.solicits, 2);
}
