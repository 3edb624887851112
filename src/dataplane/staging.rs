//! Packets on their way to a port: a burst for each, submitted when full and at the end of each turn.
//!
//! A full transmit ring is retried once, then the rest is dropped with a reason: a slow port loses its own packets and
//! nobody else's. testpmd's `retry` offers more often, with a delay, in the modes that do not route.

use super::counters::WorkerCounters;
use super::drop_reason::DropReason;
use super::modes::Retry;
use super::observe::Observer;
use ringway_mempool::{Burst, Mbuf, Pool, cycles};
use ringway_pmd::{Tx, TxQueue};

/// A worker's transmit queue of a port, and the burst that is being filled for it.
#[repr(align(128))]
pub struct TxPort {
    queue: Tx,
    burst: Burst,
}

impl TxPort {
    /// Nothing staged.
    pub fn new(queue: Tx) -> Self {
        Self { queue, burst: Burst::new() }
    }

    /// Buffers of the pool that this port has, not counting the staged ones.
    pub fn in_flight(&self) -> u32 {
        self.queue.in_flight()
    }
}

/// All transmit ports of a worker, by port number.
pub struct Staging {
    ports: Vec<TxPort>,
    /// Offers to a full port.
    pub retry: Retry,
    /// What `set verbose` shows.
    pub observer: Observer,
}

impl Staging {
    /// One entry a port.
    pub fn new(queues: Vec<Tx>, observer: Observer) -> Self {
        Self { ports: queues.into_iter().map(TxPort::new).collect(), retry: Retry::ONCE, observer }
    }

    /// Puts a packet on its way to a port; a full burst is submitted first.
    #[inline]
    pub fn stage(&mut self, pool: &mut Pool, counters: &WorkerCounters, port: u16, mbuf: Mbuf) {
        let Some(target) = self.ports.get_mut(port as usize) else {
            counters.count_drop(DropReason::PortGone, None);
            pool.give(mbuf);
            return;
        };
        if target.burst.room() == 0 {
            submit(target, pool, counters, port, self.retry, &mut self.observer);
        }
        if let Err(mbuf) = target.burst.push(mbuf) {
            counters.count_drop(DropReason::TransmitFull, None);
            pool.give(mbuf);
        }
    }

    /// Puts a whole burst on its way to a port; the burst is empty after.
    #[inline]
    pub fn stage_burst(&mut self, pool: &mut Pool, counters: &WorkerCounters, port: u16, burst: &mut Burst) {
        match self.ports.get_mut(port as usize) {
            // The common case: the burst changes hands as it is.
            Some(target) if target.burst.is_empty() => std::mem::swap(&mut target.burst, burst),
            _ => {
                for mbuf in burst.drain_front(burst.len()) {
                    self.stage(pool, counters, port, mbuf);
                }
            }
        }
    }

    /// Submits everything staged; after this no mbuf is in a burst here.
    #[inline]
    pub fn flush(&mut self, pool: &mut Pool, counters: &WorkerCounters) {
        for (port, target) in self.ports.iter_mut().enumerate() {
            if !target.burst.is_empty() {
                submit(target, pool, counters, port as u16, self.retry, &mut self.observer);
            }
        }
    }

    /// Brings back what the ports have sent.
    #[inline]
    pub fn reclaim(&mut self, pool: &mut Pool) -> usize {
        self.ports.iter_mut().map(|port| port.queue.reclaim(pool)).sum()
    }

    /// Buffers that the ports have, for the audit.
    pub fn in_flight(&self) -> u32 {
        self.ports.iter().map(TxPort::in_flight).sum()
    }

    /// Gives every buffer back and ends the queues.
    pub fn close(&mut self, pool: &mut Pool, counters: &WorkerCounters) {
        self.flush(pool, counters);
        for port in &mut self.ports {
            port.queue.close(pool);
        }
    }
}

fn submit(
    target: &mut TxPort,
    pool: &mut Pool,
    counters: &WorkerCounters,
    port: u16,
    retry: Retry,
    observer: &mut Observer,
) {
    if observer.verbose.sent {
        observer.show(pool, counters, (port, 0), true, &target.burst);
    }
    let forward = &counters.forward[port as usize];
    forward.tx_bursts[target.burst.len()].add(1);
    let mut taken = target.queue.submit(pool, &mut target.burst);
    // At most `retry.times` more offers.
    for _ in 0..retry.times {
        if target.burst.is_empty() {
            break;
        }
        wait(retry.delay);
        target.queue.reclaim(pool);
        taken += target.queue.submit(pool, &mut target.burst);
    }
    forward.tx_packets.add(taken as u64);
    let refused = target.burst.len();
    if refused > 0 {
        forward.tx_dropped.add(refused as u64);
        for mbuf in target.burst.drain_front(refused) {
            counters.count_drop(DropReason::TransmitFull, None);
            pool.give(mbuf);
        }
    }
}

/// Lets so many cycles pass, as `retry` asks; the configuration bounds them to a millisecond.
fn wait(delay: u64) {
    let start = cycles();
    while cycles().wrapping_sub(start) < delay {
        std::hint::spin_loop();
    }
}
