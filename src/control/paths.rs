//! VRFs by name, and path lists from what a file or a command says of a route.

use super::router::Router;
use crate::fib::next_hop::{NextHop, Path, Paths};
use crate::fib::rib::RibError;
use ipnet::IpNet;
use ringway_config::{Route, RouteKind, RoutePath, Vrf};
use std::collections::HashSet;
use std::net::IpAddr;

/// The number of a VRF: 0 is the default one, the others follow in the order of the file.
pub(super) fn vrf_number(vrfs: &[Vrf], name: &str) -> Option<u16> {
    if name == Vrf::DEFAULT {
        return Some(0);
    }
    vrfs.iter().position(|vrf| vrf.name == name).map(|place| place as u16 + 1)
}

impl Router {
    /// The number of a VRF; of none, the default one.
    pub(super) fn vrf_number(&self, name: Option<&str>) -> Result<u16, String> {
        let Some(name) = name else { return Ok(0) };
        vrf_number(&self.config.vrfs, name).ok_or_else(|| {
            let names = self.config.vrfs.iter().map(|vrf| vrf.name.as_str());
            let names: Vec<&str> = [Vrf::DEFAULT].into_iter().chain(names).collect();
            format!("there is no VRF {name}; the VRFs are: {}", names.join(", "))
        })
    }

    /// The name of a VRF.
    pub(super) fn vrf_name(&self, number: u16) -> String {
        let named = usize::from(number).checked_sub(1).and_then(|place| self.config.vrfs.get(place));
        named.map_or_else(|| Vrf::DEFAULT.to_owned(), |vrf| vrf.name.clone())
    }

    /// Where a route points. The interface of a gateway is found by its connected network unless it is named.
    pub(super) fn paths_of(&self, route: &Route) -> Result<Paths, String> {
        let lookup = route.lookup.as_deref().or(route.vrf.as_deref());
        let vrf = self.vrf_number(lookup)?;
        check(route)?;
        Ok(match &route.kind {
            RouteKind::Via { gateway, interface } => self.gateway(vrf, *gateway, interface.as_deref())?.into(),
            RouteKind::Paths(paths) => {
                let path = |path: &RoutePath| {
                    let next_hop = self.gateway(vrf, path.gateway, path.interface.as_deref())?;
                    Ok(Path { next_hop, weight: path.weight })
                };
                let paths = paths.iter().map(path).collect::<Result<Vec<Path>, String>>()?;
                Paths::new(paths).ok_or_else(|| "the route has no gateway".to_owned())?
            }
            RouteKind::Lookup => NextHop::Vrf { vrf }.into(),
            RouteKind::Interface { name } => NextHop::Connected { interface: self.interface_number(name)? }.into(),
            RouteKind::Blackhole => NextHop::Blackhole.into(),
            RouteKind::Unreachable => NextHop::Unreachable.into(),
            RouteKind::Prohibit => NextHop::Prohibit.into(),
        })
    }

    /// The next hop for a gateway in a VRF.
    pub(super) fn gateway(&self, vrf: u16, address: IpAddr, interface: Option<&str>) -> Result<NextHop, String> {
        let named = interface.map(|name| self.interface_number(name)).transpose()?;
        match (named, self.rib.resolve_gateway(vrf, address)) {
            (None, found) => found.map_err(|error| self.name_interfaces(&error)),
            (Some(interface), Ok(NextHop::Gateway { interface: there, .. })) if interface != there => {
                let (named, right) = (self.interface_name(interface), self.interface_name(there));
                Err(format!("gateway {address} is on {right}, not on {named}"))
            }
            (Some(interface), _) => Ok(NextHop::Gateway { interface, address }),
        }
    }

    /// An error of the RIB, which knows interfaces by number, with their names.
    pub(super) fn name_interfaces(&self, error: &RibError) -> String {
        let mut text = error.to_string();
        for (number, interface) in self.interfaces.iter().enumerate() {
            for end in [")", ";", " ", ","] {
                text = text.replace(&format!("interface {number}{end}"), &format!("{}{end}", interface.name));
            }
        }
        text
    }
}

/// Refuses of a command what a file with that route would be refused for, so that `show config` can be read back.
fn check(route: &Route) -> Result<(), String> {
    let named = |vrf: &Option<String>| vrf.clone().unwrap_or_else(|| Vrf::DEFAULT.to_owned());
    if route.lookup.is_some() && named(&route.lookup) == named(&route.vrf) {
        let vrf = named(&route.vrf);
        return Err(format!("the route is looked up in its own VRF {vrf}; name another, or leave `lookup` out"));
    }
    let gateways: Vec<(IpAddr, Option<&str>)> = match &route.kind {
        RouteKind::Via { gateway, interface } => vec![(*gateway, interface.as_deref())],
        RouteKind::Paths(paths) => paths.iter().map(|path| (path.gateway, path.interface.as_deref())).collect(),
        RouteKind::Interface { .. } if route.lookup.is_some() => {
            return Err("`lookup` does not go with `dev` alone, whose link has the destinations; leave it out".into());
        }
        _ => Vec::new(),
    };
    if gateways.len() > RoutePath::MOST {
        return Err(format!("the route has {} gateways; a route has at most {}", gateways.len(), RoutePath::MOST));
    }
    let mut seen = HashSet::new();
    for (address, interface) in gateways {
        if !seen.insert((address, interface)) {
            return Err(format!("gateway {address} is named twice; a greater share is a greater `weight`"));
        }
        if address.is_ipv4() && matches!(route.to, IpNet::V6(_)) {
            return Err(format!("an IPv6 route needs an IPv6 gateway, and {address} is of IPv4"));
        }
    }
    Ok(())
}
