//! The control thread's part of neighbors: what workers ask for, what comes in, what the timers say.

use super::router::Router;
use crate::dataplane::message::{Inject, NeighborKey, Order, Punt, PuntMeta};
use crate::neighbor::arp::{Local, Observation, Received};
use crate::neighbor::event::{Event, Key};
use crate::wire::arp::Arp;
use crate::wire::ethernet::BROADCAST;
use crate::wire::extension;
use crate::wire::ipv4::Ipv4;
use crate::wire::ipv6::Ipv6;
use macaddr::MacAddr6;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Instant;

/// Punted packets taken at one look, so that a flood of them does not keep commands waiting.
const PUNTED_AT_ONCE: usize = 256;

impl Router {
    /// A worker holds packets for a neighbor.
    pub(super) fn neighbor_needed(&mut self, key: NeighborKey) {
        let known = self.interfaces.get(usize::from(key.interface)).is_some_and(|interface| interface.is_up());
        if known {
            self.neighbors.need(Instant::now(), table_key(key));
            self.neighbor_events();
        } else {
            self.order_all(|| Order::NeighborFailed(key));
        }
    }

    /// A worker has sent to a STALE neighbor.
    pub(super) fn neighbor_used(&mut self, key: NeighborKey) {
        self.neighbors.used(Instant::now(), table_key(key));
        self.neighbor_events();
    }

    /// Lets the timers of the neighbors run.
    pub(super) fn neighbor_timers(&mut self, now: Instant) {
        self.neighbors.tick(now);
        self.neighbor_events();
    }

    /// Does what the table asks for.
    pub(super) fn neighbor_events(&mut self) {
        let events: Vec<Event> = self.neighbors.events().collect();
        for event in events {
            match event {
                Event::Solicit { interface, target: IpAddr::V4(target), to } => self.solicit(interface, target, to),
                Event::Update { key, mac, report_use } => {
                    let key = worker_key(key);
                    self.order_all(|| Order::NeighborUpdate { key, mac, report_use });
                }
                Event::Failed { key } => self.order_all(|| Order::NeighborFailed(worker_key(key))),
                Event::Removed { key } => self.order_all(|| Order::NeighborRemoved(worker_key(key))),
                Event::Solicit { interface, target: IpAddr::V6(target), to } => self.solicit_ip6(interface, target, to),
            }
        }
    }

    fn solicit(&mut self, interface: u16, target: Ipv4Addr, to: Option<MacAddr6>) {
        let Some(there) = self.interfaces.get(usize::from(interface)) else { return };
        let request = Local { mac: there.mac, addresses: &there.addresses }.request(target);
        if let Some(request) = request {
            self.send_arp(interface, &request, to);
        }
    }

    /// Sends an ARP packet out of an interface, to one station or to all.
    pub(super) fn send_arp(&mut self, interface: u16, packet: &Arp, to: Option<MacAddr6>) {
        let Some(snapshot) = self.snapshot().cloned() else { return };
        let Some(there) = snapshot.interfaces.get(usize::from(interface)) else { return };
        let header = &there.encapsulation.header[..usize::from(there.encapsulation.len)];
        let (frame, len) = packet.frame(header, to.unwrap_or(BROADCAST));
        self.inject(0, Inject::Frame { port: there.port }, &frame[..len]);
    }

    /// Takes what the workers have punted; returns whether there was anything.
    pub(super) fn take_punted(&mut self, now: Instant) -> bool {
        let mut any = false;
        for worker in 0..self.workers.len() {
            for _ in 0..PUNTED_AT_ONCE {
                let taken = self.workers[worker].link.punt.receive(|meta, bytes| (meta, Punted::read(meta, bytes)));
                let Some((meta, punted)) = taken else { break };
                any = true;
                match punted {
                    Punted::Arp(packet) => self.receive_arp(now, meta.interface, &packet),
                    Punted::Discovery(frame) => {
                        self.receive_discovery(now, meta.interface, &frame, usize::from(meta.offset));
                    }
                    Punted::Ip(packet) if packet.first().is_some_and(|first| first >> 4 == 6) => {
                        self.receive_ipv6(now, meta.interface, &packet);
                    }
                    Punted::Ip(packet) if Ipv4::check(&packet).is_ok_and(|view| view.is_fragment()) => {
                        let vrf = self.interfaces.get(usize::from(meta.interface)).map_or(0, |there| there.vrf);
                        self.receive_fragment(now, vrf, &packet);
                    }
                    Punted::Ip(packet) => self.receive_for_ping(now, &packet),
                    Punted::Unreadable => self.punts_unreadable += 1,
                }
            }
        }
        any
    }

    /// An IPv6 packet for us that workers do not answer.
    fn receive_ipv6(&mut self, now: Instant, interface: u16, packet: &[u8]) {
        let Ok(view) = Ipv6::check(packet) else { return };
        // Only packets in parts come with a fragment header: a whole one behind such a header is not punted as one.
        let whole =
            extension::chain(&view).skip_all().is_ok_and(|chain| chain.fragment().is_none_or(|f| f.is_atomic()));
        if !whole {
            let vrf = self.interfaces.get(usize::from(interface)).map_or(0, |there| there.vrf);
            self.receive_fragment6(now, vrf, &view);
        } else if !self.receive_query(now, interface, &view) {
            self.receive_for_ping6(now, &view);
        }
    }

    fn receive_arp(&mut self, now: Instant, interface: u16, packet: &Arp) {
        let Some(there) = self.interfaces.get(usize::from(interface)) else { return };
        let local = Local { mac: there.mac, addresses: &there.addresses };
        let Some(receiver) = self.arp.get_mut(usize::from(interface)) else { return };
        match receiver.receive(now, packet, &local) {
            Received::Asked { reply, observation } => {
                let to = reply.target_mac;
                self.send_arp(interface, &reply, Some(to));
                if let Some(observation) = observation {
                    self.observe(now, interface, observation);
                }
            }
            Received::Told { observation } | Received::Overheard { observation } => {
                self.observe(now, interface, observation);
            }
            Received::Conflict { address, mac, defence } => {
                if let Some(defence) = defence {
                    let name = self.interface_name(interface);
                    tracing::warn!(
                        "address conflict on {name}: {mac} uses our address {address}; give one of the two another address"
                    );
                    self.send_arp(interface, &defence, None);
                }
            }
            Received::Ignored(_) => {}
        }
    }

    fn observe(&mut self, now: Instant, interface: u16, seen: Observation) {
        self.neighbors.observe(now, interface, seen.address, seen.mac, seen.answered, seen.may_create);
        self.neighbor_events();
    }
}

/// A punted packet, copied out of its slot.
enum Punted {
    Arp(Arp),
    Ip(Vec<u8>),
    Discovery(Vec<u8>),
    Unreadable,
}

impl Punted {
    fn read(meta: PuntMeta, bytes: &[u8]) -> Self {
        match meta.kind {
            Punt::Arp => {
                let packet = bytes.get(usize::from(meta.offset)..).and_then(|packet| Arp::check(packet).ok());
                packet.map_or(Self::Unreadable, Self::Arp)
            }
            Punt::Ip => Self::Ip(bytes.to_vec()),
            Punt::Discovery => Self::Discovery(bytes.to_vec()),
        }
    }
}

fn table_key(key: NeighborKey) -> Key {
    Key { interface: key.interface, address: key.address() }
}

fn worker_key(key: Key) -> NeighborKey {
    NeighborKey::new(key.interface, key.address)
}
