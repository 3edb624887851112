//! Commands that change routes, neighbors and interfaces, and the configuration with them.

use super::router::Router;
use crate::cli::reply::Reply;
use crate::fib::rib::{Origin, Route};
use crate::neighbor::event::Key;
use crate::wire::ipv6::MINIMUM_MTU;
use ipnet::IpNet;
use macaddr::MacAddr6;
use ringway_config as config;
use std::net::IpAddr;
use std::time::Instant;

type Answer = Result<Reply, String>;

impl Router {
    pub(super) fn add_route(&mut self, route: config::Route, replace: bool) -> Answer {
        let vrf = self.vrf_number(route.vrf.as_deref())?;
        let paths = self.paths_of(&route)?;
        let new = Route { prefix: route.to, paths, origin: Origin::Static, metric: route.metric };
        let done = if replace { self.rib.replace(vrf, &new).map(drop) } else { self.rib.add(vrf, &new) };
        done.map_err(|error| self.name_interfaces(&error))?;
        self.forget_configured(&route.vrf, route.to, route.metric);
        self.config.routes.push(route);
        Ok(Reply::done())
    }

    pub(super) fn delete_route(
        &mut self,
        vrf: Option<String>,
        prefix: IpNet,
        via: Option<IpAddr>,
        metric: Option<u32>,
    ) -> Answer {
        let number = self.vrf_number(vrf.as_deref())?;
        let metric = match via {
            // The gateway says which of several routes is meant.
            Some(via) => {
                let of_prefix = self.rib.routes_of(number, prefix);
                let found = of_prefix.iter().find(|route| {
                    let wanted = metric.is_none_or(|metric| metric == route.metric);
                    route.paths.has_gateway(via) && wanted && route.origin == Origin::Static
                });
                Some(found.ok_or_else(|| format!("there is no static route to {prefix} via {via}"))?.metric)
            }
            None => metric,
        };
        let removed = self.rib.remove(number, prefix, Origin::Static, metric);
        let removed = removed.map_err(|error| self.name_interfaces(&error))?;
        self.forget_configured(&vrf.filter(|name| name != config::Vrf::DEFAULT), prefix, removed.metric);
        Ok(Reply::done())
    }

    fn forget_configured(&mut self, vrf: &Option<String>, prefix: IpNet, metric: u32) {
        self.config.routes.retain(|route| !(route.to == prefix && route.metric == metric && route.vrf == *vrf));
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
        if mtu < MINIMUM_MTU && !interface.addresses6.is_empty() {
            return Err(too_small_for_ipv6(name, mtu));
        }
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

/// Why an interface that speaks IPv6 cannot have this MTU.
pub(super) fn too_small_for_ipv6(interface: &str, mtu: u16) -> String {
    format!(
        "interface {interface}: an MTU of {mtu} is too small for IPv6, which needs {MINIMUM_MTU} (RFC 8200, 5); choose that \
         or more, or take its IPv6 addresses, `ipv6` and `ra` out of the configuration and restart"
    )
}
