//! What the pool of one worker has to cover, from the configuration: `INV-BUDGET`.

use super::dealing::Dealt;
use super::dpdk;
use crate::dataplane::FRAGMENT_RESERVE;
use ringway_config::Config;
use ringway_mempool::{BURST, Budget, Geometry};
use ringway_pmd::RingBuffers;

/// Longest Ethernet header: addresses, two VLAN tags, type.
pub(super) const ETHERNET: u16 = 22;
/// MTU of ports that do not say: what `check` assumes before the devices are opened.
pub const DEFAULT_MTU: u16 = 1500;
/// Buffers for packets of our own: injected ones, redirects, and the twin that fault injection makes.
const OWN: u32 = BURST as u32;

/// Buffers for what is staged for ports that are attached later.
const LATER: u32 = 4 * BURST as u32;

/// Rings of a port's queues, as the driver has them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PortRings {
    /// The port's name.
    pub name: String,
    /// Buffers that the receive queue of one worker holds.
    pub rx: u32,
    /// Buffers that the transmit queue of one worker holds.
    pub tx: u32,
}

impl PortRings {
    /// What one worker's queues of a port can hold.
    pub(super) fn of_worker(name: &str, rings: RingBuffers, dealt: &Dealt, worker: u16) -> Self {
        let count = |workers: &[u16]| workers.iter().filter(|of| **of == worker).count() as u32;
        Self { name: name.into(), rx: rings.rx * count(&dealt.rx), tx: rings.tx * count(&dealt.tx) }
    }
}

/// The budget of one worker.
pub fn budget(config: &Config, ports: &[PortRings]) -> Budget {
    let mut budget = Budget::new();
    for port in ports {
        let setting = |key: &str| format!("{key} of [[port]] {}", port.name);
        // Drivers that copy keep no buffers in their rings.
        for (place, held, key) in [("receive", port.rx, "rx_ring"), ("transmit", port.tx, "tx_ring")] {
            if held > 0 {
                budget.add(format!("{place} ring of {}", port.name), held, setting(key));
            }
        }
        budget.add(format!("burst staged for {}", port.name), BURST as u32, "fixed");
    }
    budget.add("burst", BURST as u32, "fixed");
    budget.add("hold queue", u32::from(config.neighbor.hold_total), "hold_total of [neighbors]");
    if config.modes.noisy_buffer > 0 {
        budget.add("buffer of mode noisy", u32::from(config.modes.noisy_buffer), "noisy_buffer of [modes]");
    }
    if dpdk::is_wanted(config) {
        budget.add("cache of DPDK", dpdk::CACHE_BUFFERS, "fixed");
    }
    budget.add("fragment reserve", FRAGMENT_RESERVE, "fixed");
    budget.add("packets of our own", OWN, "fixed");
    budget
}

/// Buffers of one worker: what is configured, else what the budget needs and a few ports attached later.
pub fn buffers(config: &Config, budget: &Budget) -> u32 {
    config.memory.buffers.unwrap_or_else(|| (budget.needed() + LATER).next_multiple_of(64))
}

/// The shape of the buffers: what is configured, else what the largest MTU needs, or a driver that asks for more.
pub fn geometry(config: &Config, mtus: impl IntoIterator<Item = u16>, asked: u32) -> Geometry {
    let mtu = mtus.into_iter().max().unwrap_or(DEFAULT_MTU);
    Geometry {
        frame: config
            .memory
            .frame_size
            .unwrap_or_else(|| mtu.saturating_add(ETHERNET).max(u16::try_from(asked).unwrap_or(u16::MAX))),
    }
}
