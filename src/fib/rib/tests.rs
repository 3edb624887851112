use std::collections::BTreeMap;

use proptest::prelude::*;

use std::net::Ipv6Addr;

use super::super::next_hop::Path;
use super::super::{ipv4, ipv6};
use super::*;

fn net(text: &str) -> IpNet {
    text.parse().unwrap()
}

fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn gateway(last: u8) -> NextHop {
    NextHop::Gateway { interface: 1, address: [192, 0, 2, last].into() }
}

fn route(prefix: &str, last: u8, origin: Origin, metric: u32) -> Route {
    Route { prefix: net(prefix), paths: gateway(last).into(), origin, metric }
}

fn paths(rib: &Rib, index: NextHopIndex) -> Paths {
    rib.next_hops().get(index).unwrap().clone()
}

fn lab() -> Rib {
    let mut rib = Rib::new(100);
    rib.set_connected(0, [(1, net("192.0.2.1/24")), (2, net("198.51.100.1/24"))]).unwrap();
    rib
}

#[test]
fn the_lower_distance_wins_and_then_the_lower_metric() {
    let mut rib = Rib::new(10);
    let protocol = route("10.0.0.0/8", 2, Origin::Protocol, 1);
    let far = route("10.0.0.0/8", 3, Origin::Static, 200);
    let near = route("10.0.0.0/8", 4, Origin::Static, 100);
    for one in [&protocol, &far, &near] {
        rib.add(0, one).unwrap();
    }
    assert_eq!(rib.best(0, net("10.0.0.0/8")), Some(near.clone()));
    rib.remove(0, near.prefix, Origin::Static, Some(100)).unwrap();
    assert_eq!(rib.best(0, net("10.0.0.0/8")), Some(far.clone()));
    rib.remove(0, far.prefix, Origin::Static, None).unwrap();
    assert_eq!(rib.best(0, net("10.0.0.0/8")), Some(protocol));
}

#[test]
fn a_route_that_cannot_be_used_makes_way_for_the_next_best() {
    let mut rib = Rib::new(10);
    rib.add(0, &route("10.0.0.0/8", 2, Origin::Static, 0)).unwrap();
    rib.add(0, &route("10.0.0.0/8", 3, Origin::Static, 9)).unwrap();
    rib.add(0, &route("11.0.0.0/8", 2, Origin::Static, 0)).unwrap();
    let usable = |index| rib.next_hops().get(index) != Some(&gateway(2).into());
    let best: Vec<_> =
        rib.decide_ipv4(0, usable).map(|(prefix, index)| (prefix.to_string(), paths(&rib, index))).collect();
    assert_eq!(best, [("10.0.0.0/8".to_owned(), gateway(3).into())]);
    assert_eq!(rib.decide(0, net("11.0.0.0/8"), usable), None);
}

#[test]
fn a_duplicate_is_refused_and_names_what_is_there() {
    let mut rib = Rib::new(10);
    let first = route("10.0.0.0/8", 2, Origin::Static, 0);
    rib.add(0, &first).unwrap();
    let error = rib.add(0, &route("10.0.0.0/8", 3, Origin::Static, 0)).unwrap_err();
    assert_eq!(error, RibError::Duplicate { existing: first });
    assert!(error.to_string().contains("via 192.0.2.2"), "{error}");
    assert_eq!(rib.len(), 1);
}

#[test]
fn a_replaced_route_comes_back_and_leaves_one() {
    let mut rib = Rib::new(1);
    let first = route("10.0.0.0/8", 2, Origin::Static, 0);
    let second = route("10.0.0.0/8", 3, Origin::Static, 0);
    assert_eq!(rib.replace(0, &first), Ok(None));
    assert_eq!(rib.replace(0, &second), Ok(Some(first)));
    assert_eq!(rib.iter(0).collect::<Vec<_>>(), [second]);
    let changed: Vec<_> = rib.take_changes().iter().map(|change| change.prefix).collect();
    assert_eq!(changed, [net("10.0.0.0/8")], "two changes of one prefix are one");
}

#[test]
fn a_route_not_found_names_the_nearest_there_is() {
    let mut rib = Rib::new(10);
    let wide = route("10.0.0.0/8", 2, Origin::Static, 0);
    rib.add(0, &wide).unwrap();
    let error = rib.remove(0, net("10.1.0.0/16"), Origin::Static, None).unwrap_err();
    assert!(error.to_string().contains("10.0.0.0/8 via"), "{error}");
    let error = rib.remove(0, net("10.0.0.0/8"), Origin::Static, Some(7)).unwrap_err();
    assert!(error.to_string().contains("metric 7; the nearest is 10.0.0.0/8"), "{error}");
    let error = rib.remove(0, net("11.0.0.0/8"), Origin::Static, None).unwrap_err();
    assert!(error.to_string().contains("no other route covers it"), "{error}");
}

