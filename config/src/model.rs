//! What a checked file says: plain data, every value within its range, every name resolved.
//!
//! The defaults stand here, in `Default`, and nowhere else: the decoder starts from them and the writer leaves out
//! what equals them.

use std::net::IpAddr;
use std::path::PathBuf;

use ipnet::IpNet;
use macaddr::MacAddr6;
use serde::Serialize;

use crate::advertise::Advertise;
use crate::modes::Modes;
use crate::port::{DriverSettings, Port};
use crate::words::{CacheMode, HopByHop, HugePages, Idle, InterfaceId, Mode, Pages, SourceCheck};

/// A whole configuration file, checked.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Config {
    /// `[router]`: the process as a whole.
    pub router: Router,
    /// `[workers]`: the cores that forward.
    pub workers: Workers,
    /// `[memory]`: packet buffers.
    pub memory: Memory,
    /// `[dpdk]`: how DPDK is started; `None` starts it only when a port needs it.
    pub dpdk: Option<Dpdk>,
    /// `[[port]]`: the devices, in the order of the file; never empty after [`crate::parse`].
    pub ports: Vec<Port>,
    /// `[[vrf]]`: routing tables beside the default one, in the order of the file.
    pub vrfs: Vec<Vrf>,
    /// `[[interface]]`: the IP side of ports and VLANs, in the order of the file.
    pub interfaces: Vec<Interface>,
    /// `[[route]]`: static routes, in the order of the file.
    pub routes: Vec<Route>,
    /// `[[neighbor]]`: static neighbors, in the order of the file.
    pub neighbors: Vec<Neighbor>,
    /// `[cache]`: the route cache of each worker.
    pub cache: Cache,
    /// `[neighbors]`: bounds and timers of neighbor resolution.
    pub neighbor: NeighborSettings,
    /// `[icmp]`: limits on what the router itself sends.
    pub icmp: Icmp,
    /// `[modes]`: what the forwarding modes other than `l3` go by.
    pub modes: Modes,
}

impl Config {
    /// The port that receives what the in-memory port `name` sends: the one it names, else the one that names it,
    /// else itself. `None` when there is no in-memory port of that name.
    pub fn memory_peer(&self, name: &str) -> Option<&str> {
        let peer_of = |port: &Port| match &port.driver {
            DriverSettings::Memory { peer } => Some(peer.clone()),
            _ => None,
        };
        let port = self.ports.iter().find(|port| port.name == name)?;
        let named = peer_of(port)?.unwrap_or_else(|| name.to_owned());
        let joined = |other: &&Port| {
            other.name == named || named == name && peer_of(other).flatten().is_some_and(|peer| peer == name)
        };
        let others = self.ports.iter().filter(|other| other.name != name).find(joined);
        Some(others.unwrap_or(port).name.as_str())
    }
}

/// The process as a whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Router {
    /// Name shown at the prompt.
    pub name: String,
    /// What the workers do with a packet.
    pub mode: Mode,
    /// UNIX socket of the command line.
    pub socket: PathBuf,
    /// Whether packets with a source-route option are forwarded (RFC 1812, 5.2.4.1).
    pub accept_source_route: bool,
    /// What becomes of IPv6 packets in transit that carry hop-by-hop options.
    pub hop_by_hop: HopByHop,
    /// Routes at most, over all VRFs and both families.
    pub max_routes: u32,
    /// What addresses of [`InterfaceId::Stable`] are made of beside names; none: the machine's id.
    pub address_secret: Option<String>,
}

impl Default for Router {
    fn default() -> Self {
        Self {
            name: "ringway".into(),
            mode: Mode::L3,
            socket: "/run/ringway/ringway.sock".into(),
            accept_source_route: false,
            hop_by_hop: HopByHop::Process,
            max_routes: 4_000_000,
            address_secret: None,
        }
    }
}

/// The cores that forward, and how they wait.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Workers {
    /// How many, or which.
    pub cores: Cores,
    /// What a worker does when there is nothing to do.
    pub idle: Idle,
    /// Packets taken from a queue in one turn, 1 to 32.
    pub burst: u16,
}

