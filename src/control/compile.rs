//! From the desired state to the snapshot that the workers read.

use super::ip6::Link6;
use super::router::Router;
use super::state::{ManagedInterface, ManagedPort};
use crate::dataplane::ip6::own::OwnAddresses;
use crate::dataplane::modes::ModeSettings;
use crate::dataplane::snapshot::{Encapsulation, ForbiddenSources, Interface, PortMap, Snapshot, Vrf};
use ringway_pmd::TxOffloads;

impl Router {
    /// Makes the snapshot of the state as it is now, with the next generation.
    pub(super) fn compile(&mut self) -> Snapshot {
        let interfaces: Vec<Interface> =
            self.interfaces.iter().zip(&self.ip6).map(|(interface, link)| data_plane_side(interface, link)).collect();
        let port_map = |port: &ManagedPort| PortMap {
            fills: port.settings.tx_offloads & TxOffloads::CHECKSUMS,
            ..PortMap::new(port.port.info().mac)
        };
        let mut ports: Vec<PortMap> = self.ports.iter().map(port_map).collect();
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
            modes: ModeSettings { targets: self.stream_targets(), ..self.testpmd.in_force.clone() },
            ports,
            vrfs: (0..self.rib.vrfs()).map(|vrf| self.compile_vrf(vrf, &interfaces)).collect(),
            paths: self.tables.paths().clone(),
            interfaces,
            seed: self.seed,
            accept_source_route: self.config.router.accept_source_route,
            hop_by_hop: self.config.router.hop_by_hop,
        }
    }

    /// What the workers look up in a VRF.
    fn compile_vrf(&self, vrf: u16, interfaces: &[Interface]) -> Vrf {
        Vrf {
            ipv4: self.tables.ipv4(vrf),
            ipv6: self.tables.ipv6(vrf),
            forbidden: ForbiddenSources::new(interfaces.iter().filter(|interface| interface.vrf == vrf)),
            own6: OwnAddresses::new(
                interfaces.iter().filter(|interface| interface.vrf == vrf).flat_map(|interface| &interface.addresses6),
            ),
        }
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
        source_check: interface.source_check,
        vrf: interface.vrf,
        addresses: interface.addresses.clone(),
        addresses6: link.claims.assigned().collect(),
        groups6: link.groups(),
    }
}