#[test]
fn a_prefix_with_host_bits_is_refused_with_the_right_one() {
    let error = Rib::new(10).add(0, &route("10.0.0.1/8", 2, Origin::Static, 0)).unwrap_err();
    assert!(error.to_string().contains("the network is 10.0.0.0/8"), "{error}");
}

#[test]
fn a_full_table_refuses_names_its_limit_and_keeps_what_it_has() {
    let mut rib = Rib::new(1);
    rib.add(0, &route("10.0.0.0/8", 2, Origin::Static, 0)).unwrap();
    let error = rib.add(0, &route("11.0.0.0/8", 2, Origin::Static, 0)).unwrap_err();
    assert_eq!(error, RibError::Full { limit: 1, prefix: net("11.0.0.0/8") });
    assert!(rib.set_connected(0, [(1, net("192.0.2.1/24"))]).is_err());
    assert_eq!(rib.len(), 1);
}

#[test]
fn a_gateway_resolves_to_the_interface_of_its_network() {
    assert_eq!(
        lab().resolve_gateway(0, address("198.51.100.254")),
        Ok(NextHop::Gateway { interface: 2, address: address("198.51.100.254") })
    );
}

#[test]
fn a_gateway_behind_a_gateway_is_not_on_link() {
    let mut rib = lab();
    rib.add(0, &route("203.0.113.0/24", 2, Origin::Static, 0)).unwrap();
    let error = rib.resolve_gateway(0, address("203.0.113.9")).unwrap_err();
    assert!(error.to_string().contains("not on a connected network"), "{error}");
    assert!(error.to_string().contains("203.0.113.0/24"), "{error}");
}

#[test]
fn a_gateway_stays_on_link_under_a_more_specific_route() {
    let mut rib = lab();
    rib.add(0, &route("198.51.100.128/25", 2, Origin::Static, 0)).unwrap();
    assert!(rib.resolve_gateway(0, address("198.51.100.254")).is_ok());
}

#[test]
fn our_own_and_broadcast_addresses_are_no_gateways() {
    assert_eq!(
        lab().resolve_gateway(0, address("192.0.2.1")),
        Err(RibError::GatewayIsOurs { gateway: address("192.0.2.1"), interface: 1 })
    );
    for broadcast in ["192.0.2.255", "192.0.2.0"] {
        assert_eq!(
            lab().resolve_gateway(0, address(broadcast)),
            Err(RibError::GatewayIsBroadcast { gateway: address(broadcast), interface: 1 })
        );
    }
}

#[test]
fn connected_routes_follow_the_addresses_and_touch_no_other_route() {
    let mut rib = lab();
    rib.add(0, &route("10.0.0.0/8", 2, Origin::Static, 0)).unwrap();
    assert_eq!(rib.of_origin(Origin::Connected), 8);
    assert_eq!(rib.set_connected(0, [(2, net("198.51.100.1/24"))]), Ok(true));
    assert_eq!(rib.set_connected(0, [(2, net("198.51.100.1/24"))]), Ok(false));
    assert_eq!(rib.of_origin(Origin::Connected), 4);
    assert_eq!(rib.best(0, net("192.0.2.0/24")), None);
    assert!(rib.best(0, net("10.0.0.0/8")).is_some());
}

#[test]
fn a_connected_route_is_not_changed_by_hand() {
    let mut rib = lab();
    let connected = rib.best(0, net("192.0.2.0/24")).unwrap();
    let derived = RibError::Derived { prefix: connected.prefix };
    assert_eq!(rib.add(0, &connected), Err(derived.clone()));
    assert_eq!(rib.replace(0, &connected), Err(derived.clone()));
    assert_eq!(rib.remove(0, connected.prefix, Origin::Connected, None), Err(derived));
}

#[test]
fn an_explanation_lists_all_covering_prefixes_longest_first() {
    let mut rib = lab();
    rib.add(0, &route("0.0.0.0/0", 2, Origin::Static, 0)).unwrap();
    let prefixes: Vec<_> = rib
        .explain(0, address("192.0.2.1"))
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
    rib.add(0, &route("10.0.0.0/24", 2, Origin::Kernel, 0)).unwrap();
    rib.add(0, &route("10.0.0.0/24", 3, Origin::Static, 0)).unwrap();
    assert_eq!(rib.by_length(0).0[24], 3);
    assert_eq!(rib.of_origin(Origin::Kernel), 1);
    rib.remove(0, net("10.0.0.0/24"), Origin::Kernel, None).unwrap();
    assert_eq!(rib.by_length(0).0[24], 3);
    rib.remove(0, net("10.0.0.0/24"), Origin::Static, None).unwrap();
    assert_eq!(rib.by_length(0).0[24], 2);
    assert_eq!(rib.of_origin(Origin::Kernel), 0);
    assert_eq!(rib.len(), 8);
}

#[derive(Debug, Clone)]
enum Step {
    Add(Route),
    Replace(Route),
    Remove(Route, bool),
}

