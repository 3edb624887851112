//! What `set verbose` shows: the first bytes of received and sent packets, copied for the control thread to print.
//!
//! A worker formats nothing and waits for nobody: it copies into a bounded ring, as many packets a second as a person can
//! read, and counts the others.

use super::counters::WorkerCounters;
use super::limiter::TokenBucket;
use super::modes::Verbose;
use ringway_mempool::border::Producer;
use ringway_mempool::{Burst, Pool, cycles, cycles_per_second};

/// Bytes of a packet that are copied: every header that is shown fits.
pub const BYTES: usize = 128;
/// Packets a worker shows in a second.
const PER_SECOND: u32 = 200;

/// A packet that was shown, beside its first bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Observed {
    /// Port number.
    pub port: u16,
    /// Queue number.
    pub queue: u16,
    /// Sent, otherwise received.
    pub sent: bool,
    /// Packets of its burst.
    pub burst: u16,
    /// Its place in the burst, from 0.
    pub place: u16,
    /// Its length in bytes.
    pub len: u16,
}

/// The worker's side.
pub struct Observer {
    /// What is to be shown.
    pub verbose: Verbose,
    ring: Option<Producer<Observed>>,
    limit: TokenBucket,
}

impl Observer {
    /// Shows nothing until told otherwise; without a ring it never does.
    pub fn new(ring: Option<Producer<Observed>>) -> Self {
        let limit = TokenBucket::new(PER_SECOND, PER_SECOND, cycles_per_second(), cycles());
        Self { verbose: Verbose::default(), ring, limit }
    }

    /// Copies the packets of a burst, as far as the limit and the ring allow; counts the others.
    #[cold]
    pub fn show(
        &mut self,
        pool: &Pool,
        counters: &WorkerCounters,
        (port, queue): (u16, u16),
        sent: bool,
        burst: &Burst,
    ) {
        let now = cycles();
        for (place, mbuf) in burst.as_slice().iter().enumerate() {
            let frame = pool.frame(mbuf);
            let seen =
                Observed { port, queue, sent, burst: burst.len() as u16, place: place as u16, len: frame.len() as u16 };
            let head = &frame[..frame.len().min(BYTES)];
            let shown = self.limit.take(now) && self.ring.as_mut().is_some_and(|ring| ring.send(seen, head).is_ok());
            if !shown {
                counters.not_shown.add(1);
            }
        }
    }
}