impl Default for Workers {
    fn default() -> Self {
        Self { cores: Cores::Count(1), idle: Idle::Poll, burst: 32 }
    }
}

/// The cores of the workers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Cores {
    /// This many workers, on cores that the router chooses.
    Count(u16),
    /// One worker on each of these cores, by the number the kernel gives them; no core twice.
    List(Vec<usize>),
}

impl Cores {
    /// Number of workers.
    pub fn workers(&self) -> usize {
        match self {
            Self::Count(count) => usize::from(*count),
            Self::List(cores) => cores.len(),
        }
    }
}

/// Packet buffers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Memory {
    /// Pages that hold the buffers.
    pub pages: Pages,
    /// Whether the pages are locked into memory.
    pub lock: bool,
    /// Buffers of each worker; `None` is what the budget needs.
    pub buffers: Option<u32>,
    /// Largest frame in bytes, Ethernet header included, frame check sequence not; `None` follows the largest MTU of the ports.
    pub frame_size: Option<u16>,
}

impl Default for Memory {
    fn default() -> Self {
        Self { pages: Pages::Auto, lock: true, buffers: None, frame_size: None }
    }
}

/// How DPDK is started.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Dpdk {
    /// Whether it takes huge pages.
    pub huge_pages: HugePages,
    /// Whether other DPDK programs may look into this one.
    pub secondary: bool,
    /// Devices beside those of the ports.
    pub devices: Vec<String>,
    /// More arguments, as the command line of any DPDK program has them.
    pub args: Vec<String>,
}

/// A routing table of its own: its interfaces' addresses and neighbors can be those of another one's as well.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Vrf {
    /// Its name, unique; `default` is the table of whatever names none.
    pub name: String,
}

impl Vrf {
    /// The name of the table that is always there.
    pub const DEFAULT: &'static str = "default";
}

/// The IP side of a port, or of a VLAN on it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Interface {
    /// Its name, unique among interfaces: `p0`, `p0.100`, `p0.200.100`.
    pub name: String,
    /// The port under it.
    pub port: String,
    /// VLAN identifiers, outermost first. One is 802.1Q; of two, the outer is 802.1ad and the inner 802.1Q.
    pub vlans: Vec<u16>,
    /// Addresses as written, with host bits. Connected prefixes do not overlap between interfaces.
    pub addresses: Vec<IpNet>,
    /// MTU in bytes of IP packet; `None` follows the port.
    pub mtu: Option<u16>,
    /// Whether it starts up.
    pub up: bool,
    /// Whether ICMP redirects are sent when the way out is the way in.
    pub redirects: bool,
    /// Whether packets to a connected prefix's broadcast address are forwarded (RFC 2644).
    pub directed_broadcast: bool,
    /// Whether it speaks IPv6: it has a link-local address then, formed of its MAC unless `addresses` names one.
    pub ipv6: bool,
    /// What its link-local address is made of.
    pub interface_id: InterfaceId,
    /// Whether its IPv6 addresses are probed for before they are used (RFC 4862).
    pub duplicate_detection: bool,
    /// Its router advertisements; `None` sends none.
    pub ra: Option<Advertise>,
    /// Its VRF; `None` is the default one.
    pub vrf: Option<String>,
    /// Which sources are let in.
    pub source_check: SourceCheck,
}

impl Interface {
    /// An interface on this port and these VLANs (outermost first), everything else at its default.
    pub fn new(port: impl Into<String>, vlans: &[u16]) -> Self {
        let port = port.into();
        let name = vlans.iter().fold(port.clone(), |name, vlan| format!("{name}.{vlan}"));
        Self {
            name,
            port,
            vlans: vlans.to_vec(),
            addresses: Vec::new(),
            mtu: None,
            up: true,
            redirects: true,
            directed_broadcast: false,
            ipv6: false,
            interface_id: InterfaceId::Eui64,
            duplicate_detection: true,
            ra: None,
            vrf: None,
            source_check: SourceCheck::Off,
        }
    }
}

