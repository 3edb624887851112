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

/// A worker's transmit queues of a port, and the burst that is being filled for it.
#[repr(align(128))]
#[derive(Default)]
struct TxPort {
    /// The one that is sent by; none while the port is stopped.
    queue: Option<Tx>,
    burst: Burst,
    number: u16,
    /// Further ones, which are only kept until they are taken back.
    spare: Vec<(u16, Tx)>,
}

impl TxPort {
    fn new(number: u16, queue: Tx) -> Self {
        Self { queue: Some(queue), number, ..Self::default() }
    }

    fn give(&mut self, number: u16, queue: Tx) {
        if self.queue.is_some() {
            self.spare.push((number, queue));
        } else {
            (self.queue, self.number) = (Some(queue), number);
        }
    }

    /// Buffers of the pool that this port has, not counting the staged ones.
    fn in_flight(&self) -> u32 {
        self.queue.as_ref().map_or(0, TxQueue::in_flight)
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
        let ports = queues.into_iter().map(|queue| TxPort::new(0, queue)).collect();
        Self { ports, retry: Retry::ONCE, observer }
    }

    /// Takes over transmit queues of a port.
    pub fn give(&mut self, port: u16, queues: Vec<(u16, Tx)>) {
        let port = usize::from(port);
        if self.ports.len() <= port {
            self.ports.resize_with(port + 1, TxPort::default);
        }
        for (number, queue) in queues {
            self.ports[port].give(number, queue);
        }
    }

    /// Sends what is staged for a port, closes its queues and hands them back.
    pub fn take(&mut self, pool: &mut Pool, counters: &WorkerCounters, port: u16) -> Vec<(u16, Tx)> {
        let Some(target) = self.ports.get_mut(usize::from(port)) else { return Vec::new() };
        if !target.burst.is_empty() {
            submit(target, pool, counters, port, self.retry, &mut self.observer);
        }
        let mut queues = std::mem::take(&mut target.spare);
        queues.extend(target.queue.take().map(|queue| (target.number, queue)));
        for (_, queue) in &mut queues {
            queue.close(pool);
        }
        queues
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
        self.ports.iter_mut().filter_map(|port| port.queue.as_mut()).map(|queue| queue.reclaim(pool)).sum()
    }

    /// Buffers that the ports have, for the audit.
    pub fn in_flight(&self) -> u32 {
        self.ports.iter().map(TxPort::in_flight).sum()
    }

    /// Gives every buffer back and ends the queues.
    pub fn close(&mut self, pool: &mut Pool, counters: &WorkerCounters) {
        self.flush(pool, counters);
        for port in 0..self.ports.len() as u16 {
            self.take(pool, counters, port);
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
        observer.show(pool, counters, (port, target.number), true, &target.burst);
    }
    let (Some(queue), Some(forward)) = (&mut target.queue, counters.forward.get(port as usize)) else {
        for mbuf in target.burst.drain_front(target.burst.len()) {
            counters.count_drop(DropReason::PortGone, None);
            pool.give(mbuf);
        }
        return;
    };
    forward.tx_bursts[target.burst.len()].add(1);
    let mut taken = queue.submit(pool, &mut target.burst);
    // At most `retry.times` more offers.
    for _ in 0..retry.times {
        if target.burst.is_empty() {
            break;
        }
        wait(retry.delay);
        queue.reclaim(pool);
        taken += queue.submit(pool, &mut target.burst);
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
