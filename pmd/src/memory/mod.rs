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

mod cable;
mod port;
mod queue;

use crate::control::PortControl;
use crate::{LentPools, Limits, OffloadFacts, Opened, Port, PortError, PortInfo, PortSettings, Queues};
use cable::{Cable, Connector, Shelf, Source, Target};
use macaddr::MacAddr6;
use ringway_mempool::border::{self, Consumer, Producer};

pub use port::MemoryPort;
pub use queue::{MemoryRx, MemoryTx};

/// MTU of an in-memory port unless configured.
const MTU: u16 = 1500;
/// Largest MTU that can be set.
const MTU_MAX: u16 = 9216;
/// Bytes in front of the IP packet that a slot has to hold: Ethernet and two VLAN tags.
const FRAME_OVERHEAD: usize = 22;

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

/// Opens two ports (or one that is looped to itself) joined by a cable, queue `i` to queue `i`.
///
/// A queue that only one of them has leads nowhere: what is sent there fills the cable.
///
/// # Errors
/// None today; the signature is that of every driver.
pub fn pair(one: &PortSettings, other: Option<&PortSettings>) -> Result<(Opened, Option<Opened>), PortError> {
    let slot = slot_bytes(one).max(other.map_or(0, slot_bytes));
    let here = Shelf::default();
    let Some(other) = other else {
        let cable = Cable::Port(here.clone(), one.tx_ring);
        return Ok((open(one, "loop".into(), Connector { shelf: here, cable, slot })?, None));
    };
    let there = Shelf::default();
    let connect = |shelf: &Shelf, peer: &Shelf, ring| Connector {
        shelf: shelf.clone(),
        cable: Cable::Port(peer.clone(), ring),
        slot,
    };
    let peer = |settings: &PortSettings| format!("peer {}", settings.name);
    let opened = open(one, peer(other), connect(&here, &there, other.tx_ring))?;
    Ok((opened, Some(open(other, peer(one), connect(&there, &here, one.tx_ring))?)))
}

/// Opens a port whose other end is the caller's: a [`Probe`] for each queue.
///
/// # Panics
/// Never: there is a probe for each queue.
pub fn probe(settings: &PortSettings) -> (Opened, Vec<Probe>) {
    let (shelf, slot) = (Shelf::default(), slot_bytes(settings));
    let probes = (0..usize::from(settings.rx_queues.max(settings.tx_queues)))
        .map(|number| {
            let (send, source) = border::ring(settings.rx_ring, slot);
            let (target, receive) = border::ring(settings.tx_ring, slot);
            shelf.lay_source(number, Source::Ring(source));
            shelf.lay_target(number, Target::Ring(target));
            Probe { send, receive }
        })
        .collect();
    let opened = open(settings, "probe".into(), Connector { shelf, cable: Cable::Probe, slot });
    (opened.expect("a probe for each queue"), probes)
}

/// Opens a port that receives `frames` in turn without end, and whose transmit ring completes half a ring late.
///
/// # Panics
/// When `frames` is empty.
pub fn replay(settings: &PortSettings, frames: &[Vec<u8>]) -> Opened {
    assert!(!frames.is_empty(), "a replay needs at least one frame");
    let device = format!("replay of {} frames", frames.len());
    let frames = frames.iter().map(|frame| frame.clone().into_boxed_slice()).collect();
    let connector = Connector { shelf: Shelf::default(), cable: Cable::Replay(frames), slot: slot_bytes(settings) };
    open(settings, device, connector).expect("a replay takes any settings")
}

fn slot_bytes(settings: &PortSettings) -> usize {
    usize::from(settings.mtu.unwrap_or(MTU)) + FRAME_OVERHEAD
}

fn open(settings: &PortSettings, device: String, connector: Connector) -> Result<Opened, PortError> {
    let info = PortInfo {
        name: settings.name.clone(),
        driver: "memory",
        device,
        mac: settings.mac.unwrap_or_else(|| local_mac(&settings.name)),
        mtu: settings.mtu.unwrap_or(MTU),
        mtu_min: 68,
        mtu_max: settings.mtu.unwrap_or(MTU).min(MTU_MAX),
        rx_queues: 0,
        tx_queues: 0,
        rx_ring: settings.rx_ring,
        tx_ring: settings.tx_ring,
        promiscuous: settings.promiscuous,
        all_multicast: settings.all_multicast,
        numa_node: None,
        limits: Limits::default(),
        rss: None,
        rx_offloads: OffloadFacts::default(),
        tx_offloads: OffloadFacts::default(),
        facts: Vec::new(),
    };
    let mut port = MemoryPort { info, connector, up: true, rx: Vec::new(), tx: Vec::new() };
    let Queues { rx, tx, notices } = port.start(settings, LentPools::default())?;
    Ok(Opened { port: Port::Memory(port), rx, tx, notices })
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
    use crate::{RxQueue, TxQueue};
    use ringway_mempool::{Burst, Geometry, PagePolicy, Pool};

    fn settings(name: &str) -> PortSettings {
        PortSettings { rx_ring: 8, tx_ring: 8, ..PortSettings::new(name, 1) }
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

    #[test]
    fn a_port_started_again_finds_its_cable_and_what_waits_in_it() {
        let (mut a, b) = pair(&settings("a"), Some(&settings("b"))).unwrap();
        let mut b = b.unwrap();
        let (mut pool, mut burst) = (pool(), Burst::new());
        burst.push(pool.take_filled(b"hello").unwrap()).unwrap();
        a.tx[0].submit(&mut pool, &mut burst);
        b.rx[0].close(&mut pool);
        b.tx[0].close(&mut pool);
        b.port.stop(&mut []).unwrap();
        assert_eq!(b.rx[0].poll(&mut pool, &mut burst, 32), 0, "a closed queue receives nothing");
        let two = PortSettings { rx_queues: 2, tx_queues: 2, ..settings("b") };
        let mut queues = b.port.start(&two, LentPools::default()).unwrap();
        assert_eq!((queues.rx.len(), queues.tx.len(), b.port.info().rx_queues), (2, 2, 2));
        assert_eq!(queues.rx[0].poll(&mut pool, &mut burst, 32), 1);
        pool.give_burst(&mut burst);
        assert_eq!(b.port.stats().rx_packets, 1, "the counters go on");
        // The second queue joins when the other side has one too.
        burst.push(pool.take_filled(b"second").unwrap()).unwrap();
        queues.tx[1].submit(&mut pool, &mut burst);
        a.rx[0].close(&mut pool);
        a.tx[0].close(&mut pool);
        let mut queues = a.port.start(&two, LentPools::default()).unwrap();
        assert_eq!(queues.rx[1].poll(&mut pool, &mut burst, 32), 1);
        pool.give_burst(&mut burst);
        assert_eq!(pool.available(), 64);
    }
}
