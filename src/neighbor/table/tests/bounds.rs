//! What floods and full tables do, and do not do.

use super::*;

fn small() -> Lab {
    Lab::new(Settings { max_per_interface: 4, ..Settings::default() })
}

fn scan_target(number: u32) -> Key {
    Key { interface: 1, address: Ipv4Addr::from(0x0a00_0000 + number).into() }
}

#[test]
fn the_oldest_search_makes_room_and_is_reported_failed() {
    let mut lab = small();
    lab.need(key(1));
    lab.need(key(2));
    let events = lab.need(key(3));
    assert_eq!(events, [Event::Failed { key: key(1) }, search(key(3))]);
    assert_eq!(lab.table.counters().evicted_incomplete, 1);
    assert_eq!(lab.table.occupancy(1).unresolved, 2);
}

#[test]
fn one_that_has_failed_makes_room_before_one_that_is_searched() {
    let mut lab = small();
    lab.need(key(1));
    lab.pass(SECOND);
    lab.need(key(2));
    lab.pass(2 * SECOND);
    assert_eq!(lab.state(key(1)), Some(State::Failed));
    assert_eq!(lab.need(key(3)), [search(key(3))]);
    assert_eq!(lab.state(key(1)), None);
    assert_eq!(lab.state(key(2)), Some(State::Incomplete));
}

#[test]
fn an_answer_that_comes_after_its_search_was_pushed_out_still_resolves() {
    let mut lab = small();
    for host in 1..=3 {
        lab.need(key(host));
    }
    assert_eq!(lab.answer(key(1), A), [update(key(1), A, true)]);
}

#[test]
fn a_scan_of_a_connected_slash_8_changes_neither_memory_nor_the_known_neighbors() {
    let mut lab = Lab::new(Settings::default());
    for host in 1..=100 {
        lab.resolve(key(host), A);
        // Some time apart, for the rate.
        lab.pass(Duration::from_millis(20));
    }
    let before: Vec<_> = (1..=100).map(|host| lab.state(key(host))).collect();
    let solicits = lab.table.counters().solicits;
    for number in 0..50_000 {
        lab.table.need(lab.now, scan_target(number));
        lab.pass(Duration::from_micros(20));
        assert!(lab.table.len() <= 100 + 512);
    }
    let after: Vec<_> = (1..=100).map(|host| lab.state(key(host))).collect();
    assert_eq!(before, after);
    // One second at 100 a second, and the burst.
    assert!(lab.table.counters().solicits - solicits <= 125);
    assert!(lab.table.links[&1].unresolved() <= 512);
    assert!(lab.table.wakes.len() <= lab.table.len() + 1);
}

#[test]
fn a_neighbor_is_still_probed_and_confirmed_while_a_scan_goes_on() {
    let mut lab = Lab::new(Settings::default());
    lab.make_stale(key(1), A);
    lab.used(key(1));
    let mut probed = false;
    for number in 0..6_000 {
        lab.table.need(lab.now, scan_target(number));
        probed |= lab.pass(Duration::from_millis(1)).contains(&probe(key(1), A));
    }
    assert!(probed);
    assert_eq!(lab.mac(key(1)), Some(A));
}

#[test]
fn a_full_table_lets_the_oldest_stale_neighbor_go_for_one_that_answers() {
    let mut lab = small();
    lab.make_stale(key(1), A);
    lab.make_stale(key(2), A);
    lab.resolve(key(3), A);
    lab.resolve(key(4), A);
    lab.need(key(5));
    let events = lab.answer(key(5), B);
    assert_eq!(events, [Event::Removed { key: key(1) }, update(key(5), B, false)]);
    assert_eq!(lab.table.counters().evicted_stale, 1);
    assert_eq!(lab.table.occupancy(1).resolved, 4);
}

#[test]
fn a_table_full_of_neighbors_in_use_refuses_a_new_one_and_says_so() {
    let mut lab = small();
    for host in 1..=4 {
        lab.resolve(key(host), A);
    }
    lab.need(key(5));
    assert_eq!(lab.answer(key(5), B), [Event::Failed { key: key(5) }]);
    assert_eq!(lab.request(key(6), B), []);
    assert_eq!(lab.table.counters().refused, 2);
    let error = lab.table.add_static(lab.now, key(7), B).unwrap_err();
    assert!(error.to_string().contains("has 4 resolved"), "{error}");
    assert_eq!(lab.table.occupancy(1).resolved, 4);
}

#[test]
fn one_full_interface_leaves_another_alone() {
    let mut lab = small();
    for host in 1..=4 {
        lab.resolve(key(host), A);
    }
    lab.resolve(Key { interface: 2, ..key(5) }, B);
}

#[test]
fn searches_beyond_the_rate_wait_for_their_turn_and_none_is_lost() {
    let mut lab = Lab::new(Settings::default());
    let mut asked = Vec::new();
    for number in 0..200 {
        asked.extend(lab.need(scan_target(number)));
    }
    assert_eq!(asked.len(), 19);
    assert_eq!(lab.table.counters().suppressed, 181);
    for number in 0..19 {
        lab.answer(scan_target(number), A);
    }
    asked.extend(lab.pass(2 * SECOND - Duration::from_millis(1)));
    let first_time = (0..200).filter(|&number| asked.contains(&search(scan_target(number))));
    assert_eq!(first_time.count(), 200);
    assert!(!asked.iter().any(|e| matches!(e, Event::Failed { .. })));
}

#[test]
fn a_search_whose_turn_never_comes_fails_in_time() {
    let mut lab = Lab::new(Settings { solicit_rate: 1, ..Settings::default() });
    for host in 1..=30 {
        lab.need(key(host));
    }
    let failed = |events: &[Event]| events.iter().filter(|e| matches!(e, Event::Failed { .. })).count();
    let events = lab.pass(3 * SECOND);
    assert!(failed(&events) >= 24, "{events:?}");
}
