//! The commands that only testpmd has, in its words.

use super::{Section, Spec};
use crate::cli::command::Command;
use crate::cli::grammar::argument::Arguments;
use crate::cli::testpmd::{ConfigSubject, Layer, MacChange, NoisyLoad, TestpmdCommand, VlanOffload, Way};

#[expect(clippy::unnecessary_wraps, reason = "the shape that every row builds")]
fn command(command: TestpmdCommand) -> Result<Command, String> {
    Ok(Command::Testpmd(command))
}

/// A value of a word that the pattern lists.
fn word<T>(arguments: &Arguments, name: &str, read: fn(&str) -> Option<T>) -> Result<T, String> {
    read(arguments.required(name)).ok_or_else(|| format!("no such word for `{name}`"))
}

fn is_on(arguments: &Arguments) -> bool {
    arguments.required::<&str>("on|off") == "on"
}

fn config(subject: ConfigSubject) -> Result<Command, String> {
    command(TestpmdCommand::ShowConfig(subject))
}

fn vlan(arguments: &Arguments, offload: VlanOffload) -> Result<Command, String> {
    command(TestpmdCommand::SetVlan { offload, on: is_on(arguments), port: arguments.required("port") })
}

pub(super) static ROWS: &[Spec] = &[
    Spec::new(
        Section::Forwarding,
        "start tx_first [<bursts:1..10000>]",
        "starts, and sends so many bursts of generated packets on every port first",
        "start tx_first 1",
        |a| command(TestpmdCommand::StartTransmitFirst(a.optional("bursts").unwrap_or(1))),
    ),
    Spec::new(
        Section::Forwarding,
        "show fwd stats all",
        "the forward statistics since `start`, as `stop` prints them",
        "show fwd stats all",
        |_| command(TestpmdCommand::ShowForward),
    ),
    Spec::new(
        Section::Forwarding,
        "clear fwd stats all",
        "counts the forward statistics from zero again",
        "clear fwd stats all",
        |_| command(TestpmdCommand::ClearForward),
    ),
    Spec::new(
        Section::Forwarding,
        "show config rxtx",
        "mode, burst, queues and rings of each port",
        "show config rxtx",
        |_| config(ConfigSubject::Rxtx),
    ),
    Spec::new(Section::Forwarding, "show config cores", "the cores that forward", "show config cores", |_| {
        config(ConfigSubject::Cores)
    }),
    Spec::new(
        Section::Forwarding,
        "show config fwd",
        "which receive queue is served by which core, and where its packets go",
        "show config fwd",
        |_| config(ConfigSubject::Forward),
    ),
    Spec::new(
        Section::Forwarding,
        "show config txpkts",
        "the packets that `txonly` and `flowgen` make",
        "show config txpkts",
        |_| config(ConfigSubject::PacketSizes),
    ),
    Spec::new(
        Section::Forwarding,
        "set txpkts <sizes:numbers>",
        "the size of the packets that `txonly` and `flowgen` make, in bytes without FCS; one segment",
        "set txpkts 128",
        |a| command(TestpmdCommand::SetPacketSizes(a.required("sizes"))),
    ),
    Spec::new(
        Section::Forwarding,
        "set burst tx delay <delay:0..1000> retry <retry:0..1000>",
        "offers a burst that a port did not take whole so often again, so many microseconds apart",
        "set burst tx delay 1 retry 64",
        |a| command(TestpmdCommand::SetRetry { delay_us: a.required("delay"), times: a.required("retry") }),
    ),
    Spec::new(
        Section::Forwarding,
        "set eth-peer <port> <mac>",
        "the station that the modes with new Ethernet addresses send to on this port",
        "set eth-peer 0 02:00:00:00:00:07",
        |a| command(TestpmdCommand::SetPeer { port: a.required("port"), mac: a.required("mac") }),
    ),
    Spec::new(
        Section::Forwarding,
        "set noisy <load:reads|writes|reads-writes|flush> <amount:0..60000>",
        "random memory accesses a packet of mode `noisy`, or milliseconds after which it sends what it keeps",
        "set noisy reads 10",
        |a| {
            let load = word(a, "load", NoisyLoad::from_word)?;
            command(TestpmdCommand::SetNoisy { load, amount: a.required("amount") })
        },
    ),
    Spec::new(
        Section::Forwarding,
        "set default",
        "mode settings, stations and burst as they are without any command",
        "set default",
        |_| command(TestpmdCommand::SetDefault),
    ),
    Spec::new(
        Section::Forwarding,
        "set verbose <level:0..3>",
        "shows packets: 1 received, 2 sent, 3 both; a few hundred a second at most",
        "set verbose 1",
        |a| command(TestpmdCommand::SetVerbose(a.required("level"))),
    ),
    Spec::new(
        Section::Forwarding,
        "set record-core-cycles on|off",
        "whether the forward statistics tell cycles a packet",
        "set record-core-cycles on",
        |a| command(TestpmdCommand::RecordCycles(is_on(a))),
    ),
    Spec::new(
        Section::Forwarding,
        "set record-burst-stats on|off",
        "whether the forward statistics tell how full bursts were",
        "set record-burst-stats on",
        |a| command(TestpmdCommand::RecordBursts(is_on(a))),
    ),
    Spec::new(
        Section::Forwarding,
        "csum set <layer:ip|udp|tcp|sctp|outer-ip|outer-udp> <by:hw|sw> <port>",
        "who fills in a checksum of mode `csum` on a sending port, which has to be stopped: the device or software",
        "csum set ip sw 0",
        |a| {
            let layer = word(a, "layer", Layer::from_word)?;
            let hardware = a.required::<&str>("by") == "hw";
            command(TestpmdCommand::SetChecksum { layer, hardware, port: a.required("port") })
        },
    ),
    Spec::new(
        Section::Forwarding,
        "csum show <port>",
        "who fills in which checksum of mode `csum` on a port",
        "csum show 0",
        |a| command(TestpmdCommand::ShowChecksums(a.required("port"))),
    ),
    Spec::new(
        Section::Ports,
        "show port <port> macs",
        "the MAC addresses that a port receives for",
        "show port 0 macs",
        |a| command(TestpmdCommand::ShowMacs(a.required("port"))),
    ),
    Spec::new(
        Section::Ports,
        "show port <port> rss-hash [key]",
        "which packets a port spreads over its queues by a hash of their headers, and the hash key",
        "show port 0 rss-hash key",
        |a| command(TestpmdCommand::ShowRssHash { port: a.required("port"), key: a.has("key") }),
    ),
    Spec::new(
        Section::Ports,
        "show port <port> rss reta <size:1..4096> <masks:masks>",
        "which queue the entries of a port's redirection table name; a bit of a mask an entry, 64 a mask",
        "show port 0 rss reta 128 (0xff,0x0)",
        |a| {
            let (size, masks) = (a.required("size"), a.required("masks"));
            command(TestpmdCommand::ShowReta { port: a.required("port"), size, masks })
        },
    ),
    Spec::new(
        Section::Ports,
        "show port <port> rx_offload <what:capabilities|configuration>",
        "what a port's device can do on reception, or does",
        "show port 0 rx_offload capabilities",
        |a| offloads(Way::Rx, a),
    ),
    Spec::new(
        Section::Ports,
        "show port <port> tx_offload <what:capabilities|configuration>",
        "what a port's device can do on transmission, or does",
        "show port 0 tx_offload configuration",
        |a| offloads(Way::Tx, a),
    ),
    Spec::new(
        Section::Ports,
        "show port <port> rxq <queue:0..65535> desc used count",
        "frames that wait in a receive ring",
        "show port 0 rxq 0 desc used count",
        |a| descriptors(Way::Rx, a),
    ),
    Spec::new(
        Section::Ports,
        "show port <port> txq <queue:0..65535> desc used count",
        "frames in a transmit ring that are not yet sent",
        "show port 0 txq 0 desc used count",
        |a| descriptors(Way::Tx, a),
    ),
    Spec::new(
        Section::Ports,
        "show rxq info <port> <queue:0..65535>",
        "descriptors, thresholds and state of a receive queue",
        "show rxq info 0 0",
        |a| queue(Way::Rx, a),
    ),
    Spec::new(
        Section::Ports,
        "show txq info <port> <queue:0..65535>",
        "descriptors, thresholds and state of a transmit queue",
        "show txq info 0 0",
        |a| queue(Way::Tx, a),
    ),
    Spec::new(
        Section::Ports,
        "mac_addr add|remove|set <port> <mac>",
        "a MAC address that a port receives for too, no longer, or is sent from",
        "mac_addr add 0 02:00:00:00:00:07",
        |a| {
            let change = word(a, "add|remove|set", MacChange::from_word)?;
            command(TestpmdCommand::ChangeMac { change, port: a.required("port"), mac: a.required("mac") })
        },
    ),
    Spec::new(
        Section::Ports,
        "vlan set strip on|off <port>",
        "whether the device takes the VLAN tag off; in modes other than `l3` only, which needs the tags",
        "vlan set strip on 0",
        |a| vlan(a, VlanOffload::Strip),
    ),
    Spec::new(
        Section::Ports,
        "vlan set filter on|off <port>",
        "whether the device receives only the VLANs of `rx_vlan add`",
        "vlan set filter on 0",
        |a| vlan(a, VlanOffload::Filter),
    ),
    Spec::new(
        Section::Ports,
        "rx_vlan add|rm <vlan:1..4094> <port>",
        "a VLAN that the device receives, or no longer, with `vlan set filter on`",
        "rx_vlan add 100 0",
        |a| filter(a, a.optional("vlan")),
    ),
    Spec::new(Section::Ports, "rx_vlan add|rm all <port>", "every VLAN", "rx_vlan add all 0", |a| filter(a, None)),
    Spec::new(
        Section::Ports,
        "tx_vlan set <port> <vlan:1..4094>",
        "the VLAN whose tag frames get that leave by a port, in modes other than `l3` and `io`",
        "tx_vlan set 0 100",
        |a| command(TestpmdCommand::InsertVlan { port: a.required("port"), vlan: a.optional("vlan") }),
    ),
    Spec::new(Section::Ports, "tx_vlan reset <port>", "no tag is put on any more", "tx_vlan reset 0", |a| {
        command(TestpmdCommand::InsertVlan { port: a.required("port"), vlan: None })
    }),
    Spec::new(
        Section::Insight,
        "dump_mempool [<name:word>]",
        "testpmd's view of the packet buffers of each worker; `show pool` tells more",
        "dump_mempool",
        |a| command(TestpmdCommand::DumpPools(a.optional("name"))),
    ),
    Spec::new(
        Section::Insight,
        "dump mempool [<name:word>]",
        "the same as `dump_mempool`",
        "dump mempool mb_pool_0",
        |a| command(TestpmdCommand::DumpPools(a.optional("name"))),
    ),
    Spec::new(Section::Insight, "dump_lcores", "the cores and what they do", "dump_lcores", |_| {
        command(TestpmdCommand::DumpCores)
    }),
    Spec::new(Section::Insight, "dump lcores", "the same as `dump_lcores`", "dump lcores", |_| {
        command(TestpmdCommand::DumpCores)
    }),
    Spec::new(
        Section::Session,
        "set log <type:word> <level:1..8>",
        "how much is logged: 4 errors, 5 warnings, 7 what happens, 8 everything; the type is `global`",
        "set log global 8",
        |a| command(TestpmdCommand::SetLog { kind: a.required("type"), level: a.required("level") }),
    ),
    Spec::new(
        Section::Session,
        "load <file>",
        "executes the commands of a file, as far as the first one that goes wrong",
        "load /etc/ringway/evening.cli",
        |a| Ok(Command::Load { file: a.required("file") }),
    ),
];

fn offloads(way: Way, arguments: &Arguments) -> Result<Command, String> {
    let configuration = arguments.required::<&str>("what") == "configuration";
    command(TestpmdCommand::ShowOffloads { port: arguments.required("port"), way, configuration })
}

fn descriptors(way: Way, arguments: &Arguments) -> Result<Command, String> {
    let (port, queue) = (arguments.required("port"), arguments.required("queue"));
    command(TestpmdCommand::ShowDescriptors { port, way, queue })
}

fn queue(way: Way, arguments: &Arguments) -> Result<Command, String> {
    let (port, queue) = (arguments.required("port"), arguments.required("queue"));
    command(TestpmdCommand::ShowQueue { way, port, queue })
}

fn filter(arguments: &Arguments, vlan: Option<u16>) -> Result<Command, String> {
    let receive = arguments.required::<&str>("add|rm") == "add";
    command(TestpmdCommand::FilterVlan { receive, vlan, port: arguments.required("port") })
}
