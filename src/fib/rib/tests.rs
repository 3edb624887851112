use proptest::prelude::*;

use super::super::ipv4::Fib;
use super::super::next_hop::{NextHopIndex, NextHops};
use super::*;

fn net(text: &str) -> Ipv4Net {
    text.parse().unwrap()
}

fn address(text: &str) -> Ipv4Addr {
    text.parse().unwrap()
}

fn gateway(last: u8) -> NextHop {
    NextHop::Gateway { interface: 1, address: Ipv4Addr::new(192, 0, 2, last) }
}

fn route(prefix: &str, last: u8, origin: Origin, metric: u32) -> Route {
    Route { prefix: net(prefix), next_hop: gateway(last), origin, metric }
}

fn lab() -> Rib {
    let mut rib = Rib::new(100);
    rib.set_connected([(1, net("192.0.2.1/24")), (2, net("198.51.100.1/24"))]).unwrap();
    rib
}

#[test]
fn the_lower_distance_wins_and_then_the_lower_metric() {
    let mut rib = Rib::new(10);
    let protocol = route("10.0.0.0/8", 2, Origin::Protocol, 1);
    let far = route("10.0.0.0/8", 3, Origin::Static, 200);
    let near = route("10.0.0.0/8", 4, Origin::Static, 100);
    for one in [protocol, far, near] {
        rib.add(one).unwrap();
    }
    assert_eq!(rib.best(net("10.0.0.0/8")), Some(&near));
    rib.remove(near.prefix, Origin::Static, Some(100)).unwrap();
    assert_eq!(rib.best(net("10.0.0.0/8")), Some(&far));
    rib.remove(far.prefix, Origin::Static, None).unwrap();
    assert_eq!(rib.best(net("10.0.0.0/8")), Some(&protocol));
}

#[test]
fn a_route_that_cannot_be_used_makes_way_for_the_next_best() {
    let mut rib = Rib::new(10);
    rib.add(route("10.0.0.0/8", 2, Origin::Static, 0)).unwrap();
    rib.add(route("10.0.0.0/8", 3, Origin::Static, 9)).unwrap();
    rib.add(route("11.0.0.0/8", 2, Origin::Static, 0)).unwrap();
    let best: Vec<_> = rib.best_usable(|next_hop| *next_hop != gateway(2)).collect();
    assert_eq!(best, [&route("10.0.0.0/8", 3, Origin::Static, 9)]);
}

#[test]
fn a_duplicate_is_refused_and_names_what_is_there() {
    let mut rib = Rib::new(10);
    let first = route("10.0.0.0/8", 2, Origin::Static, 0);
    rib.add(first).unwrap();
    let error = rib.add(route("10.0.0.0/8", 3, Origin::Static, 0)).unwrap_err();
    assert_eq!(error, RibError::Duplicate { existing: first });
    assert!(error.to_string().contains("via 192.0.2.2"), "{error}");
    assert_eq!(rib.len(), 1);
}

#[test]
fn a_replaced_route_comes_back_and_leaves_one() {
    let mut rib = Rib::new(1);
    let first = route("10.0.0.0/8", 2, Origin::Static, 0);
    let second = route("10.0.0.0/8", 3, Origin::Static, 0);
    assert_eq!(rib.replace(first), Ok(None));
    assert_eq!(rib.replace(second), Ok(Some(first)));
    assert_eq!(rib.iter().collect::<Vec<_>>(), [&second]);
}

#[test]
fn a_route_not_found_names_the_nearest_there_is() {
    let mut rib = Rib::new(10);
    let wide = route("10.0.0.0/8", 2, Origin::Static, 0);
    rib.add(wide).unwrap();
    let error = rib.remove(net("10.1.0.0/16"), Origin::Static, None).unwrap_err();
    assert!(error.to_string().contains("10.0.0.0/8 via"), "{error}");
    let error = rib.remove(net("10.0.0.0/8"), Origin::Static, Some(7)).unwrap_err();
    assert!(error.to_string().contains("metric 7; the nearest is 10.0.0.0/8"), "{error}");
    let error = rib.remove(net("11.0.0.0/8"), Origin::Static, None).unwrap_err();
    assert!(error.to_string().contains("no other route covers it"), "{error}");
}

