use ipnet::Ipv6Net;
use proptest::prelude::*;

use super::*;
use crate::fib::address::Address;
use crate::fib::oracle::Oracle;

type Change = (Ipv6Net, Option<NextHopIndex>);

fn net(address: u128, length: u8) -> Ipv6Net {
    Ipv6Net::new(address.into(), length).unwrap().trunc()
}

/// Prefixes crowded into few places, so that nesting, adjacency and equal prefixes are common.
fn prefix() -> impl Strategy<Value = Ipv6Net> {
    let crowded = prop::sample::select(vec![
        0u128,
        0x2001_0db8 << 96,
        0x2001_0db8_0001_0002_0003_0004_0005_0006,
        0x2a00_1450_4001 << 80,
        u128::MAX,
    ]);
    let address = prop_oneof![
        4 => (crowded, any::<u128>(), 0u8..=128).prop_map(|(base, noise, keep)| base ^ (noise & !<u128>::LAST.network(keep))),
        1 => any::<u128>(),
    ];
    let length = prop_oneof![2 => 0u8..=128, 1 => prop::sample::select(vec![16u8, 32, 40, 47, 48, 49, 56, 64, 80, 96, 112, 127, 128])];
    (address, length).prop_map(|(address, length)| net(address, length))
}

fn batch() -> impl Strategy<Value = Vec<Change>> {
    let next_hop = prop_oneof![3 => (1u16..6).prop_map(Some), 1 => Just(Some(0x7fff)), 2 => Just(None)];
    prop::collection::vec((prefix(), next_hop.prop_map(|number| number.map(NextHopIndex))), 0..30)
}

/// Compares at both ends of every route, beside them, and at random places.
fn agrees(fib: &Fib, oracle: &Oracle<u128>, elsewhere: &[u128]) -> Result<(), TestCaseError> {
    let mut destinations = elsewhere.to_vec();
    for &((network, length), _) in oracle.routes() {
        let last = network.broadcast(length);
        destinations.extend([network, last, network.wrapping_sub(1), last.wrapping_add(1)]);
    }
    for burst in destinations.chunks(32) {
        let mut found = [NextHopIndex(0x7ffe); 32];
        fib.lookup_burst(burst, &mut found[..burst.len()]);
        for (&destination, &found) in burst.iter().zip(&found) {
            prop_assert_eq!(found, oracle.lookup(destination), "{:x}", destination);
            prop_assert_eq!(fib.lookup(destination), found);
        }
    }
    prop_assert_eq!(fib.len(), oracle.routes().len());
    Ok(())
}

#[test]
fn an_empty_table_has_no_route_for_anything() {
    let fib = Fib::default();
    assert_eq!(fib.lookup(0), NextHopIndex::NO_ROUTE);
    assert_eq!(fib.lookup(u128::MAX), NextHopIndex::NO_ROUTE);
    assert!(fib.is_empty());
}

#[test]
fn one_nested_route_of_every_length_each_wins_its_own_part() {
    let inner: u128 = 0x2001_0db8_00aa_5555_1234_5678_9abc_def0;
    let routes = (0..=128).map(|length| (net(inner, length), NextHopIndex(u16::from(length) + 1)));
    let fib = Fib::compile(routes);
    assert_eq!(fib.lookup(inner), NextHopIndex(128 + 1));
    for length in 0..128 {
        // Differs from the inner address first in the bit behind the prefix.
        let outside = inner ^ (1 << (128 - 1 - length));
        assert_eq!(fib.lookup(outside), NextHopIndex(length as u16 + 1));
    }
    assert_eq!(fib.zones(), [1; 128 + 1]);
}

#[test]
fn a_prefix_given_twice_counts_once_and_its_later_entry_wins() {
    let fib = Fib::compile([(net(0, 1), NextHopIndex(1)), (net(0, 1), NextHopIndex(2))]);
    assert_eq!(fib.lookup(1), NextHopIndex(2));
    assert_eq!(fib.len(), 1);
}

