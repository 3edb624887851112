//! Where a buffer is, and the exact count of all of them.

use std::fmt;

/// The places where a buffer can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Custody {
    /// On the free stack.
    Pool,
    /// Posted to a port for it to fill.
    ReceiveRing,
    /// In a worker's burst, between two stages.
    Burst,
    /// Waiting for a neighbor to be resolved.
    Held,
    /// Handed to a port for transmission, not yet reclaimed.
    TransmitRing,
}

/// How many buffers of one pool are where, at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Audit {
    /// Buffers that the pool was made with.
    pub capacity: u32,
    /// On the free stack.
    pub pool: u32,
    /// Posted for reception, over all ports.
    pub receive_rings: u32,
    /// In a burst.
    pub burst: u32,
    /// In the hold queue.
    pub held: u32,
    /// Handed over for transmission, over all ports.
    pub transmit_rings: u32,
}

impl Audit {
    /// All places added up.
    pub fn sum(&self) -> u64 {
        [self.pool, self.receive_rings, self.burst, self.held, self.transmit_rings].into_iter().map(u64::from).sum()
    }

    /// `INV-CUSTODY`: every buffer is in one place, and none is missing.
    pub fn is_exact(&self) -> bool {
        self.sum() == u64::from(self.capacity)
    }
}

impl fmt::Display for Audit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "pool {} + receive rings {} + burst {} + held {} + transmit rings {} = {} of {}",
            self.pool,
            self.receive_rings,
            self.burst,
            self.held,
            self.transmit_rings,
            self.sum(),
            self.capacity
        )
    }
}
