//! DPDK's tables with the same routes.

use crate::measure::{BURST, Contestant, Figure, Results, cpu_nanoseconds, in_bursts, progress};
use crate::tables::Tables;
use ipnet::{Ipv4Net, Ipv6Net};
use ringway::fib::address::Address;
use ringway::fib::next_hop::NextHopIndex;
use ringway_pmd::dpdk::lookup::{Entry, Fib, Fib6, LookupError, Lpm, Lpm6};
use ringway_pmd::dpdk::{Eal, EalSettings, HugePages};
use std::collections::HashSet;
use std::rc::Rc;

/// Free pages of 2 MiB from which on they are used: all of their tables and ours take.
const PAGES: u32 = 900;
/// Memory of EAL without huge pages, in MiB. It is taken as it is touched.
const SMALL_PAGES_MIB: &str = "4096";
/// Routes that come and go need blocks beside those of the table.
const SPARE: u32 = 1024;

/// Starts EAL, on huge pages where there are enough.
pub fn start(results: &mut Results) -> Eal {
    let free = std::fs::read_to_string("/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages").unwrap_or_default();
    let huge = free.trim().parse::<u32>().unwrap_or_default() >= PAGES;
    // In memory: no mounted file system of huge pages is needed, and nothing is left behind.
    let pages: &[&str] = if huge { &["--in-memory"] } else { &["-m", SMALL_PAGES_MIB] };
    // Where the processor has AVX-512, `rte_fib` looks up with it only when it is told that it may.
    let rest = ["--force-max-simd-bitwidth", "512", "--no-pci", "--no-telemetry", "--log-level", "error"];
    let settings = EalSettings {
        huge_pages: if huge { HugePages::On } else { HugePages::Off },
        args: pages.iter().chain(&rest).map(|&word| word.to_owned()).collect(),
        ..EalSettings::default()
    };
    results.note(if huge {
        "DPDK's tables and ours are on 2 MiB pages".into()
    } else {
        format!(
            "DPDK's tables are on 4 KiB pages, ours on transparent huge pages: reserve {PAGES} pages of 2 MiB for a fair race"
        )
    });
    Eal::start(&settings.arguments()).unwrap_or_else(|error| panic!("{error}"))
}

/// The tables. EAL has to outlive them.
pub struct Theirs {
    fib: Fib,
    narrow: Fib,
    fib6: Fib6,
    lpm: Lpm,
    lpm6: Lpm6,
}

fn fail<T>(error: LookupError) -> T {
    panic!("{error}")
}

/// The networks of 24, 32, 40 ... bits with longer routes in them: as many blocks of 256 entries a trie takes, and the first of them
/// a DIR-24-8.
fn blocks<A: Address>(routes: impl Iterator<Item = (A, u8)> + Clone) -> u32 {
    let networks = (24..A::BITS).step_by(8).map(|length| {
        let longer = routes.clone().filter(|route| route.1 > length).map(|route| route.0.network(length));
        longer.collect::<HashSet<_>>().len() as u32
    });
    networks.sum()
}