#[test]
fn a_small_table_costs_a_few_hundred_bytes() {
    let mut writer = Writer::new(Limits::default());
    writer.apply(&[
        (net(0, 0), Some(NextHopIndex(1))),
        (net(0x2001_0db8_00aa_5555_1234_5678_9abc_def0, 24), Some(NextHopIndex(2))),
    ]);
    assert!(writer.reader().memory_bytes() < 1000);
}

#[test]
fn a_full_table_refuses_a_new_prefix_and_goes_on() {
    let mut writer = Writer::new(Limits { routes: 2, ..Limits::default() });
    let (one, two) = (NextHopIndex(1), NextHopIndex(2));
    let applied = writer.apply(&[(net(0, 1), Some(one)), (net(0, 2), Some(two)), (net(0, 3), Some(one))]);
    let reason = FibFull::Routes { limit: 2 };
    assert_eq!(applied.refused, [Refused { prefix: net(0, 3), reason }]);
    assert!(reason.to_string().contains("holds 2 prefixes"));
    assert_eq!(writer.reader().lookup(0), two);
    // One that is there may change, and one that goes makes room.
    let applied = writer.apply(&[(net(0, 2), None), (net(0, 3), Some(one)), (net(0, 1), Some(two))]);
    assert_eq!((applied.changed, applied.refused.len()), (3, 0));
    assert_eq!(writer.reader().len(), 2);
}

#[test]
#[should_panic(expected = "left == right")]
fn a_burst_with_too_few_places_for_its_answers_is_a_bug() {
    Fib::default().lookup_burst(&[1, 2], &mut [NextHopIndex(0)]);
}

/// Enough routes for the large form, all within 3fff::/20, where no other test route lies.
#[test]
fn the_worst_table_is_right_and_within_its_bound() {
    // Each in a /48, /80 and /112 of its own.
    let address = |number: u128| 0x2001_0db8 << 96 | number << 80 | number << 48 | number << 16 | number;
    let routes: Vec<_> =
        (0..20_000).map(|number| (net(address(number), 128), NextHopIndex((number % 2) as u16 + 1))).collect();
    let fib = Fib::compile(routes.iter().copied());
    for &(net, next_hop) in &routes {
        assert_eq!(fib.lookup(net.network().to_bits()), next_hop);
        assert_eq!(fib.lookup(net.network().to_bits() ^ 1 << 100), NextHopIndex::NO_ROUTE);
    }
    // What docs/fib.md says: the directory; two intervals a route at 10 a line, each inner node over 14 of those at least; two lines for each
    // of the three trees; an eighth more.
    let line = 64;
    let bound = (256 << 10) + routes.len() * (3 * 2 * line + 2 * line / 10 * 16 / 14) / 8 * 9 + (64 << 10);
    assert!(fib.memory_bytes() <= bound, "{} of {bound}", fib.memory_bytes());
}

#[test]
fn a_network_of_links_and_hosts_answers_as_the_plain_list() {
    let routes = crate::fib::synthetic::ipv6_inside(3000);
    let fib = Fib::compile(routes.iter().copied());
    let mut oracle = Oracle::default();
    for &(net, next_hop) in &routes {
        oracle.set((net.network().to_bits(), net.prefix_len()), Some(next_hop));
    }
    agrees(&fib, &oracle, &[]).unwrap();
}

fn filler() -> Vec<(Prefix<u128>, NextHopIndex)> {
    (0..1500)
        .map(|number| {
            (
                ((0x3fff_0000 + (number >> 8)) << 96 | (number & 0xff) << 88 | (number & 1) << 80, 48),
                NextHopIndex(number as u16 % 7),
            )
        })
        .collect()
}

