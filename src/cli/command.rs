//! What a line of the grammar means.
//!
//! A command is what the control thread executes. It knows nothing of how it was written: every abbreviation, synonym
//! and default is resolved by [`grammar`](crate::cli::grammar), and `Display` (in `canonical.rs`) writes it back in
//! full. The match over it in the control thread is exhaustive, so a new command cannot be forgotten there.

use std::net::IpAddr;
use std::time::Duration;

use ipnet::IpNet;
use macaddr::MacAddr6;

use super::port_command::PortCommand;
use super::testpmd::TestpmdCommand;

/// One command, complete and checked.
///
/// Addresses are of either family by type; the grammar admits IPv4 only, and says so, until the router forwards IPv6.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// `show port info|stats|xstats|summary [PORT|all]`
    ShowPort {
        /// Which of the four tables.
        subject: PortSubject,
        /// Of which port.
        port: PortSelector,
    },
    /// `show interface [NAME]`
    ShowInterface {
        /// One interface, or every one.
        name: Option<String>,
    },
    /// `show route [PREFIX [longer]] [vrf NAME]`: the routes of a VRF.
    ShowRoute {
        /// Only routes for this prefix.
        prefix: Option<IpNet>,
        /// And for every longer one inside it.
        longer: bool,
        /// Of which VRF.
        vrf: Option<String>,
    },
    /// `show route summary`
    ShowRouteSummary,
    /// `show nexthop`
    ShowNextHop,
    /// `show adjacency`
    ShowAdjacency,
    /// `show neighbor [INTERFACE] [vrf NAME]`
    ShowNeighbor {
        /// Only neighbors on this interface.
        interface: Option<String>,
        /// Only neighbors on interfaces of this VRF.
        vrf: Option<String>,
    },
    /// `show arp`
    ShowArp,
    /// `show nd`
    ShowNd,
    /// `show cache`
    ShowCache,
    /// `show fib zones [vrf NAME]`
    ShowFibZones {
        /// Of which VRF.
        vrf: Option<String>,
    },
    /// `show pool`
    ShowPool,
    /// `show drops [all]`
    ShowDrops {
        /// Also the reasons that have counted nothing.
        all: bool,
    },
    /// `show workers`
    ShowWorkers,
    /// `show config`, `show running-config`: the running configuration as TOML.
    ShowConfig,
    /// `show icmp`
    ShowIcmp,
    /// `show version`
    ShowVersion,
    /// `clear port stats|xstats PORT|all`
    ClearPort {
        /// Which counters.
        counters: PortCounters,
        /// Of which port.
        port: PortSelector,
    },
    /// `clear drops`
    ClearDrops,
    /// `clear workers`
    ClearWorkers,
    /// `clear cache`
    ClearCache,
    /// `clear all`: every counter, and the route caches.
    ClearAll,
    /// `route get ADDRESS ...`: explains step by step where a packet to this address goes.
    RouteGet {
        /// The destination to explain.
        address: IpAddr,
        /// The rest of the packet that is asked about.
        flow: RouteFlow,
        /// From which VRF.
        vrf: Option<String>,
    },
    /// `route add ...`, `route replace ...`
    RouteAdd {
        /// Puts it in the place of the one of this prefix and metric, if there is one.
        replace: bool,
        /// What the route covers.
        prefix: IpNet,
        /// Where it points.
        target: RouteTarget,
        /// Its metric, lower is better; the control thread's default when absent.
        metric: Option<u32>,
        /// The VRF that has it.
        vrf: Option<String>,
        /// The VRF that its gateways are in, or that the destination is looked up in again.
        lookup: Option<String>,
    },
    /// `route load FILE ...`
    RouteLoad(RouteLoad),
    /// `route del PREFIX [via ADDRESS] [metric NUMBER] [vrf NAME]`
    RouteDel {
        /// The VRF that has it.
        vrf: Option<String>,
        /// What the route covers.
        prefix: IpNet,
        /// Only the route by this gateway.
        via: Option<IpAddr>,
        /// Only the route of this metric.
        metric: Option<u32>,
    },
    /// `neighbor add ADDRESS MAC dev INTERFACE`: a static entry.
    NeighborAdd {
        /// The on-link address.
        address: IpAddr,
        /// Its MAC address.
        mac: MacAddr6,
        /// The interface it is reached by.
        interface: String,
    },
    /// `neighbor del ADDRESS [dev INTERFACE]`
    NeighborDel {
        /// The on-link address.
        address: IpAddr,
        /// The interface; needed only when the address is on several.
        interface: Option<String>,
    },
    /// `neighbor flush [INTERFACE]`: forgets what was learnt, keeps static entries.
    NeighborFlush {
        /// Only on this interface.
        interface: Option<String>,
    },
    /// `interface set NAME up|down`
    InterfaceSetState {
        /// The interface.
        name: String,
        /// Up, otherwise down.
        up: bool,
    },
    /// `interface set NAME mtu BYTES`
    InterfaceSetMtu {
        /// The interface.
        name: String,
        /// Its IP MTU, in bytes.
        mtu: u16,
    },
    /// `start`: packets are received and forwarded.
    Start,
    /// `stop`: packets are no longer received; answers with the forward statistics since `start`.
    Stop,
    /// `set fwd MODE [retry]`
    SetForwardMode {
        /// The mode from the next `start` on.
        mode: ForwardMode,
        /// Bursts that a port does not take whole are offered again.
        retry: bool,
    },
    /// `set promisc PORT|all on|off`
    SetPromiscuous {
        /// The port.
        port: PortSelector,
        /// On, otherwise off.
        on: bool,
    },
    /// `set allmulti PORT|all on|off`
    SetAllMulticast {
        /// The port.
        port: PortSelector,
        /// On, otherwise off.
        on: bool,
    },
    /// `set burst NUMBER`
    SetBurst {
        /// The most packets a poll takes.
        size: u16,
    },
    /// A command that only testpmd has.
    Testpmd(TestpmdCommand),
    /// `load FILE`, taken apart where the line was typed into.
    Load {
        /// The file, as the router sees the path.
        file: String,
    },
    /// A command of testpmd's that is not here, answered where the line was typed.
    NotSupported {
        /// The whole line.
        line: String,
        /// The words of it that name the command.
        asked: String,
        /// What there is instead, or nothing.
        instead: &'static str,
    },
    /// What stops, starts and reshapes ports, and chooses what forwards.
    Port(PortCommand),
    /// `ping ADDRESS ...`
    Ping(Ping),
    /// `write FILE`: saves the running configuration.
    Write {
        /// Where to, as the router sees the path.
        file: String,
    },
    /// `help [WORDS]`, answered where the line was typed.
    Help {
        /// The words of a command, or some word in one.
        words: Vec<String>,
    },
    /// `quit`
    Quit,
}

