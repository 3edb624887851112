//! A decorator that puts faults between any port and its worker: loss, duplication, corruption, transmit bursts taken
//! only in part, completions that come late, a link that flaps.
//!
//! After the fault injector of smoltcp. Everything is drawn from a seeded generator, so a failing run can be repeated.
//! The faults are those of hardware and cables; whatever happens here, the audit must stay exact.

use crate::{Counter, Link, Opened, Port, PortError, PortInfo, PortStats, Rx, RxQueue, RxStats, Tx, TxQueue, TxStats};
use macaddr::MacAddr6;
use ringway_mempool::{Burst, Custody, Mbuf, Pool};
use std::collections::VecDeque;
use std::os::fd::RawFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// How often each fault strikes. Shares are from 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FaultSettings {
    /// Share of received frames that are lost.
    pub loss: f64,
    /// Share of received frames that arrive twice.
    pub duplicate: f64,
    /// Share of received frames with one octet changed.
    pub corrupt: f64,
    /// Share of transmit bursts of which only a part is taken.
    pub refuse: f64,
    /// Reclaims that pass before a sent buffer comes back.
    pub delay_polls: u32,
    /// Start of the generator.
    pub seed: u64,
}

/// How often each fault struck.
#[derive(Debug, Default)]
struct FaultCounters {
    lost: Counter,
    duplicated: Counter,
    corrupted: Counter,
    refused: Counter,
}

/// xorshift64*: enough for drawing faults, and repeatable.
#[derive(Debug)]
struct Draw(u64);

impl Draw {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn strikes(&mut self, share: f64) -> bool {
        share > 0.0 && (self.next() >> 11) as f64 / (1u64 << 53) as f64 <= share
    }
}

/// A receive queue behind faults.
pub struct FaultRx {
    inner: Rx,
    settings: FaultSettings,
    draw: Draw,
    flap: Arc<AtomicBool>,
    counters: Arc<FaultCounters>,
}

/// A transmit queue behind faults.
pub struct FaultTx {
    inner: Tx,
    settings: FaultSettings,
    draw: Draw,
    flap: Arc<AtomicBool>,
    counters: Arc<FaultCounters>,
    /// Sent frames, with the reclaim at which they may go on to the port.
    late: VecDeque<(u32, Mbuf)>,
    turn: u32,
}

/// Frames that a delaying queue keeps at most.
const LATE: usize = 256;

impl RxQueue for FaultRx {
    fn poll(&mut self, pool: &mut Pool, burst: &mut Burst, limit: usize) -> usize {
        let mut fresh = Burst::new();
        // Half of the room is kept for duplicates.
        let ask = limit.min(burst.room()).div_ceil(2);
        self.inner.poll(pool, &mut fresh, ask);
        let mut added = 0;
        for mbuf in fresh.drain_front(fresh.len()) {
            if self.flap.load(Ordering::Relaxed) || self.draw.strikes(self.settings.loss) {
                self.counters.lost.add(1);
                pool.give(mbuf);
                continue;
            }
            if self.draw.strikes(self.settings.corrupt) && mbuf.len() > 0 {
                let (at, bits) = (self.draw.next() as usize % mbuf.len() as usize, self.draw.next() as u8 | 1);
                pool.frame_mut(&mbuf)[at] ^= bits;
                self.counters.corrupted.add(1);
            }
            let twin = if self.draw.strikes(self.settings.duplicate) { duplicate(pool, &mbuf) } else { None };
            for mbuf in [Some(mbuf), twin].into_iter().flatten() {
                match burst.push(mbuf) {
                    Ok(()) => added += 1,
                    Err(mbuf) => pool.give(mbuf),
                }
            }
        }
        added
    }

    fn in_ring(&self) -> u32 {
        self.inner.in_ring()
    }

    fn ring_size(&self) -> u32 {
        self.inner.ring_size()
    }

    fn stats(&self) -> &RxStats {
        self.inner.stats()
    }

    fn fd(&self) -> Option<RawFd> {
        self.inner.fd()
    }

    fn close(&mut self, pool: &mut Pool) {
        self.inner.close(pool);
    }
}

/// A copy of a frame in a buffer of its own: custody stays linear.
fn duplicate(pool: &mut Pool, mbuf: &Mbuf) -> Option<Mbuf> {
    let mut copy = pool.take()?;
    if pool.append_from(&mut copy, mbuf, 0, mbuf.len() as usize) {
        return Some(copy);
    }
    pool.give(copy);
    None
}