/// A static route.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Route {
    /// Destination, without host bits; `0.0.0.0/0` and `::/0` are the default routes.
    pub to: IpNet,
    /// What happens to a packet that takes it.
    pub kind: RouteKind,
    /// Preference among routes to the same destination: the lowest wins.
    pub metric: u32,
    /// The VRF that has the route; `None` is the default one.
    pub vrf: Option<String>,
    /// The VRF that the gateways are in, or that the destination is looked up in again; `None` is the route's own.
    pub lookup: Option<String>,
}

/// What happens to a packet that takes a route.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RouteKind {
    /// Sent to a gateway.
    Via {
        /// The gateway's address.
        gateway: IpAddr,
        /// The way out, when the file names it; else the interface whose connected prefix holds the gateway.
        interface: Option<String>,
    },
    /// Spread over several gateways, at least two, by flow.
    Paths(Vec<RoutePath>),
    /// Looked up again in the VRF that `lookup` names.
    Lookup,
    /// Sent straight to its destination, which is on this interface's link.
    Interface {
        /// The interface.
        name: String,
    },
    /// Dropped in silence.
    Blackhole,
    /// Dropped and answered with host-unreachable.
    Unreachable,
    /// Dropped and answered with communication-prohibited.
    Prohibit,
}

/// One of several gateways of a route.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RoutePath {
    /// The gateway's address.
    pub gateway: IpAddr,
    /// The way out, when the file names it.
    pub interface: Option<String>,
    /// Its share of the flows, beside the weights of the others.
    pub weight: u8,
}

impl RoutePath {
    /// The most gateways of one route.
    pub const MOST: usize = 256;
}

/// A static neighbor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Neighbor {
    /// Its IP address.
    pub address: IpAddr,
    /// Its MAC address, a unicast one.
    pub mac: MacAddr6,
    /// The interface it is on.
    pub interface: String,
}

/// The route cache of each worker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Cache {
    /// When it is used.
    pub mode: CacheMode,
    /// Entries, a power of two.
    pub entries: u32,
    /// Seconds that an entry is good for.
    pub timeout_s: u32,
}

impl Default for Cache {
    fn default() -> Self {
        Self { mode: CacheMode::Auto, entries: 256, timeout_s: 60 }
    }
}

/// Bounds and timers of neighbor resolution. The timers are those of RFC 4861, section 10.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NeighborSettings {
    /// Neighbors of one interface at most.
    pub max_per_interface: u32,
    /// Packets held for one unresolved neighbor.
    pub hold_per_neighbor: u16,
    /// Packets held by one worker.
    pub hold_total: u16,
    /// Milliseconds that a confirmed neighbor stays reachable.
    pub reachable_ms: u32,
    /// Milliseconds between two solicitations to one neighbor.
    pub retransmit_ms: u32,
    /// Milliseconds between the first packet to a stale neighbor and the first probe.
    pub delay_ms: u32,
    /// Solicitations a second on one interface.
    pub solicit_rate: u32,
    /// Seconds after which an unused stale neighbor leaves.
    pub stale_s: u32,
}

impl Default for NeighborSettings {
    fn default() -> Self {
        Self {
            max_per_interface: 1024,
            hold_per_neighbor: 4,
            hold_total: 256,
            reachable_ms: 30_000,
            retransmit_ms: 1_000,
            delay_ms: 5_000,
            solicit_rate: 100,
            stale_s: 1_200,
        }
    }
}

/// Limits on what the router itself sends: token buckets, a worker and kind each.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Icmp {
    /// Errors of one kind a second; 0 sends none.
    pub errors_per_second: u32,
    /// Errors of one kind in a row.
    pub burst: u32,
    /// Echo replies a second; 0 sends none.
    pub echo_per_second: u32,
    /// Echo replies in a row.
    pub echo_burst: u32,
}

impl Default for Icmp {
    fn default() -> Self {
        Self { errors_per_second: 1_000, burst: 50, echo_per_second: 10_000, echo_burst: 500 }
    }
}
