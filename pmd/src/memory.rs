//! In-memory ports: deterministic tests, and benchmarks without a device.
//!
//! Three shapes, all of the same two queues:
//!
//! * **[`pair`]**: what one port sends the other receives; a port paired with itself is a loop.
//! * **[`probe`]**: the test's own end: frames in by [`Probe::send`], frames out by [`Probe::receive`].
//! * **[`replay`]**: receives the same frames again and again into fresh buffers and sends into a ring that
//!   completes later, as a network card does: the closed circulation of a benchmark.
//!
//! Frames cross as bytes in a [`border`] ring, so both ends may belong to different pools.

use crate::{Link, Opened, Port, PortError, PortInfo, PortSettings, PortStats};
use crate::{Rx, RxQueue, RxStats, Tx, TxQueue, TxStats};
use macaddr::MacAddr6;
use ringway_mempool::border::{self, Consumer, Producer};
use ringway_mempool::{Burst, Custody, Mbuf, Pool};
use std::collections::VecDeque;
use std::os::fd::RawFd;

/// MTU of an in-memory port unless configured.
const MTU: u16 = 1500;
/// Largest MTU that can be set.
const MTU_MAX: u16 = 9216;
/// Bytes in front of the IP packet that a slot has to hold: Ethernet and two VLAN tags.
const FRAME_OVERHEAD: usize = 22;

/// Where a memory queue's frames come from.
enum Source {
    Ring(Consumer<()>),
    Replay { frames: Vec<Box<[u8]>>, next: usize },
}

/// Where a memory queue's frames go.
enum Target {
    Ring(Producer<()>),
    Hold(VecDeque<Mbuf>),
}

/// Receive queue of an in-memory port.
pub struct MemoryRx {
    source: Source,
    stats: RxStats,
}

/// Transmit queue of an in-memory port.
pub struct MemoryTx {
    target: Target,
    ring_size: u32,
    stats: TxStats,
}

impl RxQueue for MemoryRx {
    #[inline]
    fn poll(&mut self, pool: &mut Pool, burst: &mut Burst, limit: usize) -> usize {
        let want = limit.min(burst.room());
        let mut bytes = 0;
        let mut got = 0;
        while got < want {
            let filled = match &mut self.source {
                Source::Ring(ring) => match ring.receive(|(), frame| pool.take_filled(frame)) {
                    None => break,
                    Some(filled) => filled,
                },
                Source::Replay { frames, next } => {
                    let frame = &frames[*next];
                    *next = if *next + 1 == frames.len() { 0 } else { *next + 1 };
                    pool.take_filled(frame)
                }
            };
            let Some(mbuf) = filled else {
                // A frame longer than a buffer, or a dry pool (a broken INV-BUDGET): it is counted, and lost.
                if pool.available() == 0 {
                    self.stats.no_buffer.add(1)
                } else {
                    self.stats.errors.add(1)
                }
                break;
            };
            bytes += u64::from(mbuf.len());
            match burst.push(mbuf) {
                Ok(()) => got += 1,
                Err(mbuf) => {
                    pool.give(mbuf);
                    break;
                }
            }
        }
        if got > 0 {
            self.stats.packets.add(got as u64);
            self.stats.bytes.add(bytes);
        }
        got
    }

    fn in_ring(&self) -> u32 {
        0
    }

    fn ring_size(&self) -> u32 {
        0
    }

    fn stats(&self) -> &RxStats {
        &self.stats
    }

    fn fd(&self) -> Option<RawFd> {
        None
    }

    fn close(&mut self, _pool: &mut Pool) {}
}

