//! The commands that change something.

use super::{Section, Spec};
use crate::cli::command::{Command, ForwardMode, Ping, PortCounters, RouteGateway, RouteLoad, RouteTarget};
use crate::cli::grammar::argument::{Arguments, Value};
use ipnet::{IpNet, Ipv6Net};
use std::net::IpAddr;

fn route_by_next_hop(arguments: &Arguments) -> Result<Command, String> {
    let mut gateways: Vec<RouteGateway> = Vec::new();
    let mut interface = None;
    for (name, value) in arguments.in_order() {
        match (name, value, gateways.last_mut()) {
            ("gateway", Value::Address(via), _) => {
                // An interface that stands before every gateway goes with the first.
                let interface = interface.take();
                gateways.push(RouteGateway { via: *via, interface, weight: 1 });
            }
            ("interface", Value::Text(text), Some(last)) if last.interface.is_none() => {
                last.interface = Some(text.clone());
            }
            ("interface", Value::Text(text), None) if interface.is_none() => interface = Some(text.clone()),
            ("interface", ..) => return Err("two interfaces for one gateway: leave one out".into()),
            ("weight", Value::Number(weight), Some(last)) => last.weight = *weight as u8,
            _ => {}
        }
    }
    let target = match (gateways.is_empty(), interface) {
        (false, _) => RouteTarget::Gateways(gateways),
        (true, Some(interface)) => RouteTarget::Interface(interface),
        (true, None) if arguments.optional::<String>("lookup").is_some() => RouteTarget::Lookup,
        (true, None) => {
            return Err("the route leads nowhere yet: add `via <gateway>` or `dev <interface>`, \
                        or write `route add blackhole`"
                .into());
        }
    };
    route(target, arguments)
}

fn route(target: RouteTarget, arguments: &Arguments) -> Result<Command, String> {
    let via = match &target {
        RouteTarget::Gateways(gateways) => gateways.first().map(|gateway| gateway.via),
        _ => None,
    };
    Ok(Command::RouteAdd {
        replace: arguments.has("replace"),
        prefix: prefix(arguments, via),
        target,
        metric: arguments.optional("metric"),
        vrf: arguments.optional("vrf"),
        lookup: arguments.optional("lookup"),
    })
}

/// `default` is of the gateway's family, and of IPv4 without one. `0.0.0.0/0` is what it says, whatever the gateway (RFC 8950).
fn prefix(arguments: &Arguments, via: Option<IpAddr>) -> IpNet {
    let default = arguments.in_order().any(|(name, value)| name == "prefix" && *value == Value::Default);
    if default && via.is_some_and(|via| via.is_ipv6()) {
        return Ipv6Net::default().into();
    }
    arguments.required("prefix")
}

fn is_on(arguments: &Arguments) -> bool {
    arguments.required::<&str>("on|off") == "on"
}

