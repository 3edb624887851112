//! What a change of a route costs while the table is full: a route that is there gets another next hop, is withdrawn, and comes back.

use crate::measure::{Figure, Results, cpu_nanoseconds};
use crate::tables::Tables;
use fastrand::Rng;
use ipnet::{Ipv4Net, Ipv6Net};
use ringway::fib::limits::Limits;
use ringway::fib::next_hop::NextHopIndex;
use ringway::fib::{ipv4, ipv6};
use ringway_mempool::epoch::Epochs;

/// Routes that change in a round, each three times.
const ROUTES: usize = 20_000;
/// Changes of a batch.
const BATCH: usize = 10_000;

type Changes<N> = Vec<(N, Option<NextHopIndex>)>;

/// For each of some random routes: another next hop, none, the first one again.
fn changes<N: Copy>(routes: &[(N, NextHopIndex)], round: usize) -> Changes<N> {
    let mut random = Rng::with_seed(round as u64);
    (0..ROUTES)
        .flat_map(|_| {
            let (prefix, next_hop) = routes[random.usize(..routes.len())];
            let other = NextHopIndex(next_hop.0 % 64 + 1);
            [(prefix, Some(other)), (prefix, None), (prefix, Some(next_hop))]
        })
        .collect()
}

/// Measures changes one by one and in batches, with the memory taken back after each.
macro_rules! measure {
    ($family:literal, $writer:ty, $routes:expr, $rounds:expr, $results:expr) => {{
        let mut writer = <$writer>::new(Limits::default());
        writer.rebuild($routes.iter().copied());
        let mut epochs = Epochs::new();
        let (mut single, mut batched) = (Vec::new(), Vec::new());
        for round in 0..$rounds {
            let changes = changes(&$routes, round);
            let cost = cpu_nanoseconds(|| {
                for change in &changes {
                    writer.apply(std::slice::from_ref(change));
                    writer.reclaim(&mut epochs);
                }
            });
            single.push(cost / changes.len() as f64);
            // Each route once a batch, so that none cancels another.
            let once: Changes<_> =
                changes.chunks(3).map(|three| three[0]).chain(changes.chunks(3).map(|three| three[2])).collect();
            let cost = cpu_nanoseconds(|| {
                for batch in once.chunks(BATCH) {
                    writer.apply(batch);
                    writer.reclaim(&mut epochs);
                }
            });
            batched.push(cost / once.len() as f64);
        }
        $results.figure(Figure::new(concat!($family, "-change"), "ringway", "ns", single));
        $results.figure(Figure::new(concat!($family, "-change-batched"), "ringway", "ns", batched));
    }};
}

pub fn ours(tables: &Tables, rounds: usize, results: &mut Results) {
    measure!("ipv4", ipv4::Writer, tables.ipv4, rounds, results);
    measure!("ipv6", ipv6::Writer, tables.ipv6, rounds, results);
}

/// The same changes, one by one, in DPDK's tables.
#[cfg(feature = "dpdk")]
pub fn theirs(mut theirs: crate::dpdk::Theirs, tables: &Tables, rounds: usize, results: &mut Results) {
    let ipv4: &[(Ipv4Net, NextHopIndex)] = &tables.ipv4;
    let samples: Vec<f64> = (0..rounds)
        .map(|round| {
            let changes = changes(ipv4, round);
            cpu_nanoseconds(|| changes.iter().for_each(|&(net, hop)| theirs.change_ipv4(net, hop)))
                / changes.len() as f64
        })
        .collect();
    finish("ipv4-change", "rte_fib", samples, results);
    let ipv6: &[(Ipv6Net, NextHopIndex)] = &tables.ipv6;
    let samples: Vec<f64> = (0..rounds)
        .map(|round| {
            let changes = changes(ipv6, round);
            cpu_nanoseconds(|| changes.iter().for_each(|&(net, hop)| theirs.change_ipv6(net, hop)))
                / changes.len() as f64
        })
        .collect();
    finish("ipv6-change", "rte_fib6", samples, results);
}

#[cfg(feature = "dpdk")]
fn finish(what: &str, of: &'static str, samples: Vec<f64>, results: &mut Results) {
    if let Some(ours) = results.samples(what, "ringway") {
        results.ratio(format!("{what}-over-{of}"), &ours, &samples);
    }
    results.figure(Figure::new(what, of, "ns", samples));
}
