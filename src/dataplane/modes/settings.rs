//! What the modes go by, compiled for the workers as a part of the snapshot.

use super::plain::{paired, peer_mac};
use crate::wire::ethernet;
use macaddr::MacAddr6;
use ringway_config::Config;
use ringway_mempool::cycles_per_second;

/// How often a burst is offered to a full port again; the bound of the only wait on the data path, and only where `retry` was
/// asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retry {
    /// Offers after the first.
    pub times: u16,
    /// Cycles between two.
    pub delay: u64,
}

impl Retry {
    /// Once, at once: what the router does.
    pub const ONCE: Self = Self { times: 1, delay: 0 };
}

/// What `noisy` does beside forwarding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct NoisySettings {
    /// Cycles after which kept packets are sent though the buffer is not full; 0 never.
    pub flush: u64,
    /// Random reads a packet.
    pub reads: u16,
    /// Random writes a packet.
    pub writes: u16,
    /// Random reads with a write to the same place, a packet.
    pub reads_writes: u16,
}

/// Which sent and received packets are shown to the operator: testpmd's `verbose`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Verbose {
    /// Received ones.
    pub received: bool,
    /// Sent ones.
    pub sent: bool,
}

impl Verbose {
    /// testpmd's levels: 0 nothing, 1 received packets, 2 sent ones, from 3 on both.
    pub fn level(level: u16) -> Self {
        Self { received: level == 1 || level > 2, sent: level >= 2 }
    }
}

/// The settings of all modes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModeSettings {
    /// By port: the station that new Ethernet headers are addressed to.
    pub peers: Box<[MacAddr6]>,
    /// By port: the VLAN tag, type and identifier, that frames get.
    pub tags: Box<[Option<[u8; 4]>]>,
    /// By port: the port that its frames go to; `None` for one that is not in the list of ports.
    pub targets: Box<[Option<u16>]>,
    /// Offers to a full port.
    pub retry: Retry,
    /// Bytes of a frame that is made.
    pub tx_bytes: u16,
    /// Destinations of `flowgen`.
    pub flows: u32,
    /// What `noisy` does.
    pub noisy: NoisySettings,
    /// What is shown.
    pub verbose: Verbose,
}

impl ModeSettings {
    /// testpmd's defaults, for so many ports.
    pub fn new(ports: usize) -> Self {
        Self {
            peers: (0..ports as u16).map(peer_mac).collect(),
            tags: vec![None; ports].into_boxed_slice(),
            targets: (0..ports as u16).map(|port| Some(paired(ports, port))).collect(),
            retry: Retry::ONCE,
            tx_bytes: 64,
            flows: 1024,
            noisy: NoisySettings::default(),
            verbose: Verbose::default(),
        }
    }

    /// As configured; the ports are those of the configuration.
    pub fn of(config: &Config, verbose: u16) -> Self {
        let modes = &config.modes;
        let cycles = |amount: u16, per_second: u64| u64::from(amount) * (cycles_per_second() / per_second);
        let retry = Retry { times: modes.retries, delay: cycles(modes.retry_delay_us, 1_000_000) };
        let peers = config.ports.iter().enumerate();
        Self {
            peers: peers.map(|(number, port)| port.eth_peer.unwrap_or_else(|| peer_mac(number as u16))).collect(),
            tags: config.ports.iter().map(|port| port.tx_vlan.map(tag)).collect(),
            targets: (0..config.ports.len() as u16).map(|port| Some(paired(config.ports.len(), port))).collect(),
            retry: if modes.retries == 0 { Retry::ONCE } else { retry },
            tx_bytes: modes.tx_bytes,
            flows: modes.flows,
            noisy: NoisySettings {
                flush: cycles(modes.noisy_flush_ms, 1_000),
                reads: modes.noisy_reads,
                writes: modes.noisy_writes,
                reads_writes: modes.noisy_reads_writes,
            },
            verbose: Verbose::level(verbose),
        }
    }

    /// The tag that frames get that leave by a port.
    #[inline]
    pub fn tag(&self, port: u16) -> Option<[u8; 4]> {
        self.tags.get(usize::from(port)).copied().flatten()
    }

    /// The port that a port's frames go to.
    #[inline]
    pub fn target(&self, port: u16) -> Option<u16> {
        self.targets.get(usize::from(port)).copied().flatten()
    }

    /// The station behind a port.
    pub fn peer(&self, port: u16) -> MacAddr6 {
        self.peers.get(usize::from(port)).copied().unwrap_or_else(|| peer_mac(port))
    }
}

/// The tag of a VLAN: IEEE 802.1Q 9.6, priority 0.
fn tag(vlan: u16) -> [u8; 4] {
    let (kind, id) = (ethernet::ETHERTYPE_VLAN.to_be_bytes(), vlan.to_be_bytes());
    [kind[0], kind[1], id[0], id[1]]
}
