//! The control thread's part of IPv6: our addresses, Neighbor Discovery, router advertisements, multicast reports.
//!
//! ```text
//!   interface up ─▶ claims: probe ─▶ assigned ─▶ snapshot, unasked advertisement, router advertisements
//!              └──▶ groups: report
//!   punted frame ─▶ discovery ─▶ answer, neighbor table, claims
//! ```

use super::router::Router;
use super::state::ManagedInterface;
use crate::cli::view::{Nd, NdCount, UnusedAddress};
use crate::dataplane::ip6::own::groups;
use crate::dataplane::message::Inject;
use crate::neighbor::advertiser::Advertiser;
use crate::neighbor::dad::{Claim, ClaimEvent, Claims, anycast};
use crate::neighbor::identifier;
use crate::neighbor::listener::Listener;
use crate::neighbor::nd::{Ignored, NdCounters, Receiver};
use crate::wire::ethernet;
use crate::wire::ipv6::{ALL_NODES, eui64, group_mac, link_local, solicited_node};
use crate::wire::nd::Solicitation;
use ipnet::Ipv6Net;
use macaddr::MacAddr6;
use ringway_config::{Config, Interface, InterfaceId};
use std::net::Ipv6Addr;
use std::time::{Duration, Instant};

mod advertise;
mod discovery;
mod listen;

/// The machine's id: machine-id(5).
const MACHINE_ID: &str = "/etc/machine-id";

/// What an interface knows of IPv6 beside its configuration.
pub(super) struct Link6 {
    /// Its addresses, and how far they are ours.
    pub claims: Claims,
    /// The receiving side of Neighbor Discovery.
    pub receiver: Receiver,
    /// When it advertises itself, if it does.
    advertiser: Option<Advertiser>,
    /// The groups it listens to.
    listener: Listener,
    /// Router advertisements sent.
    advertised: u64,
    /// RFC 7217 5, DAD_Counter: stable link-local addresses that somebody else had.
    duplicates: u8,
}

impl Link6 {
    /// An interface that is down.
    pub fn new(interface: &ManagedInterface, config: &Interface) -> Self {
        let interval = config.ra.as_ref().map(|ra| (ra.min_interval_s(), ra.max_interval_s));
        let seconds = |seconds: u16| Duration::from_secs(seconds.into());
        Self {
            claims: Claims::new(interface.addresses6.iter().copied()),
            receiver: Receiver::default(),
            advertiser: interval
                .map(|(least, most)| Advertiser::new((seconds(least), seconds(most)), fastrand::u64(..))),
            listener: Listener::new(fastrand::u64(..)),
            advertised: 0,
            duplicates: 0,
        }
    }

    /// The groups of its addresses, tentative ones among them: who claims one is heard there.
    pub fn groups(&self) -> Vec<Ipv6Addr> {
        let addresses: Vec<_> = self.claims.iter().flat_map(|own| [Some(own.net.addr()), anycast(own.net)]).collect();
        if addresses.is_empty() { Vec::new() } else { groups(addresses.into_iter().flatten()) }
    }

    fn next(&self) -> Option<Instant> {
        let advertiser = self.advertiser.as_ref().and_then(Advertiser::next);
        [self.claims.next(), advertiser, self.listener.next()].into_iter().flatten().min()
    }
}

/// The IPv6 addresses of an interface: those configured, and a link-local one that is formed when none of them is.
///
/// RFC 4291 2.1: "All interfaces are required to have at least one Link-Local unicast address."
pub(super) fn addresses(config: &Interface, mac: MacAddr6, secret: &[u8]) -> Vec<Ipv6Net> {
    let of_ipv6 = |net: &ipnet::IpNet| if let ipnet::IpNet::V6(net) = net { Some(*net) } else { None };
    let mut nets: Vec<Ipv6Net> = config.addresses.iter().filter_map(of_ipv6).collect();
    if config.ipv6 && !nets.iter().any(|net| net.addr().is_unicast_link_local()) {
        nets.push(match config.interface_id {
            InterfaceId::Eui64 => formed(eui64(mac)),
            InterfaceId::Stable => formed(stable(config, 0, secret)),
        });
    }
    nets
}

/// The link-local address with this identifier.
fn formed(identifier: u64) -> Ipv6Net {
    Ipv6Net::new_assert(link_local(identifier), 64)
}

