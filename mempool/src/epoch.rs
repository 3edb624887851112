//! When memory that readers may still look at can be used again: reclamation by quiescent state.
//!
//! A table that changes under its readers takes a piece out of reach, and must not write to it before the last
//! reader that had found it is done. The control thread owns an [`Epochs`]; each worker holds one [`Passage`] of it
//! and calls [`Passage::pass`] where it holds nothing from any table: at the top of its loop. Then
//!
//! 1. the control thread takes pieces out of reach, and closes the epoch: [`Epochs::close`];
//! 2. a worker that passes sees the new epoch, and says so;
//! 3. once all have said so ([`Epochs::passed`]), the pieces are nobody's.
//!
//! No reader waits and none writes to a line that another writes; passing costs one load of a line that hardly
//! changes. A sleeping worker holds memory back until it wakes, so a worker sleeps for a bounded time; one that is
//! gone has dropped its passage and is no longer asked.
//!
//! Why it is right (`INV-GRACE`): the close of an epoch is a release store after the control thread's last store that
//! takes the pieces out of reach, and passing loads it with acquire. So whatever a worker loads after it has passed is the
//! table without them. What it had loaded before is ordered before its own release store, which the control thread
//! loads with acquire before it writes to them. See Hart et al., "Performance of memory reclamation for lockless
//! synchronization" (2007), QSBR.

#[cfg(loom)]
use loom::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};
#[cfg(not(loom))]
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

/// What the passage of a reader that is gone says: it has passed every epoch.
const GONE: u64 = u64::MAX;

#[cfg_attr(not(loom), repr(align(128)))]
#[derive(Debug)]
struct Line(AtomicU64);

/// The control thread's side: counts epochs and knows every reader.
#[derive(Debug)]
pub struct Epochs {
    now: Arc<Line>,
    readers: Vec<Arc<Line>>,
}

/// A reader's side.
#[derive(Debug)]
pub struct Passage {
    now: Arc<Line>,
    seen: Arc<Line>,
    last: u64,
}

impl Epochs {
    /// No reader yet.
    pub fn new() -> Self {
        Self { now: Arc::new(Line(AtomicU64::new(1))), readers: Vec::new() }
    }

    /// Another reader, which has to pass from now on. Give it to its thread before that reads any table.
    pub fn join(&mut self) -> Passage {
        self.forget_gone();
        let last = self.now.0.load(Ordering::Relaxed);
        let seen = Arc::new(Line(AtomicU64::new(last)));
        self.readers.push(seen.clone());
        Passage { now: self.now.clone(), seen, last }
    }

    /// Ends the epoch. Returns the number that [`Epochs::passed`] reaches when no reader has anything any more that
    /// was taken out of reach before this call.
    pub fn close(&mut self) -> u64 {
        let next = self.now.0.load(Ordering::Relaxed) + 1;
        self.now.0.store(next, Ordering::Release);
        next
    }

    /// The newest epoch that every reader has passed.
    pub fn passed(&mut self) -> u64 {
        self.forget_gone();
        let now = self.now.0.load(Ordering::Relaxed);
        self.readers.iter().map(|seen| seen.0.load(Ordering::Acquire)).fold(now, u64::min)
    }

    /// How many readers there are.
    pub fn readers(&self) -> usize {
        self.readers.len()
    }

    fn forget_gone(&mut self) {
        self.readers.retain(|seen| seen.0.load(Ordering::Acquire) != GONE);
    }
}

impl Default for Epochs {
    fn default() -> Self {
        Self::new()
    }
}

impl Passage {
    /// Says that this reader holds nothing from any table.
    #[inline]
    pub fn pass(&mut self) {
        let now = self.now.0.load(Ordering::Acquire);
        if now != self.last {
            self.last = now;
            self.seen.0.store(now, Ordering::Release);
        }
    }
}

impl Drop for Passage {
    fn drop(&mut self) {
        self.seen.0.store(GONE, Ordering::Release);
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn an_epoch_is_over_when_the_slowest_reader_has_passed() {
        let mut epochs = Epochs::new();
        let (mut fast, mut slow) = (epochs.join(), epochs.join());
        let closed = epochs.close();
        fast.pass();
        assert!(epochs.passed() < closed);
        slow.pass();
        assert_eq!(epochs.passed(), closed);
    }

    #[test]
    fn a_reader_that_is_gone_holds_nothing_back() {
        let mut epochs = Epochs::new();
        let gone = epochs.join();
        let closed = epochs.close();
        drop(gone);
        assert_eq!(epochs.passed(), closed);
        assert_eq!(epochs.readers(), 0);
    }

    #[test]
    fn without_readers_everything_has_passed() {
        let mut epochs = Epochs::new();
        let closed = epochs.close();
        assert_eq!(epochs.passed(), closed);
    }
}

#[cfg(all(test, loom))]
mod loom_tests {
    use super::*;
    use loom::sync::atomic::{AtomicU16, AtomicU64 as Word};

    const OLD: u16 = 1;
    const NEW: u16 = 2;
    const REUSED: u16 = 3;

    /// The publication step of both FIBs: a word that names a block of leaves. The writer fills a second block, swings the
    /// word with one release store, closes the epoch, and writes to the first block only when the reader has passed. In
    /// every interleaving and with every reordering that the memory model allows, the reader sees the old or the new
    /// answer, and the new one once it has seen it.
    #[test]
    fn a_reader_sees_the_old_or_the_new_answer_and_never_memory_that_is_used_again() {
        loom::model(|| {
            let word = Arc::new(Word::new(0));
            let leaves = Arc::new([AtomicU16::new(OLD), AtomicU16::new(0)]);
            let mut epochs = Epochs::new();
            let mut passage = epochs.join();
            let reader = {
                let (word, leaves) = (word.clone(), leaves.clone());
                loom::thread::spawn(move || {
                    let mut before = OLD;
                    for _ in 0..2 {
                        passage.pass();
                        let block = word.load(Ordering::Acquire) as usize;
                        let answer = leaves[block].load(Ordering::Relaxed);
                        assert!(answer == OLD || answer == NEW, "half-made or reused: {answer}");
                        assert!(answer >= before, "the old answer after the new one");
                        before = answer;
                    }
                })
            };
            leaves[1].store(NEW, Ordering::Relaxed);
            word.store(1, Ordering::Release);
            let closed = epochs.close();
            for _ in 0..2 {
                if epochs.passed() >= closed {
                    leaves[0].store(REUSED, Ordering::Relaxed);
                    break;
                }
                loom::thread::yield_now();
            }
            reader.join().unwrap();
            assert_eq!(epochs.passed(), closed);
        });
    }
}