pub(super) static ROWS: &[Spec] = &[
    Spec::new(Section::Forwarding, "start", "receives and forwards", "start", |_| Ok(Command::Start)),
    Spec::new(
        Section::Forwarding,
        "stop",
        "finishes what is in flight, receives no more, prints the forward statistics since `start`",
        "stop",
        |_| Ok(Command::Stop),
    ),
    Spec::new(
        Section::Forwarding,
        "set fwd <mode:l3|io|mac|macswap|5tswap|csum|icmpecho|rxonly|txonly|flowgen|noisy> [retry]",
        "what is done with a packet, from the next `start` on; `retry` offers a burst again that a port did not take whole",
        "set fwd l3",
        |a| {
            let mode = ForwardMode::from_word(a.required("mode"));
            Ok(Command::SetForwardMode { mode: mode.ok_or("no such mode")?, retry: a.has("retry") })
        },
    ),
    Spec::new(
        Section::Forwarding,
        "set burst <burst:1..512>",
        "the most packets one poll takes",
        "set burst 32",
        |a| Ok(Command::SetBurst { size: a.required("burst") }),
    ),
    Spec::new(
        Section::Ports,
        "set promisc <port> on|off",
        "whether a port takes frames for every MAC address",
        "set promisc all on",
        |a| Ok(Command::SetPromiscuous { port: a.required("port"), on: is_on(a) }),
    ),
    Spec::new(
        Section::Ports,
        "set allmulti <port> on|off",
        "whether a port takes frames for every group",
        "set allmulti p0 off",
        |a| Ok(Command::SetAllMulticast { port: a.required("port"), on: is_on(a) }),
    ),
    Spec::new(
        Section::Ports,
        "clear port stats <port>",
        "sets a port's counters to zero",
        "clear port stats all",
        |a| Ok(Command::ClearPort { counters: PortCounters::Stats, port: a.required("port") }),
    ),
    Spec::new(
        Section::Ports,
        "clear port xstats <port>",
        "sets the counters of a port's driver to zero",
        "clear port xstats 0",
        |a| Ok(Command::ClearPort { counters: PortCounters::Xstats, port: a.required("port") }),
    ),
    Spec::new(
        Section::Interfaces,
        "interface set <interface> up|down",
        "brings an interface up, or takes it down with the routes through it",
        "interface set p0 down",
        |a| {
            let up = a.required::<&str>("up|down") == "up";
            Ok(Command::InterfaceSetState { name: a.required("interface"), up })
        },
    ),
    Spec::new(
        Section::Interfaces,
        "interface set <interface> mtu <mtu:68..65535>",
        "the largest IP packet the interface sends, in bytes",
        "interface set p0 mtu 1400",
        |a| Ok(Command::InterfaceSetMtu { name: a.required("interface"), mtu: a.required("mtu") }),
    ),
    Spec::new(
        Section::Interfaces,
        "ping <address> [count <count:1..10000>] [size <size:0..65507>] [df] [interval <interval:10..10000>] [vrf <vrf>]",
        "asks a host for echo replies; `interval` is in milliseconds, `df` forbids fragmentation",
        "ping 192.0.2.2 count 3 size 1472 df",
        |a| {
            Ok(Command::Ping(Ping {
                address: a.required("address"),
                count: a.optional("count").unwrap_or(Ping::COUNT),
                size: a.optional("size").unwrap_or(Ping::SIZE),
                dont_fragment: a.has("df"),
                interval_ms: a.optional("interval").unwrap_or(Ping::INTERVAL_MS),
                vrf: a.optional("vrf"),
            }))
        },
    ),
    Spec::new(
        Section::Routes,
        "route add <prefix> [via <gateway:address> [dev <interface>] [weight <weight:1..255>]]... [dev <interface>] [metric <metric:0..4294967295>] [vrf <vrf>] [lookup <lookup:vrf>]",
        "adds a static route: by a gateway, spread over several by weight, or to hosts directly on an interface",
        "route add 203.0.113.0/24 via 198.51.100.2 metric 10",
        route_by_next_hop,
    ),
    Spec::new(
        Section::Routes,
        "route add blackhole <prefix> [metric <metric:0..4294967295>] [vrf <vrf>]",
        "drops what goes there, and tells nobody",
        "route add blackhole 203.0.113.0/24",
        |a| route(RouteTarget::Blackhole, a),
    ),
    Spec::new(
        Section::Routes,
        "route add unreachable <prefix> [metric <metric:0..4294967295>] [vrf <vrf>]",
        "drops what goes there, and answers host unreachable",
        "route add unreachable 203.0.113.0/24",
        |a| route(RouteTarget::Unreachable, a),
    ),
    Spec::new(
        Section::Routes,
        "route add prohibit <prefix> [metric <metric:0..4294967295>] [vrf <vrf>]",
        "drops what goes there, and answers communication prohibited",
        "route add prohibit 203.0.113.0/24",
        |a| route(RouteTarget::Prohibit, a),
    ),
    Spec::new(
        Section::Routes,
        "route replace <prefix> [via <gateway:address> [dev <interface>] [weight <weight:1..255>]]... [dev <interface>] [metric <metric:0..4294967295>] [vrf <vrf>] [lookup <lookup:vrf>]",
        "puts a static route in the place of the one of its prefix and metric, or adds it",
        "route replace 203.0.113.0/24 via 198.51.100.2 metric 10",
        route_by_next_hop,
    ),
    Spec::new(
        Section::Routes,
        "route replace blackhole <prefix> [metric <metric:0..4294967295>] [vrf <vrf>]",
        "drops what goes there, and tells nobody",
        "route replace blackhole 203.0.113.0/24",
        |a| route(RouteTarget::Blackhole, a),
    ),
    Spec::new(
        Section::Routes,
        "route replace unreachable <prefix> [metric <metric:0..4294967295>] [vrf <vrf>]",
        "drops what goes there, and answers host unreachable",
        "route replace unreachable 203.0.113.0/24",
        |a| route(RouteTarget::Unreachable, a),
    ),
    Spec::new(
        Section::Routes,
        "route replace prohibit <prefix> [metric <metric:0..4294967295>] [vrf <vrf>]",
        "drops what goes there, and answers communication prohibited",
        "route replace prohibit 203.0.113.0/24",
        |a| route(RouteTarget::Prohibit, a),
    ),
    Spec::new(
        Section::Routes,
        "route load <file> [via <gateway:address>] [vrf <vrf>] [metric <metric:0..4294967295>]",
        "adds every route of a file, text or MRT; `via` is for those that name no gateway here",
        "route load routes.txt via 198.51.100.2",
        |a| {
            Ok(Command::RouteLoad(RouteLoad {
                file: a.required("file"),
                via: a.optional("gateway"),
                vrf: a.optional("vrf"),
                metric: a.optional("metric"),
            }))
        },
    ),
    Spec::new(
        Section::Routes,
        "route del <prefix> [via <gateway:address>] [metric <metric:0..4294967295>] [vrf <vrf>]",
        "removes a static route",
        "route del 203.0.113.0/24",
        |a| {
            let via = a.optional("gateway");
            Ok(Command::RouteDel { prefix: prefix(a, via), via, metric: a.optional("metric"), vrf: a.optional("vrf") })
        },
    ),
    Spec::new(
        Section::Routes,
        "clear cache",
        "empties the route cache of each worker and its counters",
        "clear cache",
        |_| Ok(Command::ClearCache),
    ),
    Spec::new(
        Section::Neighbors,
        "neighbor add <address> <mac> dev <interface>",
        "adds a neighbor that never ages",
        "neighbor add 192.0.2.7 02:00:00:00:00:07 dev p0",
        |a| {
            let (address, mac) = (a.required("address"), a.required("mac"));
            Ok(Command::NeighborAdd { address, mac, interface: a.required("interface") })
        },
    ),
    Spec::new(
        Section::Neighbors,
        "neighbor del <address> [dev <interface>]",
        "forgets one neighbor",
        "neighbor del 192.0.2.7",
        |a| {
            let address = a.required("address");
            Ok(Command::NeighborDel { address, interface: a.optional("interface") })
        },
    ),
    Spec::new(
        Section::Neighbors,
        "neighbor flush [<interface>]",
        "forgets every neighbor that was learnt",
        "neighbor flush p0",
        |a| Ok(Command::NeighborFlush { interface: a.optional("interface") }),
    ),
    Spec::new(Section::Insight, "clear drops", "counts drops from zero again", "clear drops", |_| {
        Ok(Command::ClearDrops)
    }),
    Spec::new(
        Section::Insight,
        "clear workers",
        "counts bursts, cycles and histograms of the workers from zero again",
        "clear workers",
        |_| Ok(Command::ClearWorkers),
    ),
    Spec::new(Section::Insight, "clear all", "every `clear` at once", "clear all", |_| Ok(Command::ClearAll)),
    Spec::new(Section::Session, "write <file>", "saves the running configuration", "write /etc/ringway.toml", |a| {
        Ok(Command::Write { file: a.required("file") })
    }),
    Spec::new(
        Section::Session,
        "help [<words...>]",
        "the commands, those that begin with these words, or one in detail",
        "help route add",
        |a| Ok(Command::Help { words: a.every("words") }),
    ),
    Spec::new(
        Section::Session,
        "quit",
        "ends the prompt; at the prompt of `ringway run`, and as a one-shot command, stops the router",
        "quit",
        |_| Ok(Command::Quit),
    ),
];
