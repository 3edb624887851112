//! Capture files as ports, through the contract that a worker sees.

use proptest::prelude::*;
use ringway_mempool::{Audit, BURST, Burst, Geometry, PagePolicy, Pool};
use ringway_pmd::{LentPools, Opened, Port, PortError, PortSettings, RxQueue, TxQueue, pcap};
use std::path::{Path, PathBuf};
use std::process::Command;

const BUFFERS: u32 = 64;

fn settings(queues: u16) -> PortSettings {
    PortSettings { rx_ring: 64, tx_ring: 64, ..PortSettings::new("p0", queues) }
}

fn pool() -> Pool {
    Pool::new(BUFFERS, Geometry { frame: 1522 }, PagePolicy::Small, false).unwrap()
}

fn check_audit(opened: &Opened, pool: &Pool, burst: &Burst) {
    let audit = Audit {
        capacity: BUFFERS,
        pool: pool.available(),
        receive_rings: opened.rx.iter().map(RxQueue::in_ring).sum(),
        burst: burst.len() as u32,
        held: 0,
        transmit_rings: opened.tx.iter().map(TxQueue::in_flight).sum(),
    };
    assert!(audit.is_exact(), "{audit}");
}

/// Sends frames through a queue of a port that writes `path`, then closes it.
fn record(path: &Path, queues: u16, queue: usize, frames: &[Vec<u8>]) {
    let mut opened = pcap::open(&settings(queues), None, Some(path), 1).unwrap();
    let (mut pool, mut burst) = (pool(), Burst::new());
    for chunk in frames.chunks(BURST) {
        for frame in chunk {
            burst.push(pool.take_filled(frame).unwrap()).unwrap();
        }
        assert_eq!(opened.tx[queue].submit(&mut pool, &mut burst), chunk.len());
        opened.tx[queue].reclaim(&mut pool);
        check_audit(&opened, &pool, &burst);
    }
    opened.tx.iter_mut().for_each(|queue| queue.close(&mut pool));
    opened.port.close();
    assert_eq!(pool.available(), BUFFERS);
    assert_eq!(opened.port.stats().tx_packets, frames.len() as u64);
}

/// Receives until nothing comes any more, at most 10,000 polls.
fn receive(opened: &mut Opened, pool: &mut Pool, limit: usize) -> Vec<Vec<u8>> {
    let (mut burst, mut frames) = (Burst::new(), Vec::new());
    for _ in 0..10_000 {
        let errors = opened.rx[0].stats().errors.get();
        let got = opened.rx[0].poll(pool, &mut burst, limit);
        assert!(got <= limit);
        frames.extend(burst.as_slice().iter().map(|mbuf| pool.frame(mbuf).to_vec()));
        check_audit(opened, pool, &burst);
        pool.give_burst(&mut burst);
        if got == 0 && opened.rx[0].stats().errors.get() == errors {
            break;
        }
    }
    frames
}

fn xstat(port: &Port, name: &str) -> Option<u64> {
    port.xstats().into_iter().find_map(|(found, value)| (found == name).then_some(value))
}

fn frames(count: usize) -> Vec<Vec<u8>> {
    (0..count).map(|number| vec![number as u8; 60 + number % 900]).collect()
}

/// A directory and a capture of `count` frames in it.
fn captured(count: usize) -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("in.pcap");
    record(&path, 1, 0, &frames(count));
    (directory, path)
}

#[test]
fn a_replay_ends_says_so_and_the_port_stays_open() {
    let (_directory, path) = captured(40);
    let mut opened = pcap::open(&settings(1), Some(&path), None, 2).unwrap();
    let mut pool = pool();
    assert_eq!(xstat(&opened.port, "input_frames_left"), Some(80));
    let Port::Pcap(port) = &opened.port else { unreachable!() };
    assert!(!port.finished());
    assert_eq!(receive(&mut opened, &mut pool, 7), [frames(40), frames(40)].concat());
    let Port::Pcap(port) = &opened.port else { unreachable!() };
    assert!(port.finished() && port_is_up(&opened.port));
    assert_eq!(xstat(&opened.port, "input_frames_left"), Some(0));
    assert!(opened.port.info().facts.contains(&("input frames", "40".into())));
}

