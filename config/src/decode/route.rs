//! `[[route]]` and `[[neighbor]]`.

use std::net::IpAddr;

use ipnet::IpNet;
use macaddr::MacAddr6;

use super::InterfaceDraft;
use crate::keys;
use crate::reader::Reader;
use crate::sink::{Located, Span};
use crate::value;
use crate::words::Word;
use crate::{Neighbor, Route, RouteKind, RoutePath, Vrf};

/// A route as far as it could be read.
pub(crate) struct RouteDraft {
    pub(crate) to: Option<Located<IpNet>>,
    pub(crate) via: Option<Located<IpAddr>>,
    pub(crate) dev: Option<Located<String>>,
    pub(crate) metric: u32,
    pub(crate) vrf: Option<Located<String>>,
    pub(crate) lookup: Option<Located<String>>,
    pub(crate) paths: Vec<PathDraft>,
    /// All of it, when nothing of what it needs is missing.
    pub(crate) route: Option<Route>,
}

impl RouteDraft {
    /// The VRF that has it.
    pub(crate) fn vrf(&self) -> &str {
        self.vrf.as_ref().map_or(Vrf::DEFAULT, |vrf| vrf.value.as_str())
    }

    /// The VRF that its gateways are in.
    pub(crate) fn gateway_vrf(&self) -> &str {
        self.lookup.as_ref().map_or(self.vrf(), |vrf| vrf.value.as_str())
    }

    /// Every gateway with the interface that goes with it.
    pub(crate) fn gateways(&self) -> impl Iterator<Item = (&Located<IpAddr>, Option<&Located<String>>)> {
        let one = self.via.as_ref().map(|via| (via, self.dev.as_ref()));
        let several = self.paths.iter().filter_map(|path| Some((path.via.as_ref()?, path.dev.as_ref())));
        one.into_iter().chain(several)
    }
}

/// One of several gateways as far as it could be read.
pub(crate) struct PathDraft {
    pub(crate) via: Option<Located<IpAddr>>,
    pub(crate) dev: Option<Located<String>>,
    weight: u8,
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
    let paths = table.tables("paths", &keys::PATH, read_path);
    // "default" is of the gateway's family, of several of the first one's; an IPv4 default route by an IPv6 gateway is written
    // `0.0.0.0/0`.
    let gateway = via.as_ref().or_else(|| paths.first()?.via.as_ref());
    let ipv6 = gateway.is_some_and(|gateway| gateway.value.is_ipv6());
    let expected = "\"default\" or a prefix, such as \"203.0.113.0/24\"";
    let to = table.text("to", expected, |text| value::destination(text, ipv6));
    table.report_missing("to", "add `to = \"default\"` or a prefix");
    let dev = table.text("dev", "the name of an interface", value::reference);
    let metric = table.integer_or("metric", 0..=u64::from(u32::MAX), 0);
    let vrf = table.text("vrf", "the name of a VRF", value::reference);
    let lookup = table.text("lookup", "the name of a VRF", value::reference);
    let unread = table.has("type") && table.word::<RouteType>("type").is_none();
    let kind = if unread { None } else { kind(table, via.as_ref(), dev.as_ref(), &paths) };
    let named = |vrf: &Option<Located<String>>| vrf.as_ref().map(|vrf| vrf.value.clone());
    let route = to.as_ref().zip(kind).map(|(to, kind)| Route {
        to: to.value,
        kind,
        metric,
        vrf: named(&vrf).filter(|name| name != Vrf::DEFAULT),
        lookup: named(&lookup),
    });
    RouteDraft { to, via, dev, metric, vrf, lookup, paths, route }
}

fn read_path(table: &Reader<'_>) -> PathDraft {
    let via = table.text("via", "the address of a gateway, such as \"192.0.2.254\"", value::host);
    table.report_missing("via", "add the gateway's address as `via`");
    let dev = table.text("dev", "the name of an interface", value::reference);
    PathDraft { via, dev, weight: table.integer_or("weight", 1..=255, 1) }
}

fn kind(
    table: &Reader<'_>,
    via: Option<&Located<IpAddr>>,
    dev: Option<&Located<String>>,
    paths: &[PathDraft],
) -> Option<RouteKind> {
    let drops = |kind, word: &str| {
        for key in ["via", "dev", "paths", "lookup"] {
            table.report_misplaced(key, &format!("type \"{word}\", which drops the packet"), &[]);
        }
        Some(kind)
    };
    match table.word_or("type", RouteType::Unicast) {
        RouteType::Blackhole => drops(RouteKind::Blackhole, "blackhole"),
        RouteType::Unreachable => drops(RouteKind::Unreachable, "unreachable"),
        RouteType::Prohibit => drops(RouteKind::Prohibit, "prohibit"),
        RouteType::Unicast if table.has("paths") => several(table, paths),
        RouteType::Unicast => match (via, dev) {
            (Some(via), _) => Some(RouteKind::Via { gateway: via.value, interface: dev.map(|dev| dev.value.clone()) }),
            (None, Some(dev)) => {
                table.report_misplaced("lookup", "`dev` alone, whose link has the destinations", &[]);
                Some(RouteKind::Interface { name: dev.value.clone() })
            }
            (None, None) if table.has("lookup") => Some(RouteKind::Lookup),
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

fn several(table: &Reader<'_>, paths: &[PathDraft]) -> Option<RouteKind> {
    for key in ["via", "dev"] {
        table.report_misplaced(key, "`paths`, each of which names its own", &[]);
    }
    if paths.len() < 2 && table.is_right() {
        let hint = "write a single gateway as `via`, or add another path";
        table.sink.report(&table.key_span("paths"), "`paths` has fewer than two gateways", hint);
    }
    if paths.len() > RoutePath::MOST {
        let message = format!("`paths` has {} gateways", paths.len());
        table.sink.report(&table.key_span("paths"), message, format!("a route has at most {}", RoutePath::MOST));
    }
    let path = |path: &PathDraft| {
        let interface = path.dev.as_ref().map(|dev| dev.value.clone());
        Some(RoutePath { gateway: path.via.as_ref()?.value, interface, weight: path.weight })
    };
    paths.iter().map(path).collect::<Option<Vec<_>>>().map(RouteKind::Paths)
}

/// The name of a VRF, with its place.
pub(crate) fn read_vrf(table: &Reader<'_>) -> Option<Located<String>> {
    let name = table.text("name", "the name of a VRF, such as \"red\"", value::vrf_name);
    table.report_missing("name", "add `name`");
    name
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
