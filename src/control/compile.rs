//! From the desired state to the snapshot that the workers read.

use super::ip6::Link6;
use super::router::Router;
use super::state::ManagedInterface;
use crate::dataplane::ip6::own::OwnAddresses;
use crate::dataplane::modes::ModeSettings;
use crate::dataplane::snapshot::{Encapsulation, ForbiddenSources, Interface, PortMap, Snapshot, Vrf};
use crate::fib::next_hop::NextHopIndex;
use crate::fib::{ipv4, ipv6};
use std::sync::Arc;

impl Router {
    /// Makes the snapshot of the state as it is now, with the next generation.
    pub(super) fn compile(&mut self) -> Snapshot {
        let interfaces: Vec<Interface> =
            self.interfaces.iter().zip(&self.ip6).map(|(interface, link)| data_plane_side(interface, link)).collect();
        let mut ports: Vec<PortMap> = self.ports.iter().map(|port| PortMap::new(port.port.info().mac)).collect();
        for (number, interface) in self.interfaces.iter().enumerate() {
            if let Some(map) = ports.get_mut(usize::from(interface.port)) {
                map.assign(&interface.vlans, number as u16);
            }
        }
        self.generation = self.generation.wrapping_add(1);
        // Tables and numbers travel together, so numbers without a route can mean something else from now on.
        self.rib.take_changes();
        if let Some(moment) = self.rib.next_hops().moment() {
            self.rib.next_hops_mut().reuse(moment);
        }
        Snapshot {
            generation: self.generation,
            mode: self.mode,
            forwarding: self.forwarding,
            burst: self.burst,
            modes: ModeSettings { targets: self.stream_targets(), ..self.testpmd.in_force.clone() },
            ports,
            vrfs: (0..self.rib.vrfs()).map(|vrf| self.compile_vrf(vrf, &interfaces)).collect(),
            interfaces,
            next_hops: self.rib.next_hops().table(),
            seed: self.seed,
            accept_source_route: self.config.router.accept_source_route,
            hop_by_hop: self.config.router.hop_by_hop,
        }
    }

    /// The best usable route of each prefix, as lookup structures.
    fn compile_vrf(&self, vrf: u16, interfaces: &[Interface]) -> Vrf {
        let usable = |index| self.is_usable(index);
        Vrf {
            ipv4: Arc::new(ipv4::Fib::compile(self.rib.decide_ipv4(vrf, usable))),
            ipv6: Arc::new(ipv6::Fib::compile(self.rib.decide_ipv6(vrf, usable))),
            forbidden: ForbiddenSources::new(interfaces.iter().filter(|interface| interface.vrf == vrf)),
            own6: OwnAddresses::new(
                interfaces.iter().filter(|interface| interface.vrf == vrf).flat_map(|interface| &interface.addresses6),
            ),
        }
    }

    /// Whether one of the paths of a list is over an interface that is up, or needs none.
    pub(super) fn is_usable(&self, index: NextHopIndex) -> bool {
        let up = |number| self.interfaces.get(usize::from(number)).is_some_and(ManagedInterface::is_up);
        let paths = self.rib.next_hops().get(index);
        paths.is_some_and(|paths| paths.iter().any(|path| path.next_hop.interface().is_none_or(up)))
    }
}

fn data_plane_side(interface: &ManagedInterface, link: &Link6) -> Interface {
    Interface {
        port: interface.port,
        mac: interface.mac,
        encapsulation: Encapsulation::new(interface.mac, &interface.vlans),
        mtu: interface.mtu,
        up: interface.is_up(),
        redirects: interface.redirects,
        directed_broadcast: interface.directed_broadcast,
        vrf: interface.vrf,
        addresses: interface.addresses.clone(),
        addresses6: link.claims.assigned().collect(),
        groups6: link.groups(),
    }
}
