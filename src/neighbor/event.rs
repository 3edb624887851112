//! What the table tells its owner to do.

use std::net::IpAddr;

use macaddr::MacAddr6;

/// A neighbor: an address on one interface's link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// The interface whose link it is on.
    pub interface: u16,
    /// Its address there.
    pub address: IpAddr,
}

/// Something to do. A [`super::table::Table::need`] ends in exactly one of Update, Failed and Removed for its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// Send a solicitation: an ARP request or a Neighbor Solicitation.
    Solicit {
        /// The interface to send on.
        interface: u16,
        /// The address that is asked for.
        target: IpAddr,
        /// The MAC to ask; none asks everybody (broadcast, or the solicited-node group).
        to: Option<MacAddr6>,
    },
    /// The neighbor has this MAC: forward to it, and release what is held for it.
    Update {
        /// The neighbor.
        key: Key,
        /// Its MAC.
        mac: MacAddr6,
        /// The neighbor is STALE: a worker forwards at once and reports its first packet by
        /// [`super::table::Table::used`].
        report_use: bool,
    },
    /// The neighbor does not answer: forget it, and answer what is held for it with host-unreachable.
    Failed {
        /// The neighbor.
        key: Key,
    },
    /// The entry left for another reason (flushed, aged, made room): forget it, and give up what is held for it.
    Removed {
        /// The neighbor.
        key: Key,
    },
}
