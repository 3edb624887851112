//! The desired state of ports and interfaces, as the control thread keeps it.

use super::dealing::Dealt;
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use macaddr::MacAddr6;
use ringway_config::SourceCheck;
use ringway_pmd::{Link, Port, PortSettings, PortStats, Queues};
use std::time::Instant;

/// Whether a port's queues are with the workers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PortState {
    /// They are.
    Started,
    /// They are not; the device is ours.
    Stopped,
    /// The device is given back; the number is free.
    Closed,
}

/// A port with what the operator has set and seen of it.
pub(super) struct ManagedPort {
    /// Its name.
    pub name: String,
    /// The driver's control side.
    pub port: Port,
    /// What it is started with.
    pub settings: PortSettings,
    /// Whether its queues are with the workers.
    pub state: PortState,
    /// Its device is gone, and the port is started again when it is back. Holds what last kept it from that, so that it is said once.
    pub lost: Option<String>,
    /// The workers of its queues when it was last started.
    pub dealt: Dealt,
    /// Queues from its opening that no worker has had yet, and the settings that they are of.
    pub fresh: Option<(PortSettings, Queues)>,
    /// The link when it was last looked at.
    pub link: Link,
    /// Counters when they were last cleared.
    pub cleared: PortStats,
    /// Counters and time of the last `show port stats`.
    pub shown: Option<(Instant, PortStats)>,
    /// Extended counters when they were last cleared, by name.
    pub xcleared: Vec<(String, u64)>,
    /// Promiscuous because the forwarding mode needs it, not because the operator asked.
    pub promiscuous_for_mode: bool,
}

/// An interface as it is configured now.
#[derive(Debug, Clone)]
pub(super) struct ManagedInterface {
    /// Its name.
    pub name: String,
    /// Number of its port.
    pub port: u16,
    /// Its VLANs, outermost first.
    pub vlans: Vec<u16>,
    /// Its address on the link: the port's.
    pub mac: MacAddr6,
    /// Number of its VRF.
    pub vrf: u16,
    /// IPv4 addresses with their prefixes, the primary one first.
    pub addresses: Vec<Ipv4Net>,
    /// IPv6 addresses with their prefixes, the primary one first.
    pub addresses6: Vec<Ipv6Net>,
    /// Largest IP packet, in bytes.
    pub mtu: u16,
    /// Up, as far as the operator is concerned.
    pub admin_up: bool,
    /// Its port's link is up.
    pub link_up: bool,
    /// Sends redirects.
    pub redirects: bool,
    /// Forwards directed broadcasts.
    pub directed_broadcast: bool,
    /// Which sources are let in.
    pub source_check: SourceCheck,
}

impl ManagedInterface {
    /// Addresses of both families.
    pub fn all_addresses(&self) -> impl Iterator<Item = IpNet> + '_ {
        let ipv4 = self.addresses.iter().map(|net| IpNet::V4(*net));
        ipv4.chain(self.addresses6.iter().map(|net| IpNet::V6(*net)))
    }

    /// Whether packets pass.
    pub fn is_up(&self) -> bool {
        self.admin_up && self.link_up
    }
}