impl TxQueue for MemoryTx {
    #[inline]
    fn submit(&mut self, pool: &mut Pool, burst: &mut Burst) -> usize {
        let (mut taken, mut bytes) = (0, 0);
        match &mut self.target {
            Target::Ring(ring) => {
                for mbuf in burst.as_slice() {
                    match ring.send((), pool.frame(mbuf)) {
                        Ok(()) => bytes += u64::from(mbuf.len()),
                        Err(border::SendError::TooLong) => self.stats.errors.add(1),
                        Err(border::SendError::Full) => break,
                    }
                    taken += 1;
                }
                for mbuf in burst.drain_front(taken) {
                    pool.give(mbuf);
                }
            }
            Target::Hold(ring) => {
                taken = burst.len().min(self.ring_size as usize - ring.len());
                for mbuf in burst.drain_front(taken) {
                    bytes += u64::from(mbuf.len());
                    pool.mark(&mbuf, Custody::Burst, Custody::TransmitRing);
                    ring.push_back(mbuf);
                }
            }
        }
        if taken > 0 {
            self.stats.packets.add(taken as u64);
            self.stats.bytes.add(bytes);
        }
        taken
    }

    #[inline]
    fn reclaim(&mut self, pool: &mut Pool) -> usize {
        let Target::Hold(ring) = &mut self.target else { return 0 };
        // Half of the ring stays in flight, as on a card whose transmitter is always busy.
        let done = ring.len().saturating_sub(self.ring_size as usize / 2);
        for mbuf in ring.drain(..done) {
            pool.mark(&mbuf, Custody::TransmitRing, Custody::Burst);
            pool.give(mbuf);
        }
        done
    }

    fn in_flight(&self) -> u32 {
        match &self.target {
            Target::Ring(_) => 0,
            Target::Hold(ring) => ring.len() as u32,
        }
    }

    fn ring_size(&self) -> u32 {
        match &self.target {
            Target::Ring(_) => 0,
            Target::Hold(_) => self.ring_size,
        }
    }

    fn stats(&self) -> &TxStats {
        &self.stats
    }

    fn close(&mut self, pool: &mut Pool) {
        if let Target::Hold(ring) = &mut self.target {
            for mbuf in ring.drain(..) {
                pool.mark(&mbuf, Custody::TransmitRing, Custody::Burst);
                pool.give(mbuf);
            }
        }
    }
}

/// Control side of an in-memory port.
#[derive(Debug)]
pub struct MemoryPort {
    info: PortInfo,
    rx: Vec<RxStats>,
    tx: Vec<TxStats>,
}

impl MemoryPort {
    pub(crate) fn info(&self) -> PortInfo {
        self.info.clone()
    }

    #[expect(clippy::unused_self, reason = "the same call on every driver")]
    pub(crate) fn link(&self) -> Link {
        Link::UP
    }

    pub(crate) fn stats(&self) -> PortStats {
        PortStats::of_queues(&self.rx, &self.tx)
    }

    #[expect(clippy::unused_self, reason = "the same call on every driver")]
    pub(crate) fn xstats(&self) -> Vec<(String, u64)> {
        Vec::new()
    }

    pub(crate) fn set_mtu(&mut self, mtu: u16) -> Result<(), PortError> {
        if mtu > self.info.mtu_max {
            let message =
                format!("MTU {mtu} does not fit the slots of this in-memory port, made for {}", self.info.mtu_max);
            return Err(PortError::Refused { port: self.info.name.clone(), message });
        }
        self.info.mtu = mtu;
        Ok(())
    }

    pub(crate) fn set_mac(&mut self, mac: MacAddr6) -> Result<(), PortError> {
        self.info.mac = mac;
        Ok(())
    }

    pub(crate) fn set_promiscuous(&mut self, on: bool) -> Result<(), PortError> {
        self.info.promiscuous = on;
        Ok(())
    }

    pub(crate) fn set_all_multicast(&mut self, on: bool) -> Result<(), PortError> {
        self.info.all_multicast = on;
        Ok(())
    }

    #[expect(clippy::unused_self, reason = "the same call on every driver")]
    pub(crate) fn close(&mut self) {}
}

/// The test's end of an in-memory port: the other end of the cable.
pub struct Probe {
    send: Producer<()>,
    receive: Consumer<()>,
}

impl Probe {
    /// Puts a frame on the cable; false when the ring is full or the frame longer than a slot.
    pub fn send(&mut self, frame: &[u8]) -> bool {
        self.send.send((), frame).is_ok()
    }