impl FaultTx {
    /// Hands late frames whose time has come to the port below, as far as it takes them.
    fn pass_on(&mut self, pool: &mut Pool, everything: bool) {
        let mut burst = Burst::new();
        while let Some((due, _)) = self.late.front() {
            if !everything && due.wrapping_sub(self.turn) as i32 > 0 || burst.room() == 0 {
                break;
            }
            if let Some((_, mbuf)) = self.late.pop_front() {
                pool.mark(&mbuf, Custody::TransmitRing, Custody::Burst);
                if let Err(mbuf) = burst.push(mbuf) {
                    pool.give(mbuf);
                }
            }
        }
        if self.flap.load(Ordering::Relaxed) {
            self.counters.lost.add(burst.len() as u64);
        } else {
            self.inner.submit(pool, &mut burst);
        }
        pool.give_burst(&mut burst);
    }
}

impl TxQueue for FaultTx {
    fn submit(&mut self, pool: &mut Pool, burst: &mut Burst) -> usize {
        let mut want = burst.len().min(LATE - self.late.len());
        if want > 0 && self.draw.strikes(self.settings.refuse) {
            want = self.draw.next() as usize % want;
            self.counters.refused.add((burst.len() - want) as u64);
        }
        let due = self.turn.wrapping_add(self.settings.delay_polls);
        for mbuf in burst.drain_front(want) {
            pool.mark(&mbuf, Custody::Burst, Custody::TransmitRing);
            self.late.push_back((due, mbuf));
        }
        if self.settings.delay_polls == 0 {
            self.pass_on(pool, true);
        }
        want
    }

    fn reclaim(&mut self, pool: &mut Pool) -> usize {
        self.turn = self.turn.wrapping_add(1);
        self.pass_on(pool, false);
        self.inner.reclaim(pool)
    }

    fn in_flight(&self) -> u32 {
        self.late.len() as u32 + self.inner.in_flight()
    }

    fn ring_size(&self) -> u32 {
        LATE as u32 + self.inner.ring_size()
    }

    fn stats(&self) -> &TxStats {
        self.inner.stats()
    }

    fn close(&mut self, pool: &mut Pool) {
        while !self.late.is_empty() {
            self.pass_on(pool, true);
        }
        self.inner.close(pool);
    }
}

/// The control side of a port behind faults.
#[derive(Debug)]
pub struct FaultPort {
    inner: Port,
    flap: Arc<AtomicBool>,
    counters: Vec<Arc<FaultCounters>>,
}

impl FaultPort {
    /// Takes the link down (frames are lost both ways) or up again.
    pub fn set_link(&mut self, up: bool) {
        self.flap.store(!up, Ordering::Relaxed);
    }

    pub(crate) fn info(&self) -> PortInfo {
        let mut info = self.inner.info();
        info.facts.push(("faults", "injected".into()));
        info
    }

    pub(crate) fn link(&self) -> Link {
        let link = self.inner.link();
        Link { up: link.up && !self.flap.load(Ordering::Relaxed), ..link }
    }

    pub(crate) fn stats(&self) -> PortStats {
        self.inner.stats()
    }

    pub(crate) fn xstats(&self) -> Vec<(String, u64)> {
        let sum = |get: fn(&FaultCounters) -> &Counter| self.counters.iter().map(|c| get(c).get()).sum();
        let mut xstats = self.inner.xstats();
        xstats.push(("fault_lost".into(), sum(|c| &c.lost)));
        xstats.push(("fault_duplicated".into(), sum(|c| &c.duplicated)));
        xstats.push(("fault_corrupted".into(), sum(|c| &c.corrupted)));
        xstats.push(("fault_refused".into(), sum(|c| &c.refused)));
        xstats
    }

    pub(crate) fn set_mtu(&mut self, mtu: u16) -> Result<(), PortError> {
        self.inner.set_mtu(mtu)
    }

    pub(crate) fn set_mac(&mut self, mac: MacAddr6) -> Result<(), PortError> {
        self.inner.set_mac(mac)
    }

    pub(crate) fn set_promiscuous(&mut self, on: bool) -> Result<(), PortError> {
        self.inner.set_promiscuous(on)
    }

    pub(crate) fn set_all_multicast(&mut self, on: bool) -> Result<(), PortError> {
        self.inner.set_all_multicast(on)
    }

    pub(crate) fn close(&mut self) {
        self.inner.close();
    }
}

