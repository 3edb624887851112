//! What the FIB's writer is told of a change.

use std::cmp::Ordering;

use ipnet::{IpNet, Ipv4Net};

use crate::fib::next_hop::NextHopIndex;

/// A prefix whose routes have changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Change {
    /// Its VRF.
    pub vrf: u16,
    /// The prefix.
    pub prefix: IpNet,
    pub(super) left: Left,
}

/// What routes a change has left to a prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Left {
    Nothing,
    One(NextHopIndex),
    /// Several, or nobody has counted.
    Several,
}

impl Change {
    /// By VRF and then by prefix, IPv4 first, as [`super::Rib::iter`] does.
    pub(super) fn in_order(&self, other: &Self) -> Ordering {
        let prefixes = || match (self.prefix, other.prefix) {
            // What nearly all are, by one comparison.
            (IpNet::V4(one), IpNet::V4(other)) => {
                let number = |net: Ipv4Net| u64::from(net.addr().to_bits()) << 8 | u64::from(net.prefix_len());
                number(one).cmp(&number(other))
            }
            (one, other) => one.cmp(&other),
        };
        self.vrf.cmp(&other.vrf).then_with(prefixes)
    }
}
