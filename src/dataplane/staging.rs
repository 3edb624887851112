//! Packets on their way to a port: a burst for each, submitted when full and at the end of each turn.
//!
//! A full transmit ring is retried once, then the rest is dropped with a reason: a slow port loses its own packets and
//! nobody else's.

use super::counters::WorkerCounters;
use super::drop_reason::DropReason;
use ringway_mempool::{Burst, Mbuf, Pool};
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
}

impl Staging {
    /// One entry a port.
    pub fn new(queues: Vec<Tx>) -> Self {
        Self { ports: queues.into_iter().map(TxPort::new).collect() }
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
            Self::submit(target, pool, counters, port);
        }
        if let Err(mbuf) = target.burst.push(mbuf) {
            counters.count_drop(DropReason::TransmitFull, None);
            pool.give(mbuf);
        }
    }

    /// Submits everything staged; after this no mbuf is in a burst here.
    #[inline]
    pub fn flush(&mut self, pool: &mut Pool, counters: &WorkerCounters) {
        for (port, target) in self.ports.iter_mut().enumerate() {
            if !target.burst.is_empty() {
                Self::submit(target, pool, counters, port as u16);
            }
        }
    }

    fn submit(target: &mut TxPort, pool: &mut Pool, counters: &WorkerCounters, port: u16) {
        let mut taken = target.queue.submit(pool, &mut target.burst);
        if !target.burst.is_empty() {
            target.queue.reclaim(pool);
            taken += target.queue.submit(pool, &mut target.burst);
        }
        let forward = &counters.forward[port as usize];
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