    /// The next frame that the port sent.
    pub fn receive(&mut self) -> Option<Vec<u8>> {
        self.receive.receive(|(), frame| frame.to_vec())
    }

    /// Lends the next frame that the port sent, without allocating.
    pub fn receive_with<R>(&mut self, use_it: impl FnOnce(&[u8]) -> R) -> Option<R> {
        self.receive.receive(|(), frame| use_it(frame))
    }
}

/// A queue's two ends.
type Ends = (Source, Target);

/// Opens two ports (or, with equal indices, one loop) joined by a cable, queue `i` to queue `i`.
///
/// # Errors
/// None today; the signature is that of every driver.
pub fn pair(one: &PortSettings, other: Option<&PortSettings>) -> Result<(Opened, Option<Opened>), PortError> {
    let slot = slot_bytes(one).max(other.map_or(0, slot_bytes));
    let mut here = Vec::new();
    let mut there = Vec::new();
    for _ in 0..one.queues {
        let (to_other, from_one) = border::ring(one.tx_ring, slot);
        if let Some(other) = other {
            let (to_one, from_other) = border::ring(other.tx_ring, slot);
            here.push((Source::Ring(from_other), Target::Ring(to_other)));
            there.push((Source::Ring(from_one), Target::Ring(to_one)));
        } else {
            here.push((Source::Ring(from_one), Target::Ring(to_other)));
        }
    }
    let name = |settings: &PortSettings| format!("peer {}", settings.name);
    let here = open(one, other.map_or_else(|| "loop".into(), name), here);
    Ok((here, other.map(|other| open(other, name(one), there))))
}

/// Opens a port whose other end is the caller's: a [`Probe`] for each queue.
pub fn probe(settings: &PortSettings) -> (Opened, Vec<Probe>) {
    let slot = slot_bytes(settings);
    let (ends, probes) = (0..settings.queues)
        .map(|_| {
            let (send, source) = border::ring(settings.rx_ring, slot);
            let (target, receive) = border::ring(settings.tx_ring, slot);
            ((Source::Ring(source), Target::Ring(target)), Probe { send, receive })
        })
        .unzip();
    (open(settings, "probe".into(), ends), probes)
}

/// Opens a port that receives `frames` in turn without end, and whose transmit ring completes half a ring late.
///
/// # Panics
/// When `frames` is empty.
pub fn replay(settings: &PortSettings, frames: &[Vec<u8>]) -> Opened {
    assert!(!frames.is_empty(), "a replay needs at least one frame");
    let ends = (0..settings.queues)
        .map(|_| {
            let frames = frames.iter().map(|frame| frame.clone().into_boxed_slice()).collect();
            let hold = VecDeque::with_capacity(settings.tx_ring as usize);
            (Source::Replay { frames, next: 0 }, Target::Hold(hold))
        })
        .collect();
    open(settings, format!("replay of {} frames", frames.len()), ends)
}

fn slot_bytes(settings: &PortSettings) -> usize {
    usize::from(settings.mtu.unwrap_or(MTU)) + FRAME_OVERHEAD
}

fn open(settings: &PortSettings, device: String, ends: Vec<Ends>) -> Opened {
    let mut rx = Vec::new();
    let mut tx = Vec::new();
    for (source, target) in ends {
        rx.push(MemoryRx { source, stats: RxStats::default() });
        tx.push(MemoryTx { target, ring_size: settings.tx_ring, stats: TxStats::default() });
    }
    let info = PortInfo {
        name: settings.name.clone(),
        driver: "memory",
        device,
        mac: settings.mac.unwrap_or_else(|| local_mac(&settings.name)),
        mtu: settings.mtu.unwrap_or(MTU),
        mtu_min: 68,
        mtu_max: settings.mtu.unwrap_or(MTU).min(MTU_MAX),
        rx_queues: settings.queues,
        tx_queues: settings.queues,
        rx_ring: settings.rx_ring,
        tx_ring: settings.tx_ring,
        promiscuous: settings.promiscuous,
        all_multicast: settings.all_multicast,
        facts: Vec::new(),
    };
    let port = MemoryPort {
        info,
        rx: rx.iter().map(|queue| queue.stats.clone()).collect(),
        tx: tx.iter().map(|queue| queue.stats.clone()).collect(),
    };
    Opened {
        port: Port::Memory(port),
        rx: rx.into_iter().map(Rx::Memory).collect(),
        tx: tx.into_iter().map(Tx::Memory).collect(),
        notices: Vec::new(),
    }
}

