//! Counters that one thread writes and any thread reads.

use crossbeam_utils::CachePadded;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A count with one writer (`INV-SINGLE-WRITER`): a plain load, addition and store, no locked instruction.
///
/// A reader sees some value the counter had; it never goes backwards.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// Adds `n`; only the owning thread calls this.
    #[inline]
    pub fn add(&self, n: u64) {
        self.0.store(self.0.load(Ordering::Relaxed).wrapping_add(n), Ordering::Relaxed);
    }

    /// Sets the value, for figures that are not counts; only the owning thread calls this.
    #[inline]
    pub fn set(&self, value: u64) {
        self.0.store(value, Ordering::Relaxed);
    }

    /// The value now.
    #[inline]
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// What one receive queue counts.
#[derive(Debug, Default)]
pub struct RxCounters {
    /// Frames handed to the worker.
    pub packets: Counter,
    /// Bytes of these frames, without FCS.
    pub bytes: Counter,
    /// Frames that the device had to drop because its ring was full.
    pub missed: Counter,
    /// Frames that arrived damaged, or that this driver cannot carry (longer than a buffer).
    pub errors: Counter,
    /// Times that no empty buffer could be taken: stays 0 while `INV-BUDGET` holds.
    pub no_buffer: Counter,
    /// Times that a system call of the driver failed.
    pub faults: Counter,
}

/// What one transmit queue counts.
#[derive(Debug, Default)]
pub struct TxCounters {
    /// Frames accepted for transmission.
    pub packets: Counter,
    /// Bytes of these frames, without FCS.
    pub bytes: Counter,
    /// Frames accepted that the device then could not send.
    pub errors: Counter,
    /// Times that a system call of the driver failed.
    pub faults: Counter,
}

/// Shared handle to a receive queue's counters, on cache lines of their own.
pub type RxStats = Arc<CachePadded<RxCounters>>;
/// Shared handle to a transmit queue's counters, on cache lines of their own.
pub type TxStats = Arc<CachePadded<TxCounters>>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_never_sees_a_counter_go_back() {
        let counter = Counter::default();
        std::thread::scope(|scope| {
            scope.spawn(|| (0..100_000).for_each(|_| counter.add(1)));
            let mut last = 0;
            for _ in 0..1000 {
                let now = counter.get();
                assert!(now >= last);
                last = now;
            }
        });
        assert_eq!(counter.get(), 100_000);
    }
}