fn starting_with(routes: &[(Prefix<u128>, NextHopIndex)], limits: Limits) -> (Writer, Oracle<u128>) {
    let mut writer = Writer::new(limits);
    let mut oracle = Oracle::default();
    writer.rebuild(routes.iter().map(|&((network, length), next_hop)| (net(network, length), next_hop)));
    routes.iter().for_each(|&(prefix, next_hop)| oracle.set(prefix, Some(next_hop)));
    (writer, oracle)
}

#[test]
fn a_large_table_changes_in_place_and_makes_way_for_a_small_one() {
    let (mut writer, _) = starting_with(&filler(), Limits::default());
    let fib = writer.reader();
    assert!(fib.memory_bytes() > 270 << 10);
    let applied = writer.apply(&[(net(0x2001_0db8_0001 << 80, 48), Some(NextHopIndex(9)))]);
    assert!(!applied.republish);
    assert_eq!(fib.lookup(0x2001_0db8_0001 << 80 | 7), NextHopIndex(9));
    let gone: Vec<_> = filler().into_iter().map(|((network, length), _)| (net(network, length), None)).collect();
    assert!(writer.apply(&gone).republish);
    assert!(writer.reader().memory_bytes() < 1000);
    assert_eq!(writer.reader().lookup(0x2001_0db8_0001 << 80 | 7), NextHopIndex(9));
}

#[test]
fn without_memory_to_grow_routes_are_refused_and_withdrawals_are_not() {
    // As much as the first routes take, and no more than a little.
    let taken = starting_with(&filler(), Limits::default()).0.reader().memory_bytes();
    let limits = Limits { memory_bytes: taken + (8 << 10), ..Limits::default() };
    let (mut writer, mut oracle) = starting_with(&filler(), limits);
    agrees(&writer.reader(), &oracle, &[]).unwrap();
    let batch: Vec<_> = (0..12_000u128)
        .map(|number| (net(0x2002 << 112 | number << 80, 48), Some(NextHopIndex(number as u16 % 5 + 1))))
        .collect();
    let applied = writer.apply(&batch);
    assert!(!applied.refused.is_empty());
    assert!(matches!(applied.refused[0].reason, FibFull::Memory { .. }));
    assert_eq!(applied.changed + applied.refused.len(), batch.len());
    for &(net, next_hop) in &batch {
        if !applied.refused.iter().any(|refused| refused.prefix == net) {
            oracle.set((net.network().to_bits(), net.prefix_len()), next_hop);
        }
    }
    agrees(&writer.reader(), &oracle, &[]).unwrap();
    let gone: Vec<_> = filler()[..700].iter().map(|&((network, length), _)| (net(network, length), None)).collect();
    assert!(writer.apply(&gone).refused.is_empty());
    filler()[..700].iter().for_each(|&(prefix, _)| oracle.set(prefix, None));
    agrees(&writer.reader(), &oracle, &[]).unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_batches_leave_what_the_plain_list_says(
        large in any::<bool>(),
        batches in prop::collection::vec(batch(), 1..6),
        elsewhere in prop::collection::vec(any::<u128>(), 16),
    ) {
        let (mut writer, mut oracle) = starting_with(&if large { filler() } else { Vec::new() }, Limits::default());
        let mut epochs = Epochs::new();
        let mut fib = writer.reader();
        for changes in &batches {
            let applied = writer.apply(changes);
            for &(net, next_hop) in changes {
                oracle.set((net.network().to_bits(), net.prefix_len()), next_hop);
            }
            if applied.republish {
                fib = writer.reader();
            }
            agrees(&fib, &oracle, &elsewhere)?;
            writer.reclaim(&mut epochs);
        }
        let mut rebuilt = Writer::new(Limits::default());
        let mut routes: Vec<_> = oracle.routes().to_vec();
        routes.sort_unstable();
        let applied = rebuilt.rebuild(routes.into_iter().map(|((network, length), next_hop)| (net(network, length), next_hop)));
        prop_assert!(applied.republish);
        agrees(&rebuilt.reader(), &oracle, &elsewhere)?;
    }
}
