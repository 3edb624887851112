//! `[modes]`: what the forwarding modes other than `l3` go by; the words and defaults are testpmd's.

use crate::words::Topology;
use serde::Serialize;

/// Settings of testpmd's forwarding modes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Modes {
    /// Which port sends what another receives.
    pub topology: Topology,
    /// Names of the ports that forward, in their order; empty for all.
    pub ports: Vec<String>,
    /// How many of them forward; all unless given.
    pub port_count: Option<u16>,
    /// The cores whose workers forward, in their order; empty for all.
    pub cores: Vec<u16>,
    /// How many of them forward; all unless given.
    pub core_count: Option<u16>,
    /// Bytes of a frame that `txonly` and `flowgen` make, without FCS.
    pub tx_bytes: u16,
    /// Destinations that `flowgen` takes turns at.
    pub flows: u32,
    /// Times that a burst which a port did not take whole is offered again in the modes other than `l3`; 0 once, at once.
    pub retries: u16,
    /// Microseconds between two offers.
    pub retry_delay_us: u16,
    /// Packets that `noisy` keeps before it sends them, by worker; 0 sends at once.
    pub noisy_buffer: u16,
    /// Milliseconds after which `noisy` sends what it keeps though the buffer is not full; 0 never.
    pub noisy_flush_ms: u16,
    /// Megabytes of memory that `noisy` reads and writes at random, by worker; 0 for none.
    pub noisy_memory_mb: u16,
    /// Random reads a packet in `noisy`.
    pub noisy_reads: u16,
    /// Random writes a packet in `noisy`.
    pub noisy_writes: u16,
    /// Random reads with a write to the same place, a packet in `noisy`.
    pub noisy_reads_writes: u16,
}

impl Modes {
    /// Shortest frame that `tx_bytes` may ask for: Ethernet, IPv4 and UDP headers, and eight bytes.
    pub const TX_BYTES_MIN: u16 = 50;
    /// Longest one; a port's MTU may be less.
    pub const TX_BYTES_MAX: u16 = 9_216;
    /// Times that testpmd offers a burst again, and its delay in microseconds, where `retry` names no others.
    pub const RETRY: (u16, u16) = (64, 1);
    /// Most times that a burst may be offered again, and most microseconds between two offers.
    pub const RETRY_MAX: (u16, u16) = (1_000, 1_000);
}

impl Default for Modes {
    fn default() -> Self {
        Self {
            topology: Topology::default(),
            ports: Vec::new(),
            port_count: None,
            cores: Vec::new(),
            core_count: None,
            tx_bytes: 64,
            flows: 1_024,
            retries: 0,
            retry_delay_us: Self::RETRY.1,
            noisy_buffer: 0,
            noisy_flush_ms: 0,
            noisy_memory_mb: 0,
            noisy_reads: 0,
            noisy_writes: 0,
            noisy_reads_writes: 0,
        }
    }
}
