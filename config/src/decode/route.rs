//! `[[route]]` and `[[neighbor]]`.

use std::net::IpAddr;

use ipnet::IpNet;
use macaddr::MacAddr6;

use super::InterfaceDraft;
use crate::reader::Reader;
use crate::sink::{Located, Span};
use crate::value;
use crate::words::Word;
use crate::{Neighbor, Route, RouteKind};

/// A route as far as it could be read.
pub(crate) struct RouteDraft {
    pub(crate) to: Option<Located<IpNet>>,
    pub(crate) via: Option<Located<IpAddr>>,
    pub(crate) dev: Option<Located<String>>,
    pub(crate) metric: u32,
    /// All of it, when nothing of what it needs is missing.
    pub(crate) route: Option<Route>,
}

/// A neighbor as far as it could be read.
pub(crate) struct NeighborDraft {
    pub(crate) address: Option<Located<IpAddr>>,
    pub(crate) mac: Option<MacAddr6>,
    pub(crate) dev: Option<Located<String>>,
    /// Whether the file names the interface, rightly or wrongly.
    pub(crate) has_dev: bool,
    /// The heading.
    pub(crate) span: Span,
}

/// The key `type` of a route.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum RouteType {
    Unicast,
    Blackhole,
    Unreachable,
    Prohibit,
}

impl Word for RouteType {
    const WORDS: &'static [(&'static str, Self)] = &[
        ("unicast", Self::Unicast),
        ("blackhole", Self::Blackhole),
        ("unreachable", Self::Unreachable),
        ("prohibit", Self::Prohibit),
    ];
}

pub(crate) fn read(table: &Reader<'_>) -> RouteDraft {
    let via = table.text("via", "the address of a gateway, such as \"192.0.2.254\"", value::host);
    // "default" is of the gateway's family; an IPv4 default route by an IPv6 gateway is written `0.0.0.0/0`.
    let ipv6 = via.as_ref().is_some_and(|via| via.value.is_ipv6());
    let expected = "\"default\" or a prefix, such as \"203.0.113.0/24\"";
    let to = table.text("to", expected, |text| value::destination(text, ipv6));
    table.report_missing("to", "add `to = \"default\"` or a prefix");
    let dev = table.text("dev", "the name of an interface", value::reference);
    let metric = table.integer_or("metric", 0..=u64::from(u32::MAX), 0);
    let unread = table.has("type") && table.word::<RouteType>("type").is_none();
    let kind = if unread { None } else { kind(table, via.as_ref(), dev.as_ref()) };
    let route = to.as_ref().zip(kind).map(|(to, kind)| Route { to: to.value, kind, metric });
    RouteDraft { to, via, dev, metric, route }
}

fn kind(table: &Reader<'_>, via: Option<&Located<IpAddr>>, dev: Option<&Located<String>>) -> Option<RouteKind> {
    let drops = |kind, word: &str| {
        for key in ["via", "dev"] {
            table.report_misplaced(key, &format!("type \"{word}\", which drops the packet"), &[]);
        }
        Some(kind)
    };
    match table.word_or("type", RouteType::Unicast) {
        RouteType::Blackhole => drops(RouteKind::Blackhole, "blackhole"),
        RouteType::Unreachable => drops(RouteKind::Unreachable, "unreachable"),
        RouteType::Prohibit => drops(RouteKind::Prohibit, "prohibit"),
        RouteType::Unicast => match (via, dev) {
            (Some(via), _) => Some(RouteKind::Via { gateway: via.value, interface: dev.map(|dev| dev.value.clone()) }),
            (None, Some(dev)) => Some(RouteKind::Interface { name: dev.value.clone() }),
            (None, None) => {
                if !table.has("dev") {
                    let hint =
                        "add the gateway's address as `via`, or the interface as `dev`, or `type = \"blackhole\"`";
                    table.report_missing("via", hint);
                }
                None
            }
        },
    }
}

pub(crate) fn read_neighbor(table: &Reader<'_>) -> NeighborDraft {
    let address = table.text("address", "an address, such as \"192.0.2.9\"", value::host);
    table.report_missing("address", "add the IP address of the neighbor");
    let mac = table.text("mac", "a MAC address, such as \"02:00:00:00:00:09\"", value::mac);
    table.report_missing("mac", "add the MAC address of the neighbor");
    let dev = table.text("dev", "the name of an interface", value::reference);
    NeighborDraft { address, mac: mac.map(|mac| mac.value), dev, has_dev: table.has("dev"), span: table.span().clone() }
}

impl NeighborDraft {
    /// The interface it is on: the one named, else the one whose connected prefix holds its address.
    pub(crate) fn interface<'a>(&'a self, interfaces: &'a [InterfaceDraft]) -> Option<&'a str> {
        if self.has_dev {
            return self.dev.as_ref().map(|dev| dev.value.as_str());
        }
        let address = self.address.as_ref()?.value;
        let holds = |draft: &&InterfaceDraft| draft.addresses.iter().any(|net| net.value.contains(&address));
        interfaces.iter().find(holds).and_then(InterfaceDraft::name)
    }

    /// All of it, when nothing of what it needs is missing.
    pub(crate) fn resolve(&self, interfaces: &[InterfaceDraft]) -> Option<Neighbor> {
        let interface = self.interface(interfaces)?.to_owned();
        Some(Neighbor { address: self.address.as_ref()?.value, mac: self.mac?, interface })
    }
}
