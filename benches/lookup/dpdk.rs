//! DPDK's tables with the same routes.

use crate::measure::{BURST, Contestant, Figure, Results, cpu_nanoseconds};
use crate::tables::Tables;
use ipnet::{Ipv4Net, Ipv6Net};
use ringway::fib::next_hop::NextHopIndex;
use ringway_pmd::dpdk::lookup::{Fib, Fib6, LookupError, Lpm, Lpm6};
use ringway_pmd::dpdk::{Eal, EalSettings, HugePages};

/// Routes of the table that `rte_lpm` gets: adding one takes time in proportion to those that are there, so a full table does not load.
const LPM_ROUTES: usize = 20_000;
/// Blocks of 256 entries that the tries of IPv6 may use.
const TRIE_BLOCKS: u32 = 400_000;

/// Starts EAL, on huge pages where there are enough.
pub fn start(results: &mut Results) -> Eal {
    let free = std::fs::read_to_string("/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages").unwrap_or_default();
    let huge = free.trim().parse::<u32>().unwrap_or_default() >= 1000;
    let args = if huge { ["-m", "1900"] } else { ["-m", "2000"] }.map(str::to_owned);
    let settings = EalSettings {
        huge_pages: if huge { HugePages::On } else { HugePages::Off },
        args: [&args[..], &["--no-pci", "--no-telemetry", "--log-level", "error"].map(str::to_owned)].concat(),
        ..EalSettings::default()
    };
    results.note(if huge {
        "DPDK's and our tables are on 2 MiB pages".into()
    } else {
        "DPDK's tables are on 4 KiB pages, ours on transparent huge pages: reserve 1000 pages of 2 MiB for a fair race"
            .into()
    });
    Eal::start(&settings.arguments()).unwrap_or_else(|error| panic!("{error}"))
}

/// The tables. EAL has to outlive them.
pub struct Theirs {
    fib: Fib,
    fib6: Fib6,
    lpm: Lpm,
    lpm6: Lpm6,
}

fn fail<T>(error: LookupError) -> T {
    panic!("{error}")
}

pub fn load(eal: &Eal, tables: &Tables, results: &mut Results) -> Theirs {
    let longer = tables.ipv4.iter().filter(|(net, _)| net.prefix_len() > 24).count() as u32 + 64;
    let mut fib = Fib::new(eal, tables.ipv4.len() as u32 + 64, longer).unwrap_or_else(fail);
    let cost = cpu_nanoseconds(|| {
        for (net, next_hop) in &tables.ipv4 {
            fib.add(net.network().to_bits(), net.prefix_len(), next_hop.0).unwrap_or_else(fail);
        }
    });
    results.figure(Figure::new("ipv4-load", "rte_fib", "ms", vec![cost / 1e6]));
    let mut fib6 = Fib6::new(eal, tables.ipv6.len() as u32 + 64, TRIE_BLOCKS).unwrap_or_else(fail);
    let cost = cpu_nanoseconds(|| {
        for (net, next_hop) in &tables.ipv6 {
            fib6.add(net.network().to_bits(), net.prefix_len(), next_hop.0).unwrap_or_else(fail);
        }
    });
    results.figure(Figure::new("ipv6-load", "rte_fib6", "ms", vec![cost / 1e6]));
    let mut lpm = Lpm::new(eal, LPM_ROUTES as u32 + 64, 4096).unwrap_or_else(fail);
    for (net, next_hop) in tables.ipv4.iter().step_by(tables.ipv4.len().div_ceil(LPM_ROUTES)) {
        lpm.add(net.network().to_bits(), net.prefix_len(), next_hop.0).unwrap_or_else(fail);
    }
    let mut lpm6 = Lpm6::new(eal, tables.ipv6.len() as u32 + 64, TRIE_BLOCKS / 2).unwrap_or_else(fail);
    for (net, next_hop) in &tables.ipv6 {
        lpm6.add(net.network().to_bits(), net.prefix_len(), next_hop.0).unwrap_or_else(fail);
    }
    results.note(format!("rte_lpm has {LPM_ROUTES} of the routes: a full table does not load in reasonable time"));
    Theirs { fib, fib6, lpm, lpm6 }
}

impl Theirs {
    pub fn ipv4(&self) -> Vec<Contestant<'_, u32>> {
        let fib = Contestant::new("rte_fib", |all: &[u32]| {
            let mut found = [0; BURST];
            all.chunks_exact(BURST).fold(0, |sum, burst| {
                self.fib.lookup(burst, &mut found);
                sum + found[0]
            })
        });
        let lpm = Contestant::new("rte_lpm", |all: &[u32]| {
            let mut found = [0; BURST];
            all.chunks_exact(BURST).fold(0, |sum, burst| {
                self.lpm.lookup(burst, &mut found);
                sum + u64::from(found[0])
            })
        });
        vec![fib, lpm]
    }

    /// The same destinations, as they are in packets.
    pub fn ipv6(&self, destinations: &[u128]) -> Vec<Contestant<'_, u128>> {
        let bytes: std::rc::Rc<[[u8; 16]]> = destinations.iter().map(|address| address.to_be_bytes()).collect();
        let same = bytes.clone();
        let fib6 = Contestant::new("rte_fib6", move |_: &[u128]| {
            let mut found = [0; BURST];
            bytes.chunks_exact(BURST).fold(0, |sum, burst| {
                self.fib6.lookup(burst, &mut found);
                sum + found[0]
            })
        });
        let lpm6 = Contestant::new("rte_lpm6", move |_: &[u128]| {
            let mut found = [0; BURST];
            same.chunks_exact(BURST).fold(0, |sum, burst| {
                self.lpm6.lookup(burst, &mut found);
                sum + found[0] as u64
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
