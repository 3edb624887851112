//! What the stages know about the packets of a burst, position by position.

use super::drop_reason::DropReason;
use ringway_mempool::BURST;

/// What a stage decided of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// A plain IPv4 packet whose destination is to be looked up.
    Lookup,
    /// A plain IPv6 packet whose destination is to be looked up.
    Lookup6,
    /// The way is known: the slot lane holds the neighbor.
    Rewrite,
    /// Ready: the port lane says where.
    Transmit,
    /// Needs more than the plain way: options, an answer, delivery, resolution, fragmentation.
    Exception,
    /// An ARP frame for the control thread.
    Punt,
    /// A message of Neighbor Discovery for the control thread, with its whole frame.
    Discovery,
    /// No further.
    Drop(DropReason),
}

/// The lanes; they live on the worker's stack for one burst.
pub struct Lanes {
    /// What was decided.
    pub verdict: [Verdict; BURST],
    /// Interface that the packet came in on.
    pub ingress: [u16; BURST],
    /// Whether that is the same for all packets.
    pub same_ingress: bool,
    /// Bytes from the start of the frame to the IP header.
    pub l3: [u8; BURST],
    /// Destination address of IPv4, host byte order.
    pub destination: [u32; BURST],
    /// The neighbor's slot.
    pub slot: [u32; BURST],
    /// The port to send on.
    pub port: [u16; BURST],
    /// The interface that the packet leaves by.
    pub egress: [u16; BURST],
    /// Whether the burst has IPv4 packets to look up, and IPv6 ones, so that one without spends nothing on them.
    pub any: [bool; 2],
    /// The port that the whole burst is sent on, when it is one.
    pub together: Option<u16>,
}

impl Lanes {
    /// Lanes that know nothing.
    pub fn new() -> Self {
        Self {
            verdict: [Verdict::Drop(DropReason::NoInterface); BURST],
            ingress: [0; BURST],
            same_ingress: false,
            l3: [0; BURST],
            destination: [0; BURST],
            slot: [0; BURST],
            port: [0; BURST],
            egress: [0; BURST],
            any: [false; 2],
            together: None,
        }
    }
}

impl Default for Lanes {
    fn default() -> Self {
        Self::new()
    }
}
