//! One IP packet outside of a burst: what the exceptional ways carry from function to function.

use ringway_mempool::{Mbuf, Pool};

/// A packet whose frame begins at its IP header; the Ethernet header has been taken off.
#[derive(Debug)]
pub struct Packet {
    /// The packet.
    pub mbuf: Mbuf,
    /// Interface that it came in on; `None` for packets of our own, which are never answered with an error.
    pub ingress: Option<u16>,
    /// VRF that it is routed in: that of the interface it came in on, or the one that a packet of our own was made for.
    pub vrf: u16,
}

impl Packet {
    /// Whether it says that it is IPv6.
    pub fn is_ipv6(&self, pool: &Pool) -> bool {
        pool.frame(&self.mbuf).first().is_some_and(|first| first >> 4 == 6)
    }
}
