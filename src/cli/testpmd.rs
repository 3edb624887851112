//! The commands that only testpmd has, as the control thread executes them, and their canonical form.

use std::fmt;

use macaddr::MacAddr6;

use super::command::PortSelector;
use super::grammar::words::Quoted;

/// One of testpmd's commands, complete and checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TestpmdCommand {
    /// `show config rxtx|cores|fwd|txpkts`
    ShowConfig(ConfigSubject),
    /// `show fwd stats all`
    ShowForward,
    /// `clear fwd stats all`
    ClearForward,
    /// `show port PORT rss-hash [key]`
    ShowRssHash {
        /// Which port.
        port: PortSelector,
        /// The key too.
        key: bool,
    },
    /// `show port PORT rss reta SIZE (MASK,...)`
    ShowReta {
        /// Which port.
        port: PortSelector,
        /// Entries of the table.
        size: u16,
        /// Which entries: 64 a mask.
        masks: Vec<u64>,
    },
    /// `show port PORT macs`
    ShowMacs(PortSelector),
    /// `show port PORT rx_offload|tx_offload capabilities|configuration`
    ShowOffloads {
        /// Which port.
        port: PortSelector,
        /// Receive or transmit.
        way: Way,
        /// What is switched on, otherwise what could be.
        configuration: bool,
    },
    /// `show port PORT rxq|txq QUEUE desc used count`
    ShowDescriptors {
        /// Which port.
        port: PortSelector,
        /// Receive or transmit.
        way: Way,
        /// Which queue.
        queue: u16,
    },
    /// `show rxq|txq info PORT QUEUE`
    ShowQueue {
        /// Receive or transmit.
        way: Way,
        /// Which port.
        port: PortSelector,
        /// Which queue.
        queue: u16,
    },
    /// `csum show PORT`
    ShowChecksums(PortSelector),
    /// `dump_mempool [NAME]`
    DumpPools(Option<String>),
    /// `dump_lcores`
    DumpCores,
    /// `start tx_first [BURSTS]`
    StartTransmitFirst(u32),
    /// `set verbose LEVEL`
    SetVerbose(u16),
    /// `set eth-peer PORT MAC`
    SetPeer {
        /// The port.
        port: PortSelector,
        /// The station behind it.
        mac: MacAddr6,
    },
    /// `set record-core-cycles on|off`
    RecordCycles(bool),
    /// `set record-burst-stats on|off`
    RecordBursts(bool),
    /// `set log TYPE LEVEL`
    SetLog {
        /// `global`.
        kind: String,
        /// testpmd's levels: 1 emergency to 8 debug.
        level: u8,
    },
    /// `set burst tx delay MICROSECONDS retry TIMES`
    SetRetry {
        /// Microseconds between two offers.
        delay_us: u16,
        /// Offers after the first.
        times: u16,
    },
    /// `set default`
    SetDefault,
    /// `set txpkts SIZE[,SIZE...]`
    SetPacketSizes(Vec<u64>),
    /// `set noisy WHAT NUMBER`
    SetNoisy {
        /// What.
        load: NoisyLoad,
        /// Accesses a packet, or milliseconds.
        amount: u16,
    },
    /// `csum set ip|udp|tcp hw|sw PORT`
    SetChecksum {
        /// Which checksum.
        layer: Layer,
        /// By the device, otherwise in software.
        hardware: bool,
        /// The sending port.
        port: PortSelector,
    },
    /// `mac_addr add|remove|set PORT MAC`
    ChangeMac {
        /// What is done with it.
        change: MacChange,
        /// The port.
        port: PortSelector,
        /// The address.
        mac: MacAddr6,
    },
    /// `vlan set strip|filter on|off PORT`
    SetVlan {
        /// What.
        offload: VlanOffload,
        /// On, otherwise off.
        on: bool,
        /// The port.
        port: PortSelector,
    },
    /// `rx_vlan add|rm VLAN|all PORT`
    FilterVlan {
        /// Receive it, otherwise not.
        receive: bool,
        /// The VLAN; every one when absent.
        vlan: Option<u16>,
        /// The port.
        port: PortSelector,
    },
    /// `tx_vlan set PORT VLAN`, `tx_vlan reset PORT`
    InsertVlan {
        /// The port.
        port: PortSelector,
        /// The VLAN whose tag is put on; none any more when absent.
        vlan: Option<u16>,
    },
}

/// A word of a command that is one of a few; its spelling is its name in the grammar.
macro_rules! words {
    ($(#[$about:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident $word:literal)+ }) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $name { $($(#[$doc])* $variant),+ }

        impl $name {
            /// The value that a word of the grammar means.
            pub fn from_word(word: &str) -> Option<Self> {
                match word { $($word => Some(Self::$variant),)+ _ => None }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self { $(Self::$variant => $word),+ })
            }
        }
    };
}

