//! From the desired state to the snapshot that the workers read.

use super::router::Router;
use super::state::ManagedInterface;
use crate::dataplane::snapshot::{Encapsulation, ForbiddenSources, Interface, PortMap, Snapshot};
use crate::fib::ipv4::Fib;
use crate::fib::next_hop::{NextHop, NextHopIndex};
use std::collections::HashSet;
use std::sync::Arc;

impl Router {
    /// Makes the snapshot of the state as it is now, with the next generation.
    pub(super) fn compile(&mut self) -> Snapshot {
        let interfaces: Vec<Interface> = self.interfaces.iter().map(data_plane_side).collect();
        let mut ports: Vec<PortMap> = self.ports.iter().map(|port| PortMap::new(port.port.info().mac)).collect();
        for (number, interface) in self.interfaces.iter().enumerate() {
            if let Some(map) = ports.get_mut(usize::from(interface.port)) {
                map.assign(&interface.vlans, number as u16);
            }
        }
        self.generation = self.generation.wrapping_add(1);
        Snapshot {
            generation: self.generation,
            mode: self.mode,
            forwarding: self.forwarding,
            burst: self.burst,
            ports,
            forbidden: ForbiddenSources::new(&interfaces),
            interfaces,
            fib: self.compile_fib(),
            next_hops: self.next_hop_table(),
            accept_source_route: self.config.router.accept_source_route,
        }
    }

    /// The best usable route of each prefix, as a lookup structure. Next hops that are no longer used are forgotten.
    fn compile_fib(&mut self) -> Arc<Fib> {
        let interfaces = &self.interfaces;
        let usable = |next_hop: &NextHop| {
            next_hop
                .interface()
                .is_none_or(|number| interfaces.get(usize::from(number)).is_some_and(ManagedInterface::is_up))
        };
        let best: Vec<_> = self.rib.best_usable(usable).map(|route| (route.prefix, route.next_hop)).collect();
        let used: HashSet<NextHop> = best.iter().map(|(_, next_hop)| *next_hop).collect();
        self.next_hops.retain(|_, next_hop| used.contains(next_hop));
        let mut routes = Vec::with_capacity(best.len());
        for (prefix, next_hop) in best {
            match self.next_hops.intern(next_hop) {
                Ok(index) => routes.push((prefix, index)),
                Err(full) => tracing::error!("route {prefix} is not used: {full}"),
            }
        }
        Arc::new(Fib::compile(routes))
    }

    fn next_hop_table(&self) -> Vec<NextHop> {
        let highest = self.next_hops.iter().map(|(index, _)| index.0).max().unwrap_or(NextHopIndex::NO_ROUTE.0);
        let mut table = vec![NextHop::Blackhole; usize::from(highest) + 1];
        for (index, next_hop) in self.next_hops.iter() {
            table[usize::from(index.0)] = next_hop;
        }
        table
    }
}

fn data_plane_side(interface: &ManagedInterface) -> Interface {
    Interface {
        port: interface.port,
        mac: interface.mac,
        encapsulation: Encapsulation::new(interface.mac, &interface.vlans),
        mtu: interface.mtu,
        up: interface.is_up(),
        redirects: interface.redirects,
        directed_broadcast: interface.directed_broadcast,
        addresses: interface.addresses.clone(),
    }
}
