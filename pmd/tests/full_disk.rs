//! A disk that fills up in the middle of a record. The limit on file sizes plays the full disk; it holds for the whole
//! process, so this test has one of its own.

use ringway_mempool::{BURST, Burst, Geometry, PagePolicy, Pool};
use ringway_pmd::{Opened, PortSettings, RxQueue, TxQueue, pcap};

/// Where the disk is full: inside a record.
const LIMIT: libc::rlim_t = 300_001;

/// Lets files of this process grow to `bytes`.
fn limit_files(bytes: libc::rlim_t) {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: both calls read or write this one structure.
    unsafe {
        assert_eq!(libc::getrlimit(libc::RLIMIT_FSIZE, &raw mut limit), 0);
        limit.rlim_cur = bytes.min(limit.rlim_max);
        assert_eq!(libc::setrlimit(libc::RLIMIT_FSIZE, &raw const limit), 0);
    }
}

/// Sends `count` bursts of full-size frames.
fn send(opened: &mut Opened, pool: &mut Pool, count: usize, octet: u8) {
    let mut burst = Burst::new();
    for _ in 0..count {
        for _ in 0..BURST {
            burst.push(pool.take_filled(&[octet; 1500]).unwrap()).unwrap();
        }
        assert_eq!(opened.tx[0].submit(pool, &mut burst), BURST);
    }
}

fn xstat(opened: &Opened, name: &str) -> u64 {
    opened.port.xstats().into_iter().find(|(found, _)| found == name).unwrap().1
}

#[test]
fn a_full_disk_leaves_a_file_of_whole_records_and_recording_goes_on_when_there_is_room() {
    // SAFETY: ignoring a signal installs no handler; without it the kernel ends a process that passes the limit.
    unsafe { libc::signal(libc::SIGXFSZ, libc::SIG_IGN) };
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("out.pcap");
    let settings = PortSettings { rx_ring: 64, tx_ring: 64, ..PortSettings::new("p0", 1) };
    let mut pool = Pool::new(64, Geometry { frame: 1522 }, PagePolicy::Small, false).unwrap();
    let mut opened = pcap::open(&settings, None, Some(&path), 1).unwrap();

    limit_files(LIMIT);
    send(&mut opened, &mut pool, 22, 1);
    assert_eq!(xstat(&opened, "output_writes"), 1);
    assert_eq!(xstat(&opened, "output_errno"), libc::EFBIG as u64);
    let lost = xstat(&opened, "output_frames_lost");
    assert!(lost > 0);
    assert_eq!(opened.port.stats().tx_errors, lost);
    assert_eq!(std::fs::metadata(&path).unwrap().len(), 24, "half a record is cut off again");

    limit_files(libc::RLIM_INFINITY);
    send(&mut opened, &mut pool, 1, 2);
    opened.tx[0].close(&mut pool);
    assert_eq!(pool.available(), 64);

    let mut input = pcap::open(&settings, Some(&path), None, 1).unwrap();
    assert!(input.notices.is_empty(), "{:?}", input.notices);
    let (mut burst, mut last, mut frames) = (Burst::new(), 0, 0);
    while input.rx[0].poll(&mut pool, &mut burst, BURST) > 0 {
        frames += burst.len() as u64;
        last = pool.frame(&burst.as_slice()[burst.len() - 1])[0];
        pool.give_burst(&mut burst);
    }
    assert_eq!((frames, last), (23 * BURST as u64 - lost, 2));
}