fn any_prefix() -> impl Strategy<Value = IpNet> {
    (0u32..16, 26u8..=32, any::<bool>()).prop_map(|(host, length, ipv6)| {
        let address = if ipv6 { Ipv6Addr::from_bits(host.into()).into() } else { IpAddr::V4(host.into()) };
        IpNet::new(address, if ipv6 { 96 + length } else { length }).unwrap().trunc()
    })
}

fn any_paths() -> impl Strategy<Value = Paths> {
    prop::collection::vec((1u8..9, 1u8..3), 1..4).prop_map(|paths| {
        Paths::new(paths.into_iter().map(|(last, weight)| Path { next_hop: gateway(last), weight })).unwrap()
    })
}

fn any_route() -> impl Strategy<Value = Route> {
    (any_prefix(), any_paths(), 1usize..4, 0u32..3).prop_map(|(prefix, paths, origin, metric)| Route {
        prefix,
        paths,
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
        let mut model: BTreeMap<(IpNet, u8, u32), Route> = BTreeMap::new();
        for step in steps {
            match step {
                Step::Add(route) => {
                    let key = (route.prefix, route.origin.distance(), route.metric);
                    let fits = !model.contains_key(&key) && model.len() < LIMIT;
                    prop_assert_eq!(rib.add(0, &route).is_ok(), fits);
                    if fits {
                        model.insert(key, route);
                    }
                }
                Step::Replace(route) => {
                    let key = (route.prefix, route.origin.distance(), route.metric);
                    if model.contains_key(&key) || model.len() < LIMIT {
                        prop_assert_eq!(rib.replace(0, &route), Ok(model.insert(key, route)));
                    } else {
                        prop_assert!(rib.replace(0, &route).is_err());
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
                        .cloned();
                    prop_assert_eq!(rib.remove(0, route.prefix, route.origin, metric).ok(), found.clone());
                    if let Some(gone) = found {
                        model.remove(&(gone.prefix, gone.origin.distance(), gone.metric));
                    }
                }
            }
            prop_assert_eq!(rib.len(), model.len());
        }
        let all: Vec<Route> = rib.iter(0).collect();
        prop_assert!(all.iter().eq(model.values()));

        // Every path list has as many users as there are routes that point there.
        for (index, list) in rib.next_hops().iter() {
            let routes = model.values().filter(|route| route.paths == *list).count();
            // A list of several uses each of its next hops, until its number is given out again.
            let lists = rib.next_hops().iter().filter(|(_, other)| matches!(other, Paths::Many(_)));
            let has = |other: &Paths| other.iter().any(|path| Paths::One(path.next_hop) == *list);
            let users = routes + lists.filter(|(_, other)| has(other)).count();
            prop_assert_eq!(rib.next_hops().users(index) as usize, users);
        }

        let mut best: BTreeMap<IpNet, Route> = BTreeMap::new();
        for (&(prefix, ..), route) in &model {
            best.entry(prefix).or_insert(route.clone());
        }
        for (&prefix, route) in &best {
            prop_assert_eq!(rib.decide(0, prefix, |_| true).map(|index| paths(&rib, index)), Some(route.paths.clone()));
        }
        // Followed by what changes say of themselves, the best usable routes are those that the routes say.
        let mut followed: BTreeMap<IpNet, NextHopIndex> = BTreeMap::new();
        let usable = |index: NextHopIndex| !index.0.is_multiple_of(3);
        let changes = rib.take_changes();
        prop_assert!(changes.is_sorted_by_key(|change| change.prefix));
        for change in &changes {
            prop_assert_eq!(change.vrf, 0);
            let decided = rib.decide_change(change, usable);
            prop_assert_eq!(decided, rib.decide(0, change.prefix, usable));
            decided.map(|via| followed.insert(change.prefix, via));
        }
        prop_assert!(best.keys().all(|prefix| followed.get(prefix).copied() == rib.decide(0, *prefix, usable)));
        let mut lengths = ([0; 33], [0; 129]);
        for prefix in best.keys() {
            match prefix {
                IpNet::V4(net) => lengths.0[usize::from(net.prefix_len())] += 1,
                IpNet::V6(net) => lengths.1[usize::from(net.prefix_len())] += 1,
            }
        }
        prop_assert_eq!(rib.by_length(0), (&lengths.0[..], &lengths.1[..]));

        // What the workers look up says what the first line of the explanation says.
        let fib = ipv4::Fib::compile(rib.decide_ipv4(0, |_| true));
        let fib6 = ipv6::Fib::compile(rib.decide_ipv6(0, |_| true));
        for host in 0..20u32 {
            let found = [
                (fib.lookup(host), IpAddr::V4(host.into())),
                (fib6.lookup(host.into()), Ipv6Addr::from_bits(host.into()).into()),
            ];
            for (found, address) in found {
                let explained = rib.explain(0, address).first().map(|(_, routes)| routes[0].paths.clone());
                prop_assert_eq!(rib.next_hops().get(found).cloned(), explained);
            }
        }
    }
}
