//! ns a lookup, memory, time to load and to change, of both FIBs: `cargo bench --bench lookup -- --help`.
//!
//! With `--against-dpdk` it measures DPDK's `rte_fib`, `rte_fib6`, `rte_lpm` and `rte_lpm6` in turn with ringway's, in this process and on the
//! same routes and destinations. A sample is one pass over the destinations in bursts of 32, in CPU time of the thread, after one pass that
//! warms the caches.

mod changes;
#[cfg(feature = "dpdk")]
mod dpdk;
mod measure;
mod tables;
mod traffic;

use clap::Parser;
use measure::{BURST, Contestant, Figure, Results, in_bursts, progress};
use ringway::fib::limits::Limits;
use ringway::fib::next_hop::NextHopIndex;
use ringway::fib::synthetic;
use ringway::fib::{ipv4, ipv6};
use std::sync::Arc;
use tables::Tables;
use traffic::Traffic;

/// ns a lookup, memory, time to load and to change, of both FIBs.
#[derive(Debug, Parser)]
struct Options {
    /// Measures DPDK's tables in turn with ours, and ends with ratios: ours over theirs, in cost
    #[arg(long)]
    against_dpdk: bool,
    /// Rounds
    #[arg(long, default_value_t = 7)]
    rounds: usize,
    /// Folder with real route tables; where it has none, the tables are made here
    #[arg(long, env = "RINGWAY_ROUTES", default_value = "../shared/data/routes")]
    routes: std::path::PathBuf,
    /// Makes the tables here even where there are real ones
    #[arg(long)]
    synthetic: bool,
    /// Prints the results as JSON
    #[arg(long)]
    json: bool,
    /// Whatever cargo adds
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() {
    let options = Options::parse();
    let tables = Tables::open(&options.routes, options.synthetic);
    let mut results = Results::new(&tables);
    #[cfg(feature = "dpdk")]
    let eal = options.against_dpdk.then(|| dpdk::start(&mut results));
    #[cfg(not(feature = "dpdk"))]
    if options.against_dpdk {
        eprintln!("lookup: this build has no DPDK; build with the feature `dpdk`");
        std::process::exit(2);
    }
    progress("loading ringway's tables");
    let ours4 = load_ipv4(&tables, options.rounds, &mut results);
    let ours6 = load_ipv6(&tables, options.rounds, &mut results);

    #[cfg(feature = "dpdk")]
    let theirs = eal.as_ref().map(|eal| dpdk::load(eal, &tables, &mut results));

    for traffic in Traffic::ALL {
        let destinations = traffic.ipv4(&tables.ipv4);
        let mut contestants = vec![
            Contestant::new("ringway", |all: &[u32]| run_ipv4_ahead(&ours4, all)),
            Contestant::new("not_ahead", |all: &[u32]| run_ipv4(&ours4, all)),
        ];
        #[cfg(feature = "dpdk")]
        if let Some(theirs) = &theirs {
            contestants.extend(theirs.ipv4());
        }
        results.race(&format!("ipv4-{traffic}"), options.rounds, &destinations, contestants);
    }
    for traffic in Traffic::ALL {
        let destinations = traffic.ipv6(&tables.ipv6);
        let mut contestants = vec![Contestant::new("ringway", |all: &[u128]| run_ipv6(&ours6, all))];
        #[cfg(feature = "dpdk")]
        if let Some(theirs) = &theirs {
            contestants.extend(theirs.ipv6(&destinations));
        }
        results.race(&format!("ipv6-{traffic}"), options.rounds, &destinations, contestants);
    }
    if !options.against_dpdk {
        special(options.rounds, &mut results);
        by_size(&tables, options.rounds, &mut results);
    }
    progress("changes");
    changes::ours(&tables, options.rounds, &mut results);
    #[cfg(feature = "dpdk")]
    if let Some(theirs) = theirs {
        changes::theirs(theirs, &tables, options.rounds, &mut results);
    }
    results.print(options.json);
}

/// Looks all of it up in bursts.
fn run_ipv4(fib: &ipv4::Fib, all: &[u32]) -> u64 {
    let mut found = [NextHopIndex::NO_ROUTE; BURST];
    in_bursts(all, |burst, _, lane| {
        fib.lookup_burst(burst, &mut found);
        found[lane].0.into()
    })
}

fn run_ipv6(fib: &ipv6::Fib, all: &[u128]) -> u64 {
    let mut found = [NextHopIndex::NO_ROUTE; BURST];
    in_bursts(all, |burst, _, lane| {
        fib.lookup_burst(burst, &mut found);
        found[lane].0.into()
    })
}

/// The same with the first line of the next burst asked for a burst ahead.
fn run_ipv4_ahead(fib: &ipv4::Fib, all: &[u32]) -> u64 {
    let mut found = [NextHopIndex::NO_ROUTE; BURST];
    in_bursts(all, |burst, next, lane| {
        fib.prefetch(next);
        fib.lookup_burst(burst, &mut found);
        found[lane].0.into()
    })
}

fn load_ipv4(tables: &Tables, rounds: usize, results: &mut Results) -> Arc<ipv4::Fib> {
    let mut writer = ipv4::Writer::new(Limits::default());
    let milliseconds =
        (0..rounds).map(|_| measure::cpu_nanoseconds(|| writer.rebuild(tables.ipv4.iter().copied())) / 1e6);
    let milliseconds = milliseconds.collect();
    results.figure(Figure::new("ipv4-load", "ringway", "ms", milliseconds));
    results.figure(Figure::new("ipv4-memory", "ringway", "MB", vec![writer.reader().memory_bytes() as f64 / 1e6]));
    writer.reader()
}

fn load_ipv6(tables: &Tables, rounds: usize, results: &mut Results) -> Arc<ipv6::Fib> {
    let mut writer = ipv6::Writer::new(Limits::default());
    let milliseconds =
        (0..rounds).map(|_| measure::cpu_nanoseconds(|| writer.rebuild(tables.ipv6.iter().copied())) / 1e6);
    let milliseconds = milliseconds.collect();
    results.figure(Figure::new("ipv6-load", "ringway", "ms", milliseconds));
    results.figure(Figure::new("ipv6-memory", "ringway", "MB", vec![writer.reader().memory_bytes() as f64 / 1e6]));
    writer.reader()
}

/// Tables that are not like the Internet's: the worst for IPv4, and a network's inside for IPv6.
fn special(rounds: usize, results: &mut Results) {
    let worst = synthetic::ipv4_worst(1_000_000);
    let fib = ipv4::Fib::compile(worst.iter().copied());
    results.figure(Figure::new("ipv4-worst-memory", "ringway", "MB", vec![fib.memory_bytes() as f64 / 1e6]));
    for traffic in [Traffic::PerPrefix, Traffic::Zipf] {
        let ours = Contestant::new("ringway", |all: &[u32]| run_ipv4(&fib, all));
        results.race(&format!("ipv4-worst-{traffic}"), rounds, &traffic.ipv4(&worst), vec![ours]);
    }
    for size in [10_000, 100_000] {
        let inside = synthetic::ipv6_inside(size);
        let fib = ipv6::Fib::compile(inside.iter().copied());
        let name = format!("ipv6-inside-{}k", size / 1000);
        let megabytes = fib.memory_bytes() as f64 / 1e6;
        results.figure(Figure::new(&format!("{name}-memory"), "ringway", "MB", vec![megabytes]));
        for traffic in [Traffic::PerPrefix, Traffic::Zipf] {
            let ours = Contestant::new("ringway", |all: &[u128]| run_ipv6(&fib, all));
            results.race(&format!("{name}-{traffic}"), rounds, &traffic.ipv6(&inside), vec![ours]);
        }
    }
}

/// The same traffic over parts of the tables: every so many routes.
fn by_size(tables: &Tables, rounds: usize, results: &mut Results) {
    for size in [10, 100, 1_000, 3_000, 10_000, 30_000, 100_000, 300_000, 1_000_000] {
        if let Some(step) = tables.ipv4.len().checked_div(size).filter(|&step| step > 0) {
            let part: Vec<_> = tables.ipv4.iter().copied().step_by(step).collect();
            let fib = ipv4::Fib::compile(part.iter().copied());
            for traffic in Traffic::ALL {
                let ours = Contestant::new("ringway", |all: &[u32]| run_ipv4(&fib, all));
                results.race(&format!("ipv4-{traffic}-{size}"), rounds, &traffic.ipv4(&part), vec![ours]);
            }
        }
        if let Some(step) = tables.ipv6.len().checked_div(size).filter(|&step| step > 0) {
            let part: Vec<_> = tables.ipv6.iter().copied().step_by(step).collect();
            let fib = ipv6::Fib::compile(part.iter().copied());
            for traffic in Traffic::ALL {
                let ours = Contestant::new("ringway", |all: &[u128]| run_ipv6(&fib, all));
                results.race(&format!("ipv6-{traffic}-{size}"), rounds, &traffic.ipv6(&part), vec![ours]);
            }
        }
    }
}
