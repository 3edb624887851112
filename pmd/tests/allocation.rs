//! Nothing is allocated once a port is open: a counting allocator watches the drivers at work.

use ringway_mempool::{BURST, Burst, Geometry, PagePolicy, Pool};
use ringway_pmd::{Opened, PortSettings, RxQueue, TxQueue, pcap, tap};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

/// The system's allocator, with a count for each thread.
struct Counting;

thread_local! {
    static CALLS: Cell<u64> = const { Cell::new(0) };
}

// SAFETY: every call goes to the system's allocator unchanged; the count is a thread's own and allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        CALLS.set(CALLS.get() + 1);
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        CALLS.set(CALLS.get() + 1);
        // SAFETY: the caller's promises are passed on.
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn settings() -> PortSettings {
    PortSettings { rx_ring: 64, tx_ring: 64, ..PortSettings::new("p0", 1) }
}

/// Receives and sends for a while, and returns how often the allocator was called.
fn turns(opened: &mut Opened, frame: &[u8]) -> u64 {
    let mut pool = Pool::new(128, Geometry { frame: 1522 }, PagePolicy::Small, false).unwrap();
    let mut burst = Burst::new();
    let before = CALLS.get();
    for _ in 0..2000 {
        opened.tx[0].reclaim(&mut pool);
        opened.rx[0].poll(&mut pool, &mut burst, BURST);
        while let Some(mbuf) = pool.take_filled(frame) {
            if let Err(mbuf) = burst.push(mbuf) {
                pool.give(mbuf);
                break;
            }
        }
        opened.tx[0].submit(&mut pool, &mut burst);
        pool.give_burst(&mut burst);
    }
    CALLS.get() - before
}

#[test]
fn replaying_and_recording_allocate_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);
    let mut first = pcap::open(&settings(), None, Some(&path("in.pcap")), 1).unwrap();
    assert_eq!(turns(&mut first, &[5; 200]), 0);
    drop(first);
    let mut second = pcap::open(&settings(), Some(&path("in.pcap")), Some(&path("out.pcap")), 0).unwrap();
    assert_eq!(turns(&mut second, &[6; 200]), 0);
    assert!(second.port.stats().rx_packets > 0);
    let writes = second.port.xstats().into_iter().find(|(name, _)| name == "output_writes");
    assert!(writes.is_some_and(|(_, count)| count > 1), "the buffer was filled and written several times");
}

#[test]
fn a_tap_at_work_allocates_nothing() {
    let test = std::thread::spawn(|| {
        // SAFETY: unshare() touches no memory; only this thread changes its network namespace.
        if unsafe { libc::unshare(libc::CLONE_NEWNET) } != 0 || !std::path::Path::new("/dev/net/tun").exists() {
            eprintln!("skipped: needs root and /dev/net/tun");
            return;
        }
        let mut opened = tap::open(&settings(), "tap0").unwrap();
        // Frames that pass, and one too short that the kernel refuses with an error.
        assert_eq!(turns(&mut opened, &[2; 60]), 0);
        assert_eq!(turns(&mut opened, &[2; 5]), 0);
        let stats = opened.port.stats();
        assert!(stats.tx_packets > stats.tx_errors && stats.tx_errors > 0, "{stats:?}");
    });
    test.join().unwrap();
}
