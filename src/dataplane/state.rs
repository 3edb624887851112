//! What a worker owns and its stages change; the snapshot they read is passed beside it.

use super::adjacency::Adjacencies;
use super::drop_reason::DropReason;
use super::family::RouteKey;
use super::hold::HoldQueue;
use super::icmp_class::{ICMP_CLASSES, IcmpClass};
use super::limiter::TokenBucket;
use super::message::{Event, WorkerLink};
use super::modes::Noisy;
use super::packet::Packet;
use super::stage::{Stage, StageClock};
use super::staging::Staging;
use crate::fib::cache::RouteCache;
use ringway_mempool::{Mbuf, Pool};

/// Cycles per tick of the coarse clock, as a power of two: about a third of a millisecond.
pub const TICK_SHIFT: u32 = 20;

/// Everything of a worker that the stages change.
pub struct State {
    /// The worker's buffers.
    pub pool: Pool,
    /// Packets on their way out.
    pub staging: Staging,
    /// Neighbors.
    pub adjacencies: Adjacencies,
    /// Packets that wait for a neighbor.
    pub hold: HoldQueue,
    /// Decisions about IPv4 packets: slots of [`Adjacencies`]; `None` when it is configured off.
    pub cache4: Option<RouteCache<RouteKey<u32>, u32>>,
    /// The same about IPv6 packets.
    pub cache6: Option<RouteCache<RouteKey<u128>, u32>>,
    /// Limits of ICMP errors, by class.
    pub icmp_limits: [TokenBucket; ICMP_CLASSES],
    /// Limit of echo replies.
    pub echo_limit: TokenBucket,
    /// Buffer and memory of mode `noisy`.
    pub noisy: Noisy,
    /// The next destination of mode `flowgen`.
    pub next_flow: u32,
    /// Queues from and to the control thread, and the counters.
    pub link: WorkerLink,
    /// Time-stamp counter at the start of the turn.
    pub now: u64,
    /// Times the stages.
    pub clock: StageClock,
    /// Counts up with each change that may make a cached decision wrong.
    pub epoch: u32,
    /// Identification of the next packet of our own (RFC 791 3.2).
    pub identification: u16,
    /// The control thread has something to do.
    pub wake: bool,
}

impl State {
    /// Ends a stage that so many packets passed, in turns that are timed; returns the beginning of the next.
    #[inline]
    pub fn end_stage(&self, stage: Stage, began: u64, packets: usize) -> u64 {
        self.clock.end(&self.link.counters, stage, began, packets)
    }

    /// Drops a packet of a burst.
    #[inline]
    pub fn discard(&mut self, mbuf: Mbuf, reason: DropReason, ingress: Option<u16>) {
        self.link.counters.count_drop(reason, ingress);
        self.pool.give(mbuf);
    }

    /// Drops a packet.
    pub fn discard_packet(&mut self, packet: Packet, reason: DropReason) {
        self.discard(packet.mbuf, reason, packet.ingress);
    }

    /// Tells the control thread; false when its queue is full.
    pub fn tell(&mut self, event: Event) -> bool {
        self.wake = true;
        self.link.events.push(event).is_ok()
    }

    /// Whether another ICMP error of this class may be sent now; counts when not.
    pub fn may_send_icmp(&mut self, class: IcmpClass) -> bool {
        let allowed = self.icmp_limits[class as usize].take(self.now);
        if !allowed {
            self.link.counters.icmp_limited(class);
        }
        allowed
    }

    /// The coarse clock: ticks of 2^[`TICK_SHIFT`] cycles.
    #[inline]
    pub fn tick(&self) -> u32 {
        (self.now >> TICK_SHIFT) as u32
    }

    /// A fresh identification for a packet of our own.
    pub fn next_identification(&mut self) -> u16 {
        self.identification = self.identification.wrapping_add(1);
        self.identification
    }
}
