//! DPDK's longest-prefix matches, as comparisons call them: each answers with the longest prefix, and says when it is full.
#![cfg(feature = "dpdk")]

use ringway_pmd::dpdk::lookup::{Entry, Fib, Fib6, Lpm, Lpm6};
use ringway_pmd::dpdk::{Eal, EalSettings, HugePages};

/// Network, length, next hop.
const ROUTES: [(u32, u8, u16); 4] =
    [(0x0a00_0000, 8, 1), (0x0a01_0000, 16, 2), (0x0a01_0200, 24, 3), (0x0a01_0280, 25, 4)];
/// Five, so that lookups by four have a rest.
const DESTINATIONS: [u32; 5] = [0x0a01_0281, 0x0a01_0201, 0x0a01_ff01, 0x0aff_0001, 0x0b00_0001];
/// What they are to find; 0 is no route.
const FOUND: [u32; 5] = [4, 3, 2, 1, 0];

/// The same in IPv6: behind 2001:db8::/32, with the numbers above as the next 32 bits.
fn six(network: u32, length: u8) -> (u128, u8) {
    (0x2001_0db8 << 96 | u128::from(network) << 64, 32 + length)
}

/// One test, since EAL starts once in a process; each table is gone before the next is made.
#[test]
fn every_table_answers_with_the_longest_prefix() {
    let args = ["-m", "256", "--no-telemetry", "--no-shconf", "--no-pci"].map(String::from).to_vec();
    let settings = EalSettings { huge_pages: HugePages::Off, args, ..EalSettings::default() };
    let eal = Eal::start(&settings.arguments()).unwrap();

    for entry in [Entry::TwoBytes, Entry::FourBytes] {
        let mut fib = Fib::new(&eal, entry, 16, 8).unwrap();
        ROUTES.iter().for_each(|(network, length, next_hop)| fib.add(*network, *length, *next_hop).unwrap());
        let mut found = [u64::MAX; 5];
        fib.lookup(&DESTINATIONS, &mut found);
        assert_eq!(found, FOUND.map(u64::from));
        fib.delete(ROUTES[3].0, ROUTES[3].1).unwrap();
        fib.lookup(&DESTINATIONS, &mut found);
        assert_eq!(found[0], 3, "the shorter prefix answers again");
    }

    let mut lpm = Lpm::new(&eal, 1).unwrap();
    ROUTES.iter().for_each(|(network, length, next_hop)| lpm.fill(*network, *length, *next_hop).unwrap());
    let mut found = [u32::MAX; 5];
    lpm.lookup(&DESTINATIONS, &mut found);
    assert_eq!(found, FOUND);
    let full = lpm.fill(0x0c00_0000, 25, 5).unwrap_err().to_string();
    assert!(full.contains("rte_lpm refused to add a route"), "{full}");
    drop(lpm);

    let destinations = DESTINATIONS.map(|destination| (six(destination, 0).0 | 1).to_be_bytes());
    let mut fib = Fib6::new(&eal, 16, 64).unwrap();
    for (network, length, next_hop) in ROUTES {
        let (network, length) = six(network, length);
        fib.add(network, length, next_hop).unwrap();
    }
    let mut found = [u64::MAX; 5];
    fib.lookup(&destinations, &mut found);
    assert_eq!(found, FOUND.map(u64::from));
    let (network, length) = six(ROUTES[3].0, ROUTES[3].1);
    fib.delete(network, length).unwrap();
    fib.lookup(&destinations, &mut found);
    assert_eq!(found[0], 3, "the shorter prefix answers again");
    drop(fib);

    let mut lpm = Lpm6::new(&eal, 16, 64).unwrap();
    for (network, length, next_hop) in ROUTES {
        let (network, length) = six(network, length);
        lpm.add(network, length, next_hop).unwrap();
    }
    let mut found = [i32::MAX; 5];
    lpm.lookup(&destinations, &mut found);
    assert_eq!(found, [4, 3, 2, 1, -1]);
}