/// A locally administered unicast address (IEEE 802: bit 1 of the first octet) made from the port's name by FNV-1a,
/// so that a device without an address of its own has the same one at every start.
pub(crate) fn local_mac(name: &str) -> MacAddr6 {
    let hash = name
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3));
    let [_, _, _, a, b, c, d, e] = hash.to_be_bytes();
    MacAddr6::new(0x02, a, b, c, d, e)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ringway_mempool::{Geometry, PagePolicy};

    fn settings(name: &str) -> PortSettings {
        PortSettings {
            name: name.into(),
            queues: 1,
            rx_ring: 8,
            tx_ring: 8,
            mtu: None,
            mac: None,
            promiscuous: false,
            all_multicast: false,
        }
    }

    fn pool() -> Pool {
        Pool::new(64, Geometry { frame: 1522 }, PagePolicy::Small, false).unwrap()
    }

    #[test]
    fn a_frame_sent_by_one_is_received_by_the_other() {
        let (mut a, b) = pair(&settings("a"), Some(&settings("b"))).unwrap();
        let mut b = b.unwrap();
        let (mut pool, mut burst) = (pool(), Burst::new());
        burst.push(pool.take_filled(b"hello").unwrap()).unwrap();
        assert_eq!(a.tx[0].submit(&mut pool, &mut burst), 1);
        assert_eq!(a.rx[0].poll(&mut pool, &mut burst, 32), 0, "not back to the sender");
        assert_eq!(b.rx[0].poll(&mut pool, &mut burst, 32), 1);
        assert_eq!(pool.frame(&burst.as_slice()[0]), b"hello");
        pool.give_burst(&mut burst);
        assert_eq!(pool.available(), 64);
        assert_eq!((a.port.stats().tx_bytes, b.port.stats().rx_bytes), (5, 5));
    }

    #[test]
    fn a_loop_receives_what_it_sends() {
        let (mut a, none) = pair(&settings("a"), None).unwrap();
        assert!(none.is_none());
        let (mut pool, mut burst) = (pool(), Burst::new());
        burst.push(pool.take_filled(b"x").unwrap()).unwrap();
        a.tx[0].submit(&mut pool, &mut burst);
        assert_eq!(a.rx[0].poll(&mut pool, &mut burst, 32), 1);
        pool.give_burst(&mut burst);
    }

    #[test]
    fn a_full_ring_leaves_the_rest_in_the_burst() {
        let (mut opened, _probes) = probe(&settings("a"));
        let (mut pool, mut burst) = (pool(), Burst::new());
        for _ in 0..10 {
            burst.push(pool.take_filled(b"x").unwrap()).unwrap();
        }
        assert_eq!(opened.tx[0].submit(&mut pool, &mut burst), 8);
        assert_eq!(burst.len(), 2);
        pool.give_burst(&mut burst);
        assert_eq!(pool.available(), 64);
    }

    #[test]
    fn a_replay_keeps_half_a_ring_in_flight_and_close_returns_all() {
        let mut opened = replay(&settings("a"), &[b"one".to_vec(), b"two".to_vec()]);
        let (mut pool, mut burst) = (pool(), Burst::new());
        assert_eq!(opened.rx[0].poll(&mut pool, &mut burst, 8), 8);
        assert_eq!(pool.frame(&burst.as_slice()[3]), b"two");
        assert_eq!(opened.tx[0].submit(&mut pool, &mut burst), 8);
        assert_eq!(opened.tx[0].reclaim(&mut pool), 4);
        assert_eq!(opened.tx[0].in_flight(), 4);
        opened.tx[0].close(&mut pool);
        assert_eq!(pool.available(), 64);
    }
}
