//! A command written back in full: no abbreviation, nothing that could be read in two ways.
//!
//! `parse(command.to_string())` gives the same command again; a property test in `grammar` holds it to that.

use std::fmt;

use super::command::{
    Command, ForwardMode, Ping, PortCounters, PortSelector, PortSubject, RouteGateway, RouteLoad, RouteTarget,
};
use super::grammar::words::Quoted;

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ShowPort { subject, port } => write!(f, "show port {subject} {port}"),
            Self::Port(command) => command.fmt(f),
            Self::ShowInterface { name } => write!(f, "show interface{}", Also("", name)),
            Self::ShowRoute { prefix, longer, vrf } => {
                let longer = if *longer { " longer" } else { "" };
                write!(f, "show route{}{longer}{}", Also("", prefix), Also("vrf ", vrf))
            }
            Self::ShowRouteSummary => f.write_str("show route summary"),
            Self::ShowNextHop => f.write_str("show nexthop"),
            Self::ShowAdjacency => f.write_str("show adjacency"),
            Self::ShowNeighbor { interface, vrf } => {
                write!(f, "show neighbor{}{}", Also("", interface), Also("vrf ", vrf))
            }
            Self::ShowCache => f.write_str("show cache"),
            Self::ShowFibZones { vrf } => write!(f, "show fib zones{}", Also("vrf ", vrf)),
            Self::ShowPool => f.write_str("show pool"),
            Self::ShowDrops { all: true } => f.write_str("show drops all"),
            Self::ShowDrops { all: false } => f.write_str("show drops"),
            Self::ShowWorkers => f.write_str("show workers"),
            Self::ShowConfig => f.write_str("show config"),
            Self::ShowIcmp => f.write_str("show icmp"),
            Self::ShowVersion => f.write_str("show version"),
            Self::ClearPort { counters, port } => write!(f, "clear port {counters} {port}"),
            Self::ClearDrops => f.write_str("clear drops"),
            Self::ClearWorkers => f.write_str("clear workers"),
            Self::ClearCache => f.write_str("clear cache"),
            Self::ShowArp => f.write_str("show arp"),
            Self::ShowNd => f.write_str("show nd"),
            Self::ClearAll => f.write_str("clear all"),
            Self::RouteGet { address, flow, vrf } => {
                write!(f, "route get {address}{}", Also("from ", &flow.source))?;
                write!(f, "{}{}", Also("dev ", &flow.interface), Also("protocol ", &flow.protocol))?;
                write!(f, "{}{}", Also("sport ", &flow.source_port), Also("dport ", &flow.destination_port))?;
                write!(f, "{}", Also("vrf ", vrf))
            }
            Self::RouteAdd { replace, prefix, target, metric, vrf, lookup } => {
                let verb = if *replace { "replace" } else { "add" };
                match target {
                    RouteTarget::Gateways(gateways) => {
                        write!(f, "route {verb} {prefix}")?;
                        for RouteGateway { via, interface, weight } in gateways {
                            write!(f, " via {via}{}", Also("dev ", interface))?;
                            write!(f, "{}", Also("weight ", &Some(weight).filter(|weight| **weight != 1)))?;
                        }
                        Ok(())
                    }
                    RouteTarget::Interface(name) => write!(f, "route {verb} {prefix} dev {}", Quoted(name)),
                    RouteTarget::Lookup => write!(f, "route {verb} {prefix}"),
                    RouteTarget::Blackhole => write!(f, "route {verb} blackhole {prefix}"),
                    RouteTarget::Unreachable => write!(f, "route {verb} unreachable {prefix}"),
                    RouteTarget::Prohibit => write!(f, "route {verb} prohibit {prefix}"),
                }?;
                write!(f, "{}{}{}", Also("metric ", metric), Also("vrf ", vrf), Also("lookup ", lookup))
            }
            Self::RouteLoad(RouteLoad { file, via, vrf, metric }) => {
                write!(f, "route load {}{}", Quoted(file), Also("via ", via))?;
                write!(f, "{}{}", Also("vrf ", vrf), Also("metric ", metric))
            }
            Self::RouteDel { prefix, via, metric, vrf } => {
                write!(f, "route del {prefix}{}{}{}", Also("via ", via), Also("metric ", metric), Also("vrf ", vrf))
            }
            Self::NeighborAdd { address, mac, interface } => {
                write!(f, "neighbor add {address} {mac} dev {}", Quoted(interface))
            }
            Self::NeighborDel { address, interface } => {
                write!(f, "neighbor del {address}{}", Also("dev ", interface))
            }
            Self::NeighborFlush { interface } => write!(f, "neighbor flush{}", Also("", interface)),
            Self::InterfaceSetState { name, up } => {
                write!(f, "interface set {} {}", Quoted(name), if *up { "up" } else { "down" })
            }
            Self::InterfaceSetMtu { name, mtu } => {
                write!(f, "interface set {} mtu {mtu}", Quoted(name))
            }
            Self::Start => f.write_str("start"),
            Self::Stop => f.write_str("stop"),
            Self::SetForwardMode { mode, retry } => write!(f, "set fwd {mode}{}", if *retry { " retry" } else { "" }),
            Self::SetPromiscuous { port, on } => write!(f, "set promisc {port} {}", on_off(*on)),
            Self::SetAllMulticast { port, on } => write!(f, "set allmulti {port} {}", on_off(*on)),
            Self::SetBurst { size } => write!(f, "set burst {size}"),
            Self::Ping(Ping { address, count, size, dont_fragment, interval_ms, vrf }) => {
                let df = if *dont_fragment { " df" } else { "" };
                write!(f, "ping {address} count {count} size {size}{df} interval {interval_ms}{}", Also("vrf ", vrf))
            }
            Self::Write { file } => write!(f, "write {}", Quoted(file)),
            Self::Help { words } => {
                f.write_str("help")?;
                words.iter().try_for_each(|word| write!(f, " {}", Quoted(word)))
            }
            Self::Testpmd(command) => command.fmt(f),
            Self::Load { file } => write!(f, "load {}", Quoted(file)),
            Self::NotSupported { line, .. } => f.write_str(line),
            Self::Quit => f.write_str("quit"),
        }
    }
}

fn on_off(on: bool) -> &'static str {
    if on { "on" } else { "off" }
}

/// A space, a keyword and a value, or nothing.
struct Also<'a, T>(&'static str, &'a Option<T>);

impl<T: fmt::Display> fmt::Display for Also<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.1 {
            Some(value) => write!(f, " {}{}", self.0, Quoted(&value.to_string())),
            None => Ok(()),
        }
    }
}

impl fmt::Display for PortSelector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("all"),
            Self::Number(number) => write!(f, "{number}"),
            Self::Name(name) => write!(f, "{}", Quoted(name)),
        }
    }
}

impl fmt::Display for PortSubject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Info => "info",
            Self::Stats => "stats",
            Self::Xstats => "xstats",
            Self::Summary => "summary",
        })
    }
}

impl fmt::Display for PortCounters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Stats => "stats",
            Self::Xstats => "xstats",
        })
    }
}

impl fmt::Display for ForwardMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}