#[test]
fn a_prefix_with_host_bits_is_refused_with_the_right_one() {
    let error = Rib::new(10).add(route("10.0.0.1/8", 2, Origin::Static, 0)).unwrap_err();
    assert!(error.to_string().contains("the network is 10.0.0.0/8"), "{error}");
}

#[test]
fn a_full_table_refuses_names_its_limit_and_keeps_what_it_has() {
    let mut rib = Rib::new(1);
    rib.add(route("10.0.0.0/8", 2, Origin::Static, 0)).unwrap();
    let error = rib.add(route("11.0.0.0/8", 2, Origin::Static, 0)).unwrap_err();
    assert_eq!(error, RibError::Full { limit: 1, prefix: net("11.0.0.0/8") });
    assert!(rib.set_connected([(1, net("192.0.2.1/24"))]).is_err());
    assert_eq!(rib.len(), 1);
}

#[test]
fn a_gateway_resolves_to_the_interface_of_its_network() {
    assert_eq!(
        lab().resolve_gateway(address("198.51.100.254")),
        Ok(NextHop::Gateway { interface: 2, address: address("198.51.100.254") })
    );
}

#[test]
fn a_gateway_behind_a_gateway_is_not_on_link() {
    let mut rib = lab();
    rib.add(route("203.0.113.0/24", 2, Origin::Static, 0)).unwrap();
    let error = rib.resolve_gateway(address("203.0.113.9")).unwrap_err();
    assert!(error.to_string().contains("not on a connected network"), "{error}");
    assert!(error.to_string().contains("203.0.113.0/24"), "{error}");
}

#[test]
fn a_gateway_stays_on_link_under_a_more_specific_route() {
    let mut rib = lab();
    rib.add(route("198.51.100.128/25", 2, Origin::Static, 0)).unwrap();
    assert!(rib.resolve_gateway(address("198.51.100.254")).is_ok());
}

#[test]
fn our_own_and_broadcast_addresses_are_no_gateways() {
    assert_eq!(
        lab().resolve_gateway(address("192.0.2.1")),
        Err(RibError::GatewayIsOurs { gateway: address("192.0.2.1"), interface: 1 })
    );
    for broadcast in ["192.0.2.255", "192.0.2.0"] {
        assert_eq!(
            lab().resolve_gateway(address(broadcast)),
            Err(RibError::GatewayIsBroadcast { gateway: address(broadcast), interface: 1 })
        );
    }
}

#[test]
fn connected_routes_follow_the_addresses_and_touch_no_other_route() {
    let mut rib = lab();
    rib.add(route("10.0.0.0/8", 2, Origin::Static, 0)).unwrap();
    assert_eq!(rib.of_origin(Origin::Connected), 8);
    assert_eq!(rib.set_connected([(2, net("198.51.100.1/24"))]), Ok(true));
    assert_eq!(rib.set_connected([(2, net("198.51.100.1/24"))]), Ok(false));
    assert_eq!(rib.of_origin(Origin::Connected), 4);
    assert_eq!(rib.best(net("192.0.2.0/24")), None);
    assert!(rib.best(net("10.0.0.0/8")).is_some());
}

#[test]
fn a_connected_route_is_not_changed_by_hand() {
    let mut rib = lab();
    let connected = *rib.best(net("192.0.2.0/24")).unwrap();
    let derived = RibError::Derived { prefix: connected.prefix };
    assert_eq!(rib.add(connected), Err(derived));
    assert_eq!(rib.replace(connected), Err(derived));
    assert_eq!(rib.remove(connected.prefix, Origin::Connected, None), Err(derived));
}

#[test]
fn an_explanation_lists_all_covering_prefixes_longest_first() {
    let mut rib = lab();
    rib.add(route("0.0.0.0/0", 2, Origin::Static, 0)).unwrap();
    let prefixes: Vec<_> = rib
        .explain(address("192.0.2.1"))
        .into_iter()
        .map(|(prefix, routes)| {
            assert_eq!(routes[0].prefix, prefix);
            prefix
        })
        .collect();
    assert_eq!(prefixes, [net("192.0.2.1/32"), net("192.0.2.0/24"), net("0.0.0.0/0")]);
}

