//! The bounds and times of a neighbor table.

use std::time::Duration;

/// Bounds and times; the defaults are those of RFC 4861 section 10 where it gives any.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// The most resolved neighbors of one interface, static ones included; at least 1. Unresolved ones may take
    /// half as many places again, so that a scan of addresses nobody has never competes with neighbors that exist.
    pub max_per_interface: usize,
    /// BaseReachableTime: how long a confirmation counts, on average.
    pub reachable: Duration,
    /// RetransTimer: between two solicitations to one neighbor.
    pub retransmit: Duration,
    /// DELAY_FIRST_PROBE_TIME: from the first packet to a STALE neighbor until we probe it.
    pub delay: Duration,
    /// How long a STALE neighbor stays that nobody sends to.
    pub stale: Duration,
    /// Solicitations a second on one interface, at least 1. A quarter of it, at least 4, may leave at once.
    pub solicit_rate: u32,
    /// MAX_MULTICAST_SOLICIT: solicitations to everybody before a resolution has failed.
    pub multicast_solicits: u8,
    /// MAX_UNICAST_SOLICIT: solicitations to a known MAC before the neighbor is taken for gone.
    pub unicast_solicits: u8,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            max_per_interface: 1024,
            reachable: Duration::from_secs(30),
            retransmit: Duration::from_secs(1),
            delay: Duration::from_secs(5),
            stale: Duration::from_secs(600),
            solicit_rate: 100,
            multicast_solicits: 3,
            unicast_solicits: 3,
        }
    }
}

impl Settings {
    /// The most unresolved neighbors of one interface: half of `max_per_interface`, at least one.
    pub fn max_unresolved(&self) -> usize {
        (self.max_per_interface / 2).max(1)
    }
}
