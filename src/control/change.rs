//! Commands that change routes, neighbors and interfaces, and the configuration with them.

use super::execute::target_interface;
use super::router::Router;
use crate::cli::command::RouteTarget;
use crate::cli::reply::Reply;
use crate::fib::next_hop::NextHop;
use crate::fib::rib::{Origin, RibError, Route};
use crate::neighbor::event::Key;
use ipnet::IpNet;
use macaddr::MacAddr6;
use ringway_config as config;
use std::net::IpAddr;
use std::time::Instant;

type Answer = Result<Reply, String>;

impl Router {
    pub(super) fn add_route(&mut self, prefix: IpNet, target: &RouteTarget, metric: u32) -> Answer {
        let next_hop = self.next_hop_of(target)?;
        let route = Route { prefix, paths: next_hop.into(), origin: Origin::Static, metric };
        self.rib.add(0, &route).map_err(|error| self.name_interfaces(&error))?;
        self.config.routes.push(config::Route { to: prefix, kind: Self::configured_kind(target), metric });
        self.publish();
        Ok(Reply::done())
    }

    pub(super) fn delete_route(&mut self, prefix: IpNet, via: Option<IpAddr>, metric: Option<u32>) -> Answer {
        let metric = match via {
            // The gateway says which of several routes is meant.
            Some(via) => {
                let found = self.rib.iter(0).find(|route| {
                    let by = route.paths.has_gateway(via);
                    let wanted = metric.is_none_or(|metric| metric == route.metric);
                    by && wanted && route.prefix == prefix && route.origin == Origin::Static
                });
                Some(found.ok_or_else(|| format!("there is no static route to {prefix} via {via}"))?.metric)
            }
            None => metric,
        };
        let removed =
            self.rib.remove(0, prefix, Origin::Static, metric).map_err(|error| self.name_interfaces(&error))?;
        self.config.routes.retain(|route| !(route.to == prefix && route.metric == removed.metric));
        self.publish();
        Ok(Reply::done())
    }

    /// The next hop of a target; the gateway's interface is found by its connected network unless it is named.
    pub(super) fn next_hop_of(&self, target: &RouteTarget) -> Result<NextHop, String> {
        let named = target_interface(target).map(|name| self.interface_number(name)).transpose()?;
        match target {
            RouteTarget::Gateway { via, .. } => {
                let address = *via;
                let found = self.rib.resolve_gateway(0, address);
                match (named, found) {
                    (None, found) => found.map_err(|error| self.name_interfaces(&error)),
                    (Some(interface), Ok(NextHop::Gateway { interface: there, .. })) if interface != there => {
                        let (named, right) = (self.interface_name(interface), self.interface_name(there));
                        Err(format!("gateway {address} is on {right}, not on {named}"))
                    }
                    (Some(interface), _) => Ok(NextHop::Gateway { interface, address }),
                }
            }
            RouteTarget::Interface(_) => {
                named.map(|interface| NextHop::Connected { interface }).ok_or_else(|| "an interface is missing".into())
            }
            RouteTarget::Blackhole => Ok(NextHop::Blackhole),
            RouteTarget::Unreachable => Ok(NextHop::Unreachable),
            RouteTarget::Prohibit => Ok(NextHop::Prohibit),
        }
    }

    fn configured_kind(target: &RouteTarget) -> config::RouteKind {
        match target {
            RouteTarget::Gateway { via, interface } => {
                config::RouteKind::Via { gateway: *via, interface: interface.clone() }
            }
            RouteTarget::Interface(name) => config::RouteKind::Interface { name: name.clone() },
            RouteTarget::Blackhole => config::RouteKind::Blackhole,
            RouteTarget::Unreachable => config::RouteKind::Unreachable,
            RouteTarget::Prohibit => config::RouteKind::Prohibit,
        }
    }

