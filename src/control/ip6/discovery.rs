//! Neighbor Discovery: what comes in, what the neighbor table asks for.

use super::Router;
use crate::neighbor::event::Key;
use crate::neighbor::nd::{Around, Local, Received};
use crate::wire::ethernet::Ethernet;
use crate::wire::ipv6::{Ipv6, group_mac, solicited_node};
use crate::wire::nd::{self, Solicitation};
use macaddr::MacAddr6;
use std::net::{IpAddr, Ipv6Addr};
use std::time::Instant;

impl Router {
    /// Takes a frame with a message of Neighbor Discovery, its IPv6 header `offset` bytes in.
    pub(in crate::control) fn receive_discovery(&mut self, now: Instant, number: u16, frame: &[u8], offset: usize) {
        let Ok(ethernet) = Ethernet::check(frame) else { return };
        let Some(view) = frame.get(offset..).and_then(|packet| Ipv6::check(packet).ok()) else { return };
        let around = Around { source: view.source(), destination: view.destination(), mac: ethernet.source() };
        let Some(mac) = self.interfaces.get(usize::from(number)).map(|there| there.mac) else { return };
        let Some(link) = self.ip6.get_mut(usize::from(number)) else { return };
        let Ok(message) = nd::check(&view) else { return link.receiver.invalid() };
        let local = Local { mac, claims: &link.claims };
        match link.receiver.receive(now, &around, &message, &local) {
            Received::Asked { answer, to, mac, asker } => {
                self.advertise_neighbor(number, answer.target, to, mac, answer.solicited);
                if let Some((address, mac)) = asker {
                    self.observe_neighbor(now, number, address, mac, true);
                }
            }
            Received::Told(told) => {
                self.neighbors.advertised(now, number, &told);
                self.neighbor_events();
            }
            Received::Seen { address, mac, solicits } => {
                if let Some(mac) = mac.filter(|_| !address.is_unspecified()) {
                    self.observe_neighbor(now, number, address, mac, solicits);
                }
                let key = Key { interface: number, address: IpAddr::V6(address) };
                self.neighbors.says_whether_router(key, !solicits);
                if solicits && let Some(advertiser) = &mut self.ip6[usize::from(number)].advertiser {
                    advertiser.solicited(now);
                }
            }
            Received::Duplicate { address, mac } => self.give_up_address(number, address, mac),
            Received::Conflict { address, mac, defence } => {
                if defence.is_some() {
                    let name = self.interface_name(number);
                    tracing::warn!(
                        "address conflict on {name}: {mac} uses our address {address}; give one of the two another address"
                    );
                    self.advertise_neighbor(number, address, crate::wire::ipv6::ALL_NODES, None, false);
                }
            }
            Received::Ignored(_) => {}
        }
    }

    fn observe_neighbor(&mut self, now: Instant, number: u16, address: Ipv6Addr, mac: MacAddr6, may_create: bool) {
        self.neighbors.observe(now, number, IpAddr::V6(address), mac, false, may_create);
        self.neighbor_events();
    }

    /// Sends a solicitation: to one station, or to the target's group.
    pub(in crate::control) fn solicit_ip6(&mut self, number: u16, target: Ipv6Addr, to: Option<MacAddr6>) {
        let Some(there) = self.interfaces.get(usize::from(number)) else { return };
        let Some(source) = self.ip6.get(usize::from(number)).and_then(|link| link.claims.source_towards(target)) else {
            // Our addresses there are still tentative; the next solicitation comes by its timer.
            return;
        };
        let group = solicited_node(target);
        let (destination, mac) = to.map_or((group, group_mac(group)), |mac| (target, mac));
        let solicitation = Solicitation { target, source_link: Some(there.mac) };
        let (packet, len) = solicitation.packet(source, destination);
        self.send_on_link(number, mac, &packet[..len]);
    }

    /// Tells one node, or every node, that an address is ours.
    pub(super) fn advertise_neighbor(
        &mut self,
        number: u16,
        target: Ipv6Addr,
        to: Ipv6Addr,
        mac: Option<MacAddr6>,
        solicited: bool,
    ) {
        let Some(there) = self.interfaces.get(usize::from(number)) else { return };
        let Some(link) = self.ip6.get(usize::from(number)) else { return };
        let told = Local { mac: there.mac, claims: &link.claims }.advertisement(target, solicited);
        let (packet, len) = told.packet(target, to);
        self.send_on_link(number, mac.unwrap_or_else(|| group_mac(to)), &packet[..len]);
    }
}
