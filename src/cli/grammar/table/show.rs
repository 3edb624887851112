//! The commands that look and change nothing.

use super::{Section, Spec};
use crate::cli::command::{Command, PortSelector, PortSubject, RouteFlow};
use crate::cli::grammar::argument::Arguments;

fn show_port(subject: PortSubject, arguments: &Arguments) -> Result<Command, String> {
    let port = arguments.optional("port").unwrap_or(PortSelector::All);
    Ok(Command::ShowPort { subject, port })
}

pub(super) static ROWS: &[Spec] = &[
    Spec::new(
        Section::Ports,
        "show port info [<port>]",
        "what a port is: driver, MAC address, link, MTU, queues",
        "show port info all",
        |a| show_port(PortSubject::Info, a),
    ),
    Spec::new(
        Section::Ports,
        "show port stats [<port>]",
        "packets, bytes and errors of a port, and its rates since this command was last given",
        "show port stats all",
        |a| show_port(PortSubject::Stats, a),
    ),
    Spec::new(
        Section::Ports,
        "show port xstats [<port>]",
        "the counters that only this port's driver has",
        "show port xstats 0",
        |a| show_port(PortSubject::Xstats, a),
    ),
    Spec::new(Section::Ports, "show port summary [<port>]", "one line a port", "show port summary all", |a| {
        show_port(PortSubject::Summary, a)
    }),
    Spec::new(
        Section::Interfaces,
        "show interface [<interface>]",
        "addresses, MTU, state and traffic of each interface",
        "show interface p0",
        |a| Ok(Command::ShowInterface { name: a.optional("interface") }),
    ),
    Spec::new(
        Section::Routes,
        "show route [<prefix> [longer]] [vrf <vrf>]",
        "every known route of a VRF, the best of each prefix marked; `longer` shows those inside the prefix too",
        "show route 203.0.113.0/24",
        |a| Ok(Command::ShowRoute { prefix: a.optional("prefix"), longer: a.has("longer"), vrf: a.optional("vrf") }),
    )
    .with_proc(),
    Spec::new(
        Section::Routes,
        "show route summary",
        "how many routes there are by length and origin, and the memory they take",
        "show route summary",
        |_| Ok(Command::ShowRouteSummary),
    ),
    Spec::new(
        Section::Routes,
        "show nexthop",
        "where routes point: each path list, its shares, how many routes use it",
        "show nexthop",
        |_| Ok(Command::ShowNextHop),
    ),
    Spec::new(
        Section::Routes,
        "show adjacency",
        "what is written in front of a packet to each next hop and neighbor",
        "show adjacency",
        |_| Ok(Command::ShowAdjacency),
    ),
    Spec::new(
        Section::Routes,
        "route get <address> [from <source:address>] [dev <interface>] [protocol <protocol:0..255>] [sport <sport:0..65535>] [dport <dport:0..65535>] [vrf <vrf>]",
        "explains step by step where a packet to this address goes; the rest says which packet, where that matters",
        "route get 203.0.113.7 from 192.0.2.10 dev p0",
        |a| {
            let flow = RouteFlow {
                source: a.optional("source"),
                interface: a.optional("interface"),
                protocol: a.optional("protocol"),
                source_port: a.optional("sport"),
                destination_port: a.optional("dport"),
            };
            Ok(Command::RouteGet { address: a.required("address"), flow, vrf: a.optional("vrf") })
        },
    ),
    Spec::new(
        Section::Routes,
        "show cache",
        "the route cache of each worker: entries, hits, misses, age",
        "show cache",
        |_| Ok(Command::ShowCache),
    )
    .with_proc(),
    Spec::new(
        Section::Routes,
        "show fib zones [vrf <vrf>]",
        "routes of a VRF by prefix length, and the memory they take",
        "show fib zones",
        |a| Ok(Command::ShowFibZones { vrf: a.optional("vrf") }),
    ),
    Spec::new(
        Section::Neighbors,
        "show arp",
        "what address resolution has asked, heard, refused and given up",
        "show arp",
        |_| Ok(Command::ShowArp),
    ),
    Spec::new(
        Section::Neighbors,
        "show nd",
        "what Neighbor Discovery has heard, refused and given up, and router advertisements",
        "show nd",
        |_| Ok(Command::ShowNd),
    ),
    Spec::new(
        Section::Neighbors,
        "show neighbor [<interface>] [vrf <vrf>]",
        "who is on the links: address, MAC address, state, age, packets held",
        "show neighbor p0",
        |a| Ok(Command::ShowNeighbor { interface: a.optional("interface"), vrf: a.optional("vrf") }),
    )
    .with_proc(),
    Spec::new(
        Section::Insight,
        "show pool",
        "where each packet buffer is, and whether the sum is exact",
        "show pool",
        |_| Ok(Command::ShowPool),
    ),
    Spec::new(
        Section::Insight,
        "show drops [all]",
        "packets dropped since the last `clear drops`, by reason; `all` shows the reasons at zero too",
        "show drops",
        |a| Ok(Command::ShowDrops { all: a.has("all") }),
    ),
    Spec::new(
        Section::Insight,
        "show workers",
        "what each worker does: bursts, packets, cycles by stage",
        "show workers",
        |_| Ok(Command::ShowWorkers),
    ),
    Spec::new(
        Section::Insight,
        "show icmp",
        "ICMP messages received, sent and held back by the rate limit, by type",
        "show icmp",
        |_| Ok(Command::ShowIcmp),
    ),
    Spec::new(
        Section::Session,
        "show config",
        "the running configuration, as a file that reproduces it",
        "show config",
        |_| Ok(Command::ShowConfig),
    ),
    Spec::new(Section::Session, "show running-config", "the same as `show config`", "show running-config", |_| {
        Ok(Command::ShowConfig)
    }),
    Spec::new(Section::Session, "show version", "which ringway this is", "show version", |_| Ok(Command::ShowVersion)),
];