    /// An error of the RIB, which knows interfaces by number, with their names.
    fn name_interfaces(&self, error: &RibError) -> String {
        let mut text = error.to_string();
        for (number, interface) in self.interfaces.iter().enumerate() {
            text = text.replace(&format!("interface {number})"), &format!("{})", interface.name));
            text = text.replace(&format!("interface {number};"), &format!("{};", interface.name));
            text = text.replace(&format!("interface {number} "), &format!("{} ", interface.name));
        }
        text
    }

    pub(super) fn add_neighbor(&mut self, address: IpAddr, mac: MacAddr6, interface: &str) -> Answer {
        let number = self.interface_number(interface)?;
        let there = &self.interfaces[usize::from(number)];
        if !there.all_addresses().any(|net| net.contains(&address)) {
            let nets: Vec<_> = there.all_addresses().map(|net| net.to_string()).collect();
            return Err(format!("{address} is not on a network of {interface} ({})", nets.join(", ")));
        }
        let key = Key { interface: number, address };
        self.neighbors.add_static(Instant::now(), key, mac).map_err(|error| error.to_string())?;
        self.neighbor_events();
        self.config.neighbors.retain(|other| !(other.address == address && other.interface == interface));
        self.config.neighbors.push(config::Neighbor { address, mac, interface: interface.into() });
        Ok(Reply::done())
    }

    pub(super) fn delete_neighbor(&mut self, address: IpAddr, interface: Option<&str>) -> Answer {
        let number = interface.map(|name| self.interface_number(name)).transpose()?;
        let keys: Vec<Key> = self
            .neighbors
            .iter(Instant::now())
            .filter(|neighbor| neighbor.address == address && number.is_none_or(|number| number == neighbor.interface))
            .map(|neighbor| Key { interface: neighbor.interface, address: neighbor.address })
            .collect();
        match keys[..] {
            [] => Err(format!("there is no neighbor {address}; `show neighbor` lists them")),
            [key] => {
                self.neighbors.remove(key).map_err(|error| error.to_string())?;
                self.neighbor_events();
                let name = self.interface_name(key.interface);
                self.config.neighbors.retain(|other| !(other.address == address && other.interface == name));
                Ok(Reply::done())
            }
            _ => Err(format!("{address} is a neighbor on several interfaces; add `dev INTERFACE`")),
        }
    }

    pub(super) fn flush_neighbors(&mut self, interface: Option<&str>) -> Answer {
        let number = interface.map(|name| self.interface_number(name)).transpose()?;
        let flushed = self.neighbors.flush(number);
        self.neighbor_events();
        Ok(Reply::said(format!("{flushed} neighbors forgotten")))
    }

    pub(super) fn set_interface_state(&mut self, name: &str, up: bool) -> Answer {
        let number = self.interface_number(name)?;
        if self.interfaces[usize::from(number)].admin_up != up {
            if !up {
                self.last_advertisement(number);
            }
            self.interfaces[usize::from(number)].admin_up = up;
            self.config.interfaces[usize::from(number)].up = up;
            self.interface_changed(number);
            self.neighbor_events();
            self.publish();
        }
        Ok(Reply::done())
    }

    pub(super) fn set_interface_mtu(&mut self, name: &str, mtu: u16) -> Answer {
        let number = self.interface_number(name)?;
        let interface = &self.interfaces[usize::from(number)];
        let port = usize::from(interface.port);
        let info = self.ports[port].port.info();
        let longest = self.workers.first().map_or(0, |worker| worker.frame_bytes).saturating_sub(22);
        if usize::from(mtu) > longest {
            return Err(format!(
                "an MTU of {mtu} does not fit the buffers, which were made for {longest}; set `frame_size` in [memory] and restart"
            ));
        }
        if mtu > info.mtu {
            self.ports[port].port.set_mtu(mtu).map_err(|error| error.to_string())?;
            self.config.ports[port].mtu = Some(mtu);
        }
        self.interfaces[usize::from(number)].mtu = mtu;
        self.config.interfaces[usize::from(number)].mtu = Some(mtu);
        self.publish();
        Ok(Reply::done())
    }
}