fn stable(config: &Interface, duplicates: u8, secret: &[u8]) -> u64 {
    identifier::stable(link_local(0), &config.name, duplicates, secret)
}

/// The secret of stable identifiers: as configured, else the machine's id.
///
/// RFC 7217 5: the secret key "SHOULD be of at least 128 bits", and has to be the same at each start. machine-id(5) is, and asks
/// that it be hashed with something of ours before anybody sees anything of it.
pub(super) fn secret(config: &Config) -> Result<Vec<u8>, String> {
    if let Some(secret) = &config.router.address_secret {
        return Ok(secret.clone().into_bytes());
    }
    let Some(asks) = config.interfaces.iter().find(|one| one.ipv6 && one.interface_id == InterfaceId::Stable) else {
        return Ok(Vec::new());
    };
    match std::fs::read_to_string(MACHINE_ID) {
        Ok(id) if id.trim().len() >= 32 => Ok(format!("ringway {}", id.trim()).into_bytes()),
        Ok(_) => Err(format!("holds no id; {}", needs_secret(asks))),
        Err(error) => Err(format!("{error}; {}", needs_secret(asks))),
    }
    .map_err(|reason| format!("{MACHINE_ID}: {reason}"))
}

fn needs_secret(asks: &Interface) -> String {
    format!("interface {} asks for `interface_id = \"stable\"`: set `address_secret` in [router]", asks.name)
}

impl Router {
    /// An interface came up: its addresses are claimed, its groups reported.
    pub(super) fn start_ip6(&mut self, number: u16, now: Instant) {
        let detect = self.config.interfaces.get(usize::from(number)).is_none_or(|there| there.duplicate_detection);
        let Some(link) = self.ip6.get_mut(usize::from(number)) else { return };
        let delay = Duration::from_secs_f64(fastrand::f64());
        link.claims.start(now, delay, detect);
        let groups = link.groups();
        link.listener.set(now, groups);
        self.ip6_timers(now);
    }

    /// An interface went down.
    pub(super) fn stop_ip6(&mut self, number: u16) {
        let Some(link) = self.ip6.get_mut(usize::from(number)) else { return };
        link.claims.stop();
        link.listener.stop();
        if let Some(advertiser) = &mut link.advertiser {
            advertiser.stop();
        }
    }

    /// When [`Router::ip6_timers`] has something to do next.
    pub(super) fn next_ip6(&self) -> Option<Instant> {
        self.ip6.iter().filter_map(Link6::next).min()
    }

    /// Does what is due on every interface.
    pub(super) fn ip6_timers(&mut self, now: Instant) {
        if self.next_ip6().is_none_or(|next| next > now) {
            return;
        }
        let mut assigned = false;
        for number in 0..self.ip6.len() as u16 {
            for event in self.ip6[usize::from(number)].claims.tick(now) {
                match event {
                    ClaimEvent::Probe(address) => self.probe(number, address),
                    ClaimEvent::Assigned(_) => assigned = true,
                }
            }
        }
        if assigned {
            self.publish();
            self.announce_ip6(now);
        }
        for number in 0..self.ip6.len() as u16 {
            self.report_groups(number, now);
            self.advertise_if_due(number, now);
        }
    }

    /// RFC 4862 5.4.2: "The solicitation's Target Address is set to the address being checked, the IP source is set to the
    /// unspecified address, and the IP destination is set to the solicited-node multicast address of the target address."
    fn probe(&mut self, number: u16, address: Ipv6Addr) {
        let group = solicited_node(address);
        let probe = Solicitation { target: address, source_link: None };
        let (packet, len) = probe.packet(Ipv6Addr::UNSPECIFIED, group);
        self.send_on_link(number, group_mac(group), &packet[..len]);
    }

    /// Addresses that have just become ours are told to every node (RFC 4861 7.2.6), and an interface whose link-local address
    /// is among them can advertise itself.
    fn announce_ip6(&mut self, now: Instant) {
        for number in 0..self.ip6.len() as u16 {
            let link = &mut self.ip6[usize::from(number)];
            let fresh: Vec<_> = link.claims.take_fresh();
            if let Some(advertiser) = link.advertiser.as_mut().filter(|advertiser| !advertiser.is_running())
                && link.claims.link_local().is_some()
            {
                advertiser.start(now);
            }
            if fresh.iter().any(Ipv6Addr::is_unicast_link_local) {
                link.listener.report_again(now);
            }
            for address in fresh {
                self.advertise_neighbor(number, address, ALL_NODES, None, false);
            }
        }
    }