fn port_is_up(port: &Port) -> bool {
    port.link().up && !port.link().gone
}

#[test]
fn a_replay_without_end_never_finishes() {
    let (_directory, path) = captured(3);
    let mut opened = pcap::open(&settings(1), Some(&path), None, 0).unwrap();
    let (mut pool, mut burst) = (pool(), Burst::new());
    for _ in 0..50 {
        assert_eq!(opened.rx[0].poll(&mut pool, &mut burst, BURST), BURST);
        pool.give_burst(&mut burst);
    }
    let Port::Pcap(port) = &opened.port else { unreachable!() };
    assert!(!port.finished());
    assert_eq!(xstat(&opened.port, "input_frames_left"), None);
}

#[test]
fn an_input_without_frames_is_finished_at_once_even_without_end() {
    let (_directory, path) = captured(0);
    let mut opened = pcap::open(&settings(1), Some(&path), None, 0).unwrap();
    assert!(receive(&mut opened, &mut pool(), BURST).is_empty());
    let Port::Pcap(port) = &opened.port else { unreachable!() };
    assert!(port.finished());
    assert!(opened.notices[0].contains("no frames"), "{:?}", opened.notices);
}

#[test]
fn frames_longer_than_a_buffer_are_errors_and_the_others_pass() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("in.pcap");
    let long = |len: usize| vec![1; len];
    let mut big = Pool::new(8, Geometry { frame: 9018 }, PagePolicy::Small, false).unwrap();
    let mut opened = pcap::open(&settings(1), None, Some(&path), 1).unwrap();
    let mut burst = Burst::new();
    for len in [60, 9000, 61, 9000] {
        burst.push(big.take_filled(&long(len)).unwrap()).unwrap();
    }
    opened.tx[0].submit(&mut big, &mut burst);
    opened.tx[0].close(&mut big);
    let mut opened = pcap::open(&settings(1), Some(&path), None, 1).unwrap();
    assert_eq!(receive(&mut opened, &mut pool(), 1), [long(60), long(61)]);
    assert_eq!(opened.port.stats().rx_errors, 2);
}

#[test]
fn a_dry_pool_delays_a_frame_and_loses_none() {
    let (_directory, path) = captured(2);
    let mut opened = pcap::open(&settings(1), Some(&path), None, 1).unwrap();
    let mut pool = Pool::new(1, Geometry { frame: 1522 }, PagePolicy::Small, false).unwrap();
    let mut burst = Burst::new();
    assert_eq!(opened.rx[0].poll(&mut pool, &mut burst, BURST), 1);
    assert_eq!(opened.port.stats().rx_no_buffer, 1);
    pool.give_burst(&mut burst);
    assert_eq!(opened.rx[0].poll(&mut pool, &mut burst, BURST), 1);
    assert_eq!(pool.frame(&burst.as_slice()[0]), frames(2)[1]);
    pool.give_burst(&mut burst);
}

#[test]
fn each_worker_writes_a_file_of_its_own_and_only_the_first_receives() {
    let (directory, path) = captured(5);
    let out = directory.path().join("out.pcap");
    record(&out, 2, 1, &frames(4));
    for (name, count) in [("out.pcap", 0), ("out.1.pcap", 4)] {
        let mut opened = pcap::open(&settings(1), Some(&directory.path().join(name)), None, 1).unwrap();
        assert_eq!(receive(&mut opened, &mut pool(), BURST), frames(count), "{name}");
    }
    let opened = pcap::open(&settings(2), Some(&path), None, 1).unwrap();
    assert_eq!((opened.rx.len(), opened.tx.len()), (1, 2));
}

#[test]
fn a_port_without_output_counts_what_is_sent_and_forgets_it() {
    let (_directory, path) = captured(1);
    let mut opened = pcap::open(&settings(1), Some(&path), None, 1).unwrap();
    let (mut pool, mut burst) = (pool(), Burst::new());
    burst.push(pool.take_filled(b"0123456789").unwrap()).unwrap();
    assert_eq!(opened.tx[0].submit(&mut pool, &mut burst), 1);
    let stats = opened.port.stats();
    assert_eq!((stats.tx_packets, stats.tx_bytes, stats.tx_errors), (1, 10, 0));
    check_audit(&opened, &pool, &burst);
}