words! {
    /// What `show config` shows.
    ConfigSubject {
        /// Queues, rings and burst.
        Rxtx "rxtx"
        /// The cores that forward.
        Cores "cores"
        /// Which queue goes where.
        Forward "fwd"
        /// The packets that are made.
        PacketSizes "txpkts"
    }
}

words! {
    /// A direction.
    Way {
        /// Receive.
        Rx "rx"
        /// Transmit.
        Tx "tx"
    }
}

words! {
    /// A checksum.
    Layer {
        /// Of the IPv4 header.
        Ip "ip"
        /// Of UDP.
        Udp "udp"
        /// Of TCP.
        Tcp "tcp"
        /// Of SCTP.
        Sctp "sctp"
        /// Of a tunnel's IPv4 header.
        OuterIp "outer-ip"
        /// Of a tunnel's UDP header.
        OuterUdp "outer-udp"
    }
}

words! {
    /// What is done with a MAC address of a port.
    MacChange {
        /// One more to receive for.
        Add "add"
        /// One less.
        Remove "remove"
        /// The one that is sent from.
        Set "set"
    }
}

words! {
    /// What a device does with VLAN tags.
    VlanOffload {
        /// Takes the tag off.
        Strip "strip"
        /// Receives only VLANs that are listed.
        Filter "filter"
    }
}

words! {
    /// What mode `noisy` does.
    NoisyLoad {
        /// Random reads a packet.
        Reads "reads"
        /// Random writes a packet.
        Writes "writes"
        /// Random reads with a write, a packet.
        ReadsWrites "reads-writes"
        /// Milliseconds after which what is kept is sent.
        Flush "flush"
    }
}

impl fmt::Display for TestpmdCommand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let on_off = |on: bool| if on { "on" } else { "off" };
        match self {
            Self::ShowConfig(subject) => write!(f, "show config {subject}"),
            Self::ShowForward => f.write_str("show fwd stats all"),
            Self::ClearForward => f.write_str("clear fwd stats all"),
            Self::ShowRssHash { port, key } => {
                write!(f, "show port {port} rss-hash{}", if *key { " key" } else { "" })
            }
            Self::ShowReta { port, size, masks } => {
                let masks: Vec<String> = masks.iter().map(|mask| format!("{mask:#x}")).collect();
                write!(f, "show port {port} rss reta {size} ({})", masks.join(","))
            }
            Self::ShowMacs(port) => write!(f, "show port {port} macs"),
            Self::ShowOffloads { port, way, configuration } => {
                let what = if *configuration { "configuration" } else { "capabilities" };
                write!(f, "show port {port} {way}_offload {what}")
            }
            Self::ShowDescriptors { port, way, queue } => write!(f, "show port {port} {way}q {queue} desc used count"),
            Self::ShowQueue { way, port, queue } => write!(f, "show {way}q info {port} {queue}"),
            Self::ShowChecksums(port) => write!(f, "csum show {port}"),
            Self::DumpPools(Some(name)) => write!(f, "dump_mempool {}", Quoted(name)),
            Self::DumpPools(None) => f.write_str("dump_mempool"),
            Self::DumpCores => f.write_str("dump_lcores"),
            Self::StartTransmitFirst(bursts) => write!(f, "start tx_first {bursts}"),
            Self::SetVerbose(level) => write!(f, "set verbose {level}"),
            Self::SetPeer { port, mac } => write!(f, "set eth-peer {port} {mac}"),
            Self::RecordCycles(on) => write!(f, "set record-core-cycles {}", on_off(*on)),
            Self::RecordBursts(on) => write!(f, "set record-burst-stats {}", on_off(*on)),
            Self::SetLog { kind, level } => write!(f, "set log {} {level}", Quoted(kind)),
            Self::SetRetry { delay_us, times } => write!(f, "set burst tx delay {delay_us} retry {times}"),
            Self::SetDefault => f.write_str("set default"),
            Self::SetPacketSizes(sizes) => {
                let sizes: Vec<String> = sizes.iter().map(u64::to_string).collect();
                write!(f, "set txpkts {}", sizes.join(","))
            }
            Self::SetNoisy { load, amount } => write!(f, "set noisy {load} {amount}"),
            Self::SetChecksum { layer, hardware, port } => {
                write!(f, "csum set {layer} {} {port}", if *hardware { "hw" } else { "sw" })
            }
            Self::ChangeMac { change, port, mac } => write!(f, "mac_addr {change} {port} {mac}"),
            Self::SetVlan { offload, on, port } => write!(f, "vlan set {offload} {} {port}", on_off(*on)),
            Self::FilterVlan { receive, vlan, port } => {
                let vlan = vlan.map_or_else(|| "all".to_owned(), |vlan| vlan.to_string());
                write!(f, "rx_vlan {} {vlan} {port}", if *receive { "add" } else { "rm" })
            }
            Self::InsertVlan { port, vlan: Some(vlan) } => write!(f, "tx_vlan set {port} {vlan}"),
            Self::InsertVlan { port, vlan: None } => write!(f, "tx_vlan reset {port}"),
        }
    }
}
