//! A decorator that puts faults between any port and its worker: loss, duplication, corruption, transmit bursts taken
//! only in part, completions that come late, a link that flaps.
//!
//! After the fault injector of smoltcp. Everything is drawn from a seeded generator, so a failing run can be repeated.
//! The faults are those of hardware and cables; whatever happens here, the audit must stay exact.

use crate::control::PortControl;
use crate::{
    Counter, LentPools, Link, Opened, PoolUse, Port, PortError, PortInfo, PortSettings, PortStats, QueueInfo, Queues,
    RingBuffers, Rss, Rx, RxQueue, RxStats, Tx, TxOffloads, TxQueue, TxStats, VlanSettings,
};
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
    settings: FaultSettings,
    /// Where the generator of the next queue starts.
    seed: u64,
    flap: Arc<AtomicBool>,
    counters: Vec<Arc<FaultCounters>>,
}

impl FaultPort {
    /// What a queue draws from and counts in: a counter has one writer (INV-SINGLE-WRITER).
    fn begin_queue(&mut self) -> (Draw, Arc<FaultCounters>) {
        self.seed = self.seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let counters = Arc::new(FaultCounters::default());
        self.counters.push(counters.clone());
        (Draw(self.seed | 1), counters)
    }

    /// Puts faults around the queues of the port below.
    fn wrap(&mut self, rx: Vec<Rx>, tx: Vec<Tx>) -> (Vec<Rx>, Vec<Tx>) {
        let settings = self.settings;
        let rx = rx.into_iter().map(|inner| {
            let (draw, counters) = self.begin_queue();
            Rx::Fault(Box::new(FaultRx { inner, settings, draw, flap: self.flap.clone(), counters }))
        });
        let rx = rx.collect();
        let tx = tx.into_iter().map(|inner| {
            let (draw, counters) = self.begin_queue();
            let late = VecDeque::with_capacity(LATE);
            Tx::Fault(Box::new(FaultTx { inner, settings, draw, flap: self.flap.clone(), counters, late, turn: 0 }))
        });
        (rx, tx.collect())
    }
}

/// Everything but the link goes on to the port below.
impl PortControl for FaultPort {
    fn info(&self) -> PortInfo {
        let mut info = self.inner.info();
        info.facts.push(("faults", "injected".into()));
        info
    }

    fn link(&self) -> Link {
        let link = self.inner.link();
        Link { up: link.up && !self.flap.load(Ordering::Relaxed), ..link }
    }

    fn stats(&self) -> PortStats {
        self.inner.stats()
    }

    fn xstats(&self) -> Vec<(String, u64)> {
        let sum = |get: fn(&FaultCounters) -> &Counter| self.counters.iter().map(|c| get(c).get()).sum();
        let mut xstats = self.inner.xstats();
        xstats.push(("fault_lost".into(), sum(|c| &c.lost)));
        xstats.push(("fault_duplicated".into(), sum(|c| &c.duplicated)));
        xstats.push(("fault_corrupted".into(), sum(|c| &c.corrupted)));
        xstats.push(("fault_refused".into(), sum(|c| &c.refused)));
        xstats
    }

    fn set_mtu(&mut self, mtu: u16) -> Result<(), PortError> {
        self.inner.set_mtu(mtu)
    }

    fn set_mac(&mut self, mac: MacAddr6) -> Result<(), PortError> {
        self.inner.set_mac(mac)
    }

    fn set_promiscuous(&mut self, on: bool) -> Result<(), PortError> {
        self.inner.set_promiscuous(on)
    }

    fn set_all_multicast(&mut self, on: bool) -> Result<(), PortError> {
        self.inner.set_all_multicast(on)
    }

    fn set_groups(&mut self, groups: &[MacAddr6]) -> Result<(), PortError> {
        self.inner.set_groups(groups)
    }

    fn fill_checksums(&mut self, which: TxOffloads) {
        self.inner.fill_checksums(which);
    }