    /// Sends an IPv6 packet of our own out of an interface, past the worker's tables.
    fn send_on_link(&mut self, number: u16, to: MacAddr6, packet: &[u8]) {
        let Some(snapshot) = self.snapshot().cloned() else { return };
        let Some(there) = snapshot.interfaces.get(usize::from(number)) else { return };
        let len = usize::from(there.encapsulation.len);
        let mut frame = there.encapsulation.header[..len].to_vec();
        frame[..6].copy_from_slice(to.as_bytes());
        frame[len - 2..].copy_from_slice(&ethernet::ETHERTYPE_IPV6.to_be_bytes());
        frame.extend(packet);
        if frame.len() < ethernet::SHORTEST {
            frame.resize(ethernet::SHORTEST, 0);
        }
        self.inject(0, Inject::Frame { port: there.port }, &frame);
    }

    /// Says that an address is taken, and takes it out of use.
    fn give_up_address(&mut self, number: u16, address: Ipv6Addr, mac: MacAddr6) {
        let Some(link) = self.ip6.get_mut(usize::from(number)) else { return };
        if link.claims.conflict(address) {
            let name = self.interface_name(number);
            tracing::warn!(
                "duplicate address on {name}: {mac} has {address}; it is not used here until the interface comes up \
                 again; give one of the two another address"
            );
            self.form_another(number, address);
            self.publish();
        }
    }

    /// RFC 7217 6: "If the DAD process fails [...] the DAD_Counter value is incremented [...] and the algorithm [...] is restarted",
    /// IDGEN_RETRIES times at most.
    fn form_another(&mut self, number: u16, duplicate: Ipv6Addr) {
        let at = usize::from(number);
        let (Some(config), Ok(secret)) = (self.config.interfaces.get(at), secret(&self.config)) else { return };
        let link = &mut self.ip6[at];
        let was_formed = formed(stable(config, link.duplicates, &secret)).addr() == duplicate;
        if config.interface_id != InterfaceId::Stable || !was_formed || link.duplicates == identifier::RETRIES {
            return;
        }
        link.duplicates += 1;
        let (other, now) = (formed(stable(config, link.duplicates, &secret)), Instant::now());
        tracing::info!("interface {}: {} is tried instead", config.name, other.addr());
        link.claims.replace(duplicate, other, now + identifier::DELAY);
        let groups = link.groups();
        link.listener.set(now, groups);
        let interface = &mut self.interfaces[at];
        for net in interface.addresses6.iter_mut().filter(|net| net.addr() == duplicate) {
            *net = other;
        }
        let port = usize::from(interface.port);
        self.follow_groups(port);
    }

    /// What Neighbor Discovery has done on all interfaces, for `show nd`.
    pub(super) fn show_nd(&self) -> Nd {
        let sum = |get: fn(&NdCounters) -> u64| self.ip6.iter().map(|link| get(&link.receiver.counters())).sum();
        let mut counts: Vec<(String, u64)> = [
            ("solicitations-for-us", sum(|counters| counters.asked)),
            ("advertisements-of-neighbors", sum(|counters| counters.told)),
            ("routers-and-who-looks-for-one", sum(|counters| counters.seen)),
            ("address-conflicts", sum(|counters| counters.conflicts)),
            ("router-advertisements-sent", self.ip6.iter().map(|link| link.advertised).sum()),
            ("invalid", sum(|counters| counters.invalid)),
        ]
        .map(|(name, count)| (name.to_owned(), count))
        .into();
        for reason in Ignored::ALL {
            let count = self.ip6.iter().map(|link| link.receiver.counters().ignored(reason)).sum();
            counts.push((format!("ignored-{reason}"), count));
        }
        Nd { counts: counts.into_iter().map(|(name, count)| NdCount { name, count }).collect() }
    }

    /// The addresses of an interface that are not in use, for `show interface`.
    pub(super) fn unused_addresses(&self, number: usize) -> Vec<UnusedAddress> {
        let claims = self.ip6.get(number).into_iter().flat_map(|link| link.claims.iter());
        claims
            .filter(|own| own.claim != Claim::Assigned)
            .map(|own| UnusedAddress { address: own.net.addr().into(), state: own.claim.to_string() })
            .collect()
    }
}
