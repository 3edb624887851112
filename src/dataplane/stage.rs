//! The stages of a burst's way, for the cycle counters.

/// A stage of the `l3` way; the other modes have only receive, process and transmit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Stage {
    /// Reclaiming sent buffers and polling a receive queue.
    Receive,
    /// Ethernet, VLAN and IPv4 header checks.
    Input,
    /// Route cache, FIB, next hop, adjacency.
    Lookup,
    /// Time to live, checksum, new Ethernet header.
    Rewrite,
    /// Packets to their ports, and everything that is not plain forwarding.
    Dispatch,
    /// Handing bursts to the ports.
    Transmit,
}

/// How many stages there are.
pub const STAGES: usize = Stage::ALL.len();

impl Stage {
    /// Every stage in the order a burst passes them.
    pub const ALL: &'static [Self] =
        &[Self::Receive, Self::Input, Self::Lookup, Self::Rewrite, Self::Dispatch, Self::Transmit];

    /// The name that commands print.
    pub fn name(self) -> &'static str {
        match self {
            Self::Receive => "receive",
            Self::Input => "input",
            Self::Lookup => "lookup",
            Self::Rewrite => "rewrite",
            Self::Dispatch => "dispatch",
            Self::Transmit => "transmit",
        }
    }
}