#[test]
fn counts_follow_additions_and_removals() {
    let mut rib = lab();
    rib.add(route("10.0.0.0/24", 2, Origin::Kernel, 0)).unwrap();
    rib.add(route("10.0.0.0/24", 3, Origin::Static, 0)).unwrap();
    assert_eq!(rib.by_length()[24], 3);
    assert_eq!(rib.of_origin(Origin::Kernel), 1);
    rib.remove(net("10.0.0.0/24"), Origin::Kernel, None).unwrap();
    assert_eq!(rib.by_length()[24], 3);
    rib.remove(net("10.0.0.0/24"), Origin::Static, None).unwrap();
    assert_eq!(rib.by_length()[24], 2);
    assert_eq!(rib.of_origin(Origin::Kernel), 0);
    assert_eq!(rib.len(), 8);
}

#[derive(Debug, Clone, Copy)]
enum Step {
    Add(Route),
    Replace(Route),
    Remove(Route, bool),
}

fn any_route() -> impl Strategy<Value = Route> {
    (0u32..16, 26u8..=32, 1u8..9, 1usize..4, 0u32..3).prop_map(|(host, length, last, origin, metric)| Route {
        prefix: Ipv4Net::new(host.into(), length).unwrap().trunc(),
        next_hop: gateway(last),
        origin: Origin::ALL[origin],
        metric,
    })
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => any_route().prop_map(Step::Add),
        1 => any_route().prop_map(Step::Replace),
        2 => (any_route(), any::<bool>()).prop_map(|(route, exact)| Step::Remove(route, exact)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// The model is a sorted map from (prefix, distance, metric) to the route.
    #[test]
    fn any_sequence_of_changes_leaves_what_the_model_says(
        steps in prop::collection::vec(any_step(), 0..80),
    ) {
        const LIMIT: usize = 20;
        let mut rib = Rib::new(LIMIT);
        let mut model: BTreeMap<(Ipv4Net, u8, u32), Route> = BTreeMap::new();
        for step in steps {
            match step {
                Step::Add(route) => {
                    let key = (route.prefix, route.origin.distance(), route.metric);
                    let fits = !model.contains_key(&key) && model.len() < LIMIT;
                    prop_assert_eq!(rib.add(route).is_ok(), fits);
                    if fits {
                        model.insert(key, route);
                    }
                }
                Step::Replace(route) => {
                    let key = (route.prefix, route.origin.distance(), route.metric);
                    if model.contains_key(&key) || model.len() < LIMIT {
                        prop_assert_eq!(rib.replace(route), Ok(model.insert(key, route)));
                    } else {
                        prop_assert!(rib.replace(route).is_err());
                    }
                }
                Step::Remove(route, exact) => {
                    let metric = exact.then_some(route.metric);
                    let found = model
                        .values()
                        .find(|other| {
                            other.prefix == route.prefix
                                && other.origin == route.origin
                                && metric.is_none_or(|metric| metric == other.metric)
                        })
                        .copied();
                    prop_assert_eq!(rib.remove(route.prefix, route.origin, metric).ok(), found);
                    if let Some(gone) = found {
                        model.remove(&(gone.prefix, gone.origin.distance(), gone.metric));
                    }
                }
            }
            prop_assert_eq!(rib.len(), model.len());
        }
        prop_assert!(rib.iter().eq(model.values()));

        let mut best: BTreeMap<Ipv4Net, Route> = BTreeMap::new();
        for (&(prefix, ..), &route) in &model {
            best.entry(prefix).or_insert(route);
        }
        prop_assert!(rib.best_usable(|_| true).eq(best.values()));
        let mut lengths = [0; 33];
        best.keys().for_each(|prefix| lengths[usize::from(prefix.prefix_len())] += 1);
        prop_assert_eq!(rib.by_length(), lengths);

        // What the workers look up says what the first line of the explanation says.
        let mut next_hops = NextHops::new(100);
        let fib = Fib::compile(rib.best_usable(|_| true).map(|route| {
            (route.prefix, next_hops.intern(route.next_hop).unwrap())
        }));
        for host in 0..20u32 {
            let found = fib.lookup(host);
            let explained = rib.explain(host.into()).first().map(|(_, routes)| routes[0].next_hop);
            prop_assert_eq!(next_hops.get(found), explained);
            prop_assert_eq!(found == NextHopIndex::NO_ROUTE, explained.is_none());
        }
    }
}