#[test]
fn a_port_without_input_receives_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let mut opened = pcap::open(&settings(1), None, Some(&directory.path().join("out.pcap")), 0).unwrap();
    assert!(receive(&mut opened, &mut pool(), BURST).is_empty());
}

#[test]
fn the_input_is_never_overwritten() {
    let (directory, path) = captured(3);
    let link = directory.path().join("link.pcap");
    std::fs::hard_link(&path, &link).unwrap();
    for output in [&path, &link] {
        let error = pcap::open(&settings(1), Some(&path), Some(output), 1).unwrap_err();
        assert!(error.to_string().contains("would overwrite"), "{error}");
    }
    let mut opened = pcap::open(&settings(1), Some(&path), None, 1).unwrap();
    assert_eq!(receive(&mut opened, &mut pool(), BURST).len(), 3);
}

#[test]
fn what_cannot_be_opened_is_refused_with_a_reason() {
    let directory = tempfile::tempdir().unwrap();
    let text = directory.path().join("text");
    std::fs::write(&text, "not a capture").unwrap();
    let message = |input: &Path| pcap::open(&settings(1), Some(input), None, 1).unwrap_err().to_string();
    assert!(message(&text).contains("no pcap or pcapng file"));
    assert!(message(Path::new("/dev/zero")).contains("no regular file"));
    assert!(message(directory.path()).contains("no regular file"));
    assert!(message(&directory.path().join("missing")).contains("No such file"));
    let error = pcap::open(&settings(1), None, None, 1).unwrap_err();
    assert!(matches!(error, PortError::Refused { .. }), "{error}");
    let nowhere = directory.path().join("nowhere/out.pcap");
    assert!(pcap::open(&settings(1), None, Some(&nowhere), 1).is_err());
}

#[test]
fn a_cut_input_is_used_and_a_notice_says_where_it_ends() {
    let (_directory, path) = captured(10);
    let file = std::fs::read(&path).unwrap();
    std::fs::write(&path, &file[..file.len() - 1]).unwrap();
    let mut opened = pcap::open(&settings(1), Some(&path), None, 1).unwrap();
    assert!(opened.notices[0].contains("is cut short"), "{:?}", opened.notices);
    assert_eq!(receive(&mut opened, &mut pool(), BURST), frames(9));
}

#[test]
fn tcpdump_reads_what_was_written() {
    let (_directory, path) = captured(33);
    let Ok(output) = Command::new("tcpdump").args(["-n", "-e", "-r"]).arg(&path).output() else {
        eprintln!("skipped: needs tcpdump");
        return;
    };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(String::from_utf8_lossy(&output.stdout).matches(" > ").count(), 33);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn what_is_written_is_read_back_equal(
        sent in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..1500), 0..100),
        limit in 1..=BURST,
    ) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("loop.pcap");
        record(&path, 1, 0, &sent);
        let mut opened = pcap::open(&settings(1), Some(&path), None, 1).unwrap();
        prop_assert!(opened.notices.iter().all(|notice| notice.contains("no frames")));
        prop_assert_eq!(receive(&mut opened, &mut pool(), limit), sent);
    }
}

#[test]
fn a_port_started_again_replays_its_input_and_continues_its_output() {
    let (directory, input) = captured(5);
    let output = directory.path().join("out.pcap");
    let mut opened = pcap::open(&settings(1), Some(&input), Some(&output), 1).unwrap();
    let (mut pool, mut burst) = (pool(), Burst::new());
    for _ in 0..2 {
        assert_eq!(opened.rx[0].poll(&mut pool, &mut burst, BURST), 5);
        opened.tx[0].submit(&mut pool, &mut burst);
        opened.rx[0].close(&mut pool);
        opened.tx[0].close(&mut pool);
        opened.port.stop(&mut []).unwrap();
        let queues = opened.port.start(&settings(1), LentPools::default()).unwrap();
        (opened.rx, opened.tx) = (queues.rx, queues.tx);
    }
    let mut written = pcap::open(&settings(1), Some(&output), None, 1).unwrap();
    assert_eq!(receive(&mut written, &mut pool, 32), [frames(5), frames(5)].concat());
}