/// Which table of `show port`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PortSubject {
    /// What the port is.
    Info,
    /// The counters that every driver has.
    Stats,
    /// The counters that only this driver has.
    Xstats,
    /// One line a port.
    Summary,
}

/// Which counters of a port `clear port` sets to zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PortCounters {
    /// Those of `show port stats`.
    Stats,
    /// Those of `show port xstats`.
    Xstats,
}

/// A port as a line names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PortSelector {
    /// Every port.
    All,
    /// By its number, from 0 in the order of the configuration.
    Number(u16),
    /// By its name in the configuration.
    Name(String),
}

/// Where a route points.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RouteTarget {
    /// To one of these gateways, at least one, by flow.
    Gateways(Vec<RouteGateway>),
    /// Into another VRF, to be looked up there again.
    Lookup,
    /// To hosts that are directly on this interface.
    Interface(String),
    /// Nowhere, and nobody is told.
    Blackhole,
    /// Nowhere, and the sender is told that the host is unreachable.
    Unreachable,
    /// Nowhere, and the sender is told that it is prohibited.
    Prohibit,
}

/// A gateway of a route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteGateway {
    /// The gateway.
    pub via: IpAddr,
    /// The interface to it, when that is not to be derived from its address.
    pub interface: Option<String>,
    /// Its share of the flows, beside the weights of the others.
    pub weight: u8,
}

