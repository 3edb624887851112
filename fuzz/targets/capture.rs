//! Capture files: any bytes as a pcap or pcapng file, its frames polled to the end.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ringway_mempool::{Burst, Geometry, PagePolicy, Pool};
use ringway_pmd::{PortSettings, RxQueue, pcap};
use std::io::Write;

fuzz_target!(|bytes: &[u8]| {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    let settings = PortSettings { rx_ring: 32, tx_ring: 32, ..PortSettings::new("fuzz", 1) };
    let Ok(mut opened) = pcap::open(&settings, Some(file.path()), None, 1) else { return };
    let mut pool = Pool::new(32, Geometry { frame: 1522 }, PagePolicy::Small, false).unwrap();
    let mut burst = Burst::new();
    while opened.rx[0].poll(&mut pool, &mut burst, 32) > 0 {
        pool.give_burst(&mut burst);
    }
    assert_eq!(pool.available(), 32);
});