    fn pool_use(&self) -> PoolUse {
        self.inner.pool_use()
    }

    fn ring_buffers(&self, settings: &PortSettings) -> RingBuffers {
        let below = self.inner.ring_buffers(settings);
        RingBuffers { tx: below.tx + LATE as u32, ..below }
    }

    fn start(&mut self, settings: &PortSettings, lent: LentPools<'_>) -> Result<Queues, PortError> {
        let queues = self.inner.start(settings, lent)?;
        let (rx, tx) = self.wrap(queues.rx, queues.tx);
        Ok(Queues { rx, tx, notices: queues.notices })
    }

    fn stop(&mut self, pools: &mut [Pool]) -> Result<(), PortError> {
        self.inner.stop(pools)
    }

    fn is_back(&self) -> bool {
        self.inner.is_back()
    }

    fn reset(&mut self) -> Result<(), PortError> {
        self.flap.store(false, Ordering::Relaxed);
        self.inner.reset()
    }

    fn close(&mut self) {
        self.inner.close();
    }

    /// Frames are lost both ways while it is down.
    fn set_link(&mut self, up: bool) -> Result<(), PortError> {
        self.flap.store(!up, Ordering::Relaxed);
        Ok(())
    }

    fn macs(&self) -> Vec<MacAddr6> {
        self.inner.macs()
    }

    fn add_mac(&mut self, mac: MacAddr6) -> Result<(), PortError> {
        self.inner.add_mac(mac)
    }

    fn remove_mac(&mut self, mac: MacAddr6) -> Result<(), PortError> {
        self.inner.remove_mac(mac)
    }

    fn vlan(&self) -> VlanSettings {
        self.inner.vlan()
    }

    fn set_vlan(&mut self, vlan: VlanSettings) -> Result<(), PortError> {
        self.inner.set_vlan(vlan)
    }

    fn set_vlan_filter(&mut self, vlan: u16, receive: bool) -> Result<(), PortError> {
        self.inner.set_vlan_filter(vlan, receive)
    }

    fn rss(&self) -> Result<Rss, PortError> {
        self.inner.rss()
    }

    fn set_rss(&mut self, rss: &Rss) -> Result<(), PortError> {
        self.inner.set_rss(rss)
    }

    fn reta(&self) -> Result<Vec<u16>, PortError> {
        self.inner.reta()
    }

    fn set_reta(&mut self, entries: &[(u16, u16)]) -> Result<(), PortError> {
        self.inner.set_reta(entries)
    }

    fn rx_queue_info(&self, queue: u16) -> Result<QueueInfo, PortError> {
        self.inner.rx_queue_info(queue)
    }

    fn tx_queue_info(&self, queue: u16) -> Result<QueueInfo, PortError> {
        self.inner.tx_queue_info(queue)
    }

    fn rx_used(&self, queue: u16) -> Result<u32, PortError> {
        self.inner.rx_used(queue)
    }

    fn tx_used(&self, queue: u16) -> Result<u32, PortError> {
        self.inner.tx_used(queue)
    }

    fn set_rx_queue(&mut self, queue: u16, started: bool) -> Result<(), PortError> {
        self.inner.set_rx_queue(queue, started)
    }

    fn set_tx_queue(&mut self, queue: u16, started: bool) -> Result<(), PortError> {
        self.inner.set_tx_queue(queue, started)
    }
}

/// Puts faults around every queue of a port.
pub fn inject(opened: Opened, settings: FaultSettings) -> Opened {
    let flap = Arc::new(AtomicBool::new(false));
    let mut port = FaultPort { inner: opened.port, settings, seed: settings.seed, flap, counters: Vec::new() };
    let (rx, tx) = port.wrap(opened.rx, opened.tx);
    Opened { port: Port::Fault(Box::new(port)), rx, tx, notices: opened.notices }
}

#[cfg(test)]
mod tests;