/// The parts of a packet, beside its destination, that can decide where it goes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RouteFlow {
    /// Its source.
    pub source: Option<IpAddr>,
    /// The interface that it comes in by.
    pub interface: Option<String>,
    /// Its protocol; UDP when absent.
    pub protocol: Option<u8>,
    /// Its source port.
    pub source_port: Option<u16>,
    /// Its destination port.
    pub destination_port: Option<u16>,
}

/// A file of routes to load.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteLoad {
    /// The file, as the router sees the path.
    pub file: String,
    /// The gateway of the routes that name none.
    pub via: Option<IpAddr>,
    /// The VRF that gets them.
    pub vrf: Option<String>,
    /// Their metric, where the file says none.
    pub metric: Option<u32>,
}

/// What the workers do with a packet; the verdict functions of the loop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ForwardMode {
    /// The router.
    L3,
    /// To the paired port, untouched.
    Io,
    /// To the paired port, with new Ethernet addresses.
    Mac,
    /// To the paired port, with the Ethernet addresses swapped.
    MacSwap,
    /// Received and dropped.
    RxOnly,
    /// Sent only, nothing received.
    TxOnly,
    /// ARP requests and echo requests answered, all else dropped.
    IcmpEcho,
    /// To the paired port, with Ethernet addresses, IP addresses and ports swapped.
    FiveTupleSwap,
    /// To the paired port, with new Ethernet addresses and every checksum right.
    Csum,
    /// Flows of packets sent, what is received dropped.
    FlowGen,
    /// To the paired port, after a stay in a buffer and a load on the memory.
    Noisy,
}

impl ForwardMode {
    /// Every mode, in the order the documentation lists them.
    pub const ALL: [Self; 11] = [
        Self::L3,
        Self::Io,
        Self::Mac,
        Self::MacSwap,
        Self::FiveTupleSwap,
        Self::Csum,
        Self::IcmpEcho,
        Self::RxOnly,
        Self::TxOnly,
        Self::FlowGen,
        Self::Noisy,
    ];

    /// The word for it, in commands and in the configuration file.
    pub const fn word(self) -> &'static str {
        match self {
            Self::L3 => "l3",
            Self::Io => "io",
            Self::Mac => "mac",
            Self::MacSwap => "macswap",
            Self::RxOnly => "rxonly",
            Self::TxOnly => "txonly",
            Self::IcmpEcho => "icmpecho",
            Self::FiveTupleSwap => "5tswap",
            Self::Csum => "csum",
            Self::FlowGen => "flowgen",
            Self::Noisy => "noisy",
        }
    }

    /// The mode that `word` names.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mode| mode.word() == word)
    }
}

/// What to send for `ping`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ping {
    /// Whom to ask.
    pub address: IpAddr,
    /// How many requests.
    pub count: u32,
    /// Bytes of data after the ICMP header.
    pub size: u16,
    /// Whether the requests forbid fragmentation.
    pub dont_fragment: bool,
    /// From which VRF.
    pub vrf: Option<String>,
    /// Time between two requests, in milliseconds.
    pub interval_ms: u32,
}

impl Ping {
    /// Requests when the line names no number.
    pub const COUNT: u32 = 5;
    /// Bytes of data when the line names no number, as `ping` of iputils has it.
    pub const SIZE: u16 = 56;
    /// Milliseconds between requests when the line names none.
    pub const INTERVAL_MS: u32 = 1000;
}

impl Command {
    /// The time an answer may take before it is given up: 30 s, and for `ping` as long again as its requests take.
    pub fn patience(&self) -> Duration {
        const ANSWER: Duration = Duration::from_secs(30);
        match self {
            // Loading a full table with its own progress takes seconds at most; a large file on a slow disk longer.
            Self::RouteLoad(_) => 20 * ANSWER,
            Self::Ping(ping) => ANSWER + Duration::from_millis(u64::from(ping.interval_ms)) * ping.count,
            _ => ANSWER,
        }
    }
}