/// Puts faults around every queue of a port.
pub fn inject(opened: Opened, settings: FaultSettings) -> Opened {
    let flap = Arc::new(AtomicBool::new(false));
    let mut counters = Vec::new();
    let mut seed = settings.seed;
    // Each queue counts and draws for itself: a counter has one writer (INV-SINGLE-WRITER).
    let mut start = || {
        seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        counters.push(Arc::new(FaultCounters::default()));
        (Draw(seed | 1), counters[counters.len() - 1].clone())
    };
    let rx = opened.rx.into_iter().map(|inner| {
        let (draw, counters) = start();
        Rx::Fault(Box::new(FaultRx { inner, settings, draw, flap: flap.clone(), counters }))
    });
    let rx = rx.collect();
    let tx = opened.tx.into_iter().map(|inner| {
        let (draw, counters) = start();
        let late = VecDeque::with_capacity(LATE);
        Tx::Fault(Box::new(FaultTx { inner, settings, draw, flap: flap.clone(), counters, late, turn: 0 }))
    });
    let tx = tx.collect();
    let port = Port::Fault(Box::new(FaultPort { inner: opened.port, flap, counters }));
    Opened { port, rx, tx, notices: opened.notices }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{PortSettings, memory};
    use proptest::prelude::*;
    use ringway_mempool::{Audit, Geometry, PagePolicy};

    const QUIET: FaultSettings =
        FaultSettings { loss: 0.0, duplicate: 0.0, corrupt: 0.0, refuse: 0.0, delay_polls: 0, seed: 1 };

    fn looped(settings: FaultSettings) -> Opened {
        let port = PortSettings {
            name: "a".into(),
            queues: 1,
            rx_ring: 64,
            tx_ring: 64,
            mtu: None,
            mac: None,
            promiscuous: false,
            all_multicast: false,
        };
        inject(memory::pair(&port, None).unwrap().0, settings)
    }

    fn pool() -> Pool {
        Pool::new(512, Geometry { frame: 1522 }, PagePolicy::Small, false).unwrap()
    }

    fn fill(pool: &mut Pool, burst: &mut Burst, count: usize) {
        for _ in 0..count {
            let mbuf = pool.take_filled(b"0123456789").unwrap();
            if let Err(mbuf) = burst.push(mbuf) {
                pool.give(mbuf);
            }
        }
    }

    #[test]
    fn a_flapped_link_loses_both_ways_and_comes_back() {
        let (mut opened, mut pool, mut burst) = (looped(QUIET), pool(), Burst::new());
        let Port::Fault(port) = &mut opened.port else { unreachable!() };
        port.set_link(false);
        assert!(!port.link().up);
        fill(&mut pool, &mut burst, 4);
        opened.tx[0].submit(&mut pool, &mut burst);
        port.set_link(true);
        assert_eq!(opened.rx[0].poll(&mut pool, &mut burst, 32), 0);
        fill(&mut pool, &mut burst, 4);
        opened.tx[0].submit(&mut pool, &mut burst);
        assert_eq!(opened.rx[0].poll(&mut pool, &mut burst, 32), 4);
        pool.give_burst(&mut burst);
    }

    #[test]
    fn a_late_completion_is_counted_as_in_flight_until_it_comes() {
        let (mut opened, mut pool, mut burst) =
            (looped(FaultSettings { delay_polls: 2, ..QUIET }), pool(), Burst::new());
        fill(&mut pool, &mut burst, 3);
        assert_eq!(opened.tx[0].submit(&mut pool, &mut burst), 3);
        assert_eq!(opened.tx[0].in_flight(), 3);
        opened.tx[0].reclaim(&mut pool);
        assert_eq!(opened.tx[0].in_flight(), 3);
        opened.tx[0].reclaim(&mut pool);
        assert_eq!(opened.tx[0].in_flight(), 0);
        assert_eq!(pool.available(), 512);
    }

    proptest! {
        #[test]
        fn the_audit_is_exact_under_any_faults(
            loss in 0.0..1.0f64, duplicate in 0.0..1.0f64, corrupt in 0.0..1.0f64, refuse in 0.0..1.0f64,
            delay_polls in 0..5u32, seed in any::<u64>(), bursts in prop::collection::vec(0..32usize, 1..40),
        ) {
            let settings = FaultSettings { loss, duplicate, corrupt, refuse, delay_polls, seed };
            let (mut opened, mut pool, mut burst) = (looped(settings), pool(), Burst::new());
            for count in bursts {
                fill(&mut pool, &mut burst, count);
                opened.tx[0].submit(&mut pool, &mut burst);
                pool.give_burst(&mut burst);
                opened.tx[0].reclaim(&mut pool);
                opened.rx[0].poll(&mut pool, &mut burst, 32);
                let audit = Audit {
                    capacity: 512,
                    pool: pool.available(),
                    receive_rings: opened.rx[0].in_ring(),
                    burst: burst.len() as u32,
                    held: 0,
                    transmit_rings: opened.tx[0].in_flight(),
                };
                prop_assert!(audit.is_exact(), "{}", audit);
                pool.give_burst(&mut burst);
            }
            opened.tx[0].close(&mut pool);
            opened.rx[0].close(&mut pool);
            prop_assert_eq!(pool.available(), 512);
        }
    }
}