pub fn load(eal: &Eal, tables: &Tables, results: &mut Results) -> Theirs {
    let (ipv4, ipv6) = (tables.ipv4.iter(), tables.ipv6.iter());
    let longer = blocks(ipv4.clone().map(|(net, _)| (net.network().to_bits(), net.prefix_len()))) + SPARE;
    let trie = blocks(ipv6.clone().map(|(net, _)| (net.network().to_bits(), net.prefix_len()))) * 2 + SPARE;
    // `rte_fib6` sets blocks aside for each route by itself, also where routes share them.
    let set_aside: u32 = ipv6.clone().map(|(net, _)| u32::from(net.prefix_len().saturating_sub(24).div_ceil(8))).sum();
    let (most4, most6) = (tables.ipv4.len() as u32 + 64, tables.ipv6.len() as u32 + 64);

    let mut load = |entry, name| {
        progress(&format!("loading {name}"));
        let mut fib = Fib::new(eal, entry, most4, longer).unwrap_or_else(fail);
        let cost = cpu_nanoseconds(|| {
            for (net, next_hop) in ipv4.clone() {
                fib.add(net.network().to_bits(), net.prefix_len(), next_hop.0).unwrap_or_else(fail);
            }
        });
        results.figure(Figure::new("ipv4-load", name, "ms", vec![cost / 1e6]));
        fib
    };
    let (fib, narrow) = (load(Entry::FourBytes, "rte_fib"), load(Entry::TwoBytes, "rte_fib_2B"));

    progress("loading rte_fib6");
    let mut fib6 = Fib6::new(eal, most6, set_aside + SPARE).unwrap_or_else(fail);
    let cost = cpu_nanoseconds(|| {
        for (net, next_hop) in ipv6.clone() {
            fib6.add(net.network().to_bits(), net.prefix_len(), next_hop.0).unwrap_or_else(fail);
        }
    });
    results.figure(Figure::new("ipv6-load", "rte_fib6", "ms", vec![cost / 1e6]));

    progress("loading rte_lpm");
    let mut lpm = Lpm::new(eal, longer).unwrap_or_else(fail);
    let mut by_length: Vec<_> = ipv4.collect();
    by_length.sort_by_key(|(net, _)| net.prefix_len());
    for (net, next_hop) in by_length {
        lpm.fill(net.network().to_bits(), net.prefix_len(), next_hop.0).unwrap_or_else(fail);
    }
    results.note("rte_lpm's tables are written directly: adding a full table route by route would take hours".into());

    progress("loading rte_lpm6");
    let mut lpm6 = Lpm6::new(eal, most6, trie).unwrap_or_else(fail);
    let cost = cpu_nanoseconds(|| {
        for (net, next_hop) in ipv6 {
            lpm6.add(net.network().to_bits(), net.prefix_len(), next_hop.0).unwrap_or_else(fail);
        }
    });
    results.figure(Figure::new("ipv6-load", "rte_lpm6", "ms", vec![cost / 1e6]));
    Theirs { fib, narrow, fib6, lpm, lpm6 }
}

fn contestant<'a>(name: &'static str, fib: &'a Fib) -> Contestant<'a, u32> {
    Contestant::new(name, move |all: &[u32]| {
        let mut found = [0; BURST];
        in_bursts(all, |burst, _, lane| {
            fib.lookup(burst, &mut found);
            found[lane]
        })
    })
}

impl Theirs {
    pub fn ipv4(&self) -> Vec<Contestant<'_, u32>> {
        let lpm = Contestant::new("rte_lpm", |all: &[u32]| {
            let mut found = [0; BURST];
            in_bursts(all, |burst, _, lane| {
                self.lpm.lookup(burst, &mut found);
                found[lane].into()
            })
        });
        vec![contestant("rte_fib", &self.fib), contestant("rte_fib_2B", &self.narrow), lpm]
    }

    /// The same destinations, as they are in packets.
    pub fn ipv6(&self, destinations: &[u128]) -> Vec<Contestant<'_, u128>> {
        let bytes: Rc<[[u8; 16]]> = destinations.iter().map(|address| address.to_be_bytes()).collect();
        let same = bytes.clone();
        let fib6 = Contestant::new("rte_fib6", move |_: &[u128]| {
            let mut found = [0; BURST];
            in_bursts(&bytes, |burst, _, lane| {
                self.fib6.lookup(burst, &mut found);
                found[lane]
            })
        });
        let lpm6 = Contestant::new("rte_lpm6", move |_: &[u128]| {
            let mut found = [0; BURST];
            in_bursts(&same, |burst, _, lane| {
                self.lpm6.lookup(burst, &mut found);
                // Negative where there is no route.
                found[lane].try_into().unwrap_or_default()
            })
        });
        vec![fib6, lpm6]
    }

    pub fn change_ipv4(&mut self, net: Ipv4Net, next_hop: Option<NextHopIndex>) {
        let (network, length) = (net.network().to_bits(), net.prefix_len());
        let result = match next_hop {
            Some(next_hop) => self.fib.add(network, length, next_hop.0),
            None => self.fib.delete(network, length),
        };
        result.unwrap_or_else(fail);
    }

    pub fn change_ipv6(&mut self, net: Ipv6Net, next_hop: Option<NextHopIndex>) {
        let (network, length) = (net.network().to_bits(), net.prefix_len());
        let result = match next_hop {
            Some(next_hop) => self.fib6.add(network, length, next_hop.0),
            None => self.fib6.delete(network, length),
        };
        result.unwrap_or_else(fail);
    }
}
