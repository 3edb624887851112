//! Router advertisements: what they say, and the last one.

use super::Router;
use crate::wire::ipv6::{ALL_NODES, group_mac};
use crate::wire::nd::option::{NdOption, PrefixInformation};
use crate::wire::nd::{RouterAdvertisement, emit_router_advertisement};
use ipnet::Ipv6Net;
use ringway_config::{Advertise, Preference};
use std::time::Instant;

/// Longest advertisement: what every link carries.
const LONGEST: usize = 1280;

impl Router {
    /// Sends an advertisement when one is due.
    pub(super) fn advertise_if_due(&mut self, number: u16, now: Instant) {
        let due = self.ip6[usize::from(number)].advertiser.as_mut().is_some_and(|advertiser| advertiser.take(now));
        if due {
            self.advertise(number, None);
        }
    }

    /// Sends the last advertisement of an interface that will be a router no more.
    ///
    /// RFC 4861 6.2.5: "the router SHOULD transmit one or more (but not more than MAX_FINAL_RTR_ADVERTISEMENTS) final multicast
    /// Router Advertisements on the interface with a Router Lifetime field of zero."
    pub(in crate::control) fn last_advertisement(&mut self, number: u16) {
        let running = self.ip6[usize::from(number)].advertiser.as_ref().is_some_and(|there| there.is_running());
        if running {
            self.advertise(number, Some(0));
        }
    }

    /// The last advertisements of all interfaces, at the end; returns whether there were any.
    pub(in crate::control) fn last_advertisements(&mut self) -> bool {
        let advertises =
            (0..self.ip6.len() as u16).filter(|at| self.ip6[usize::from(*at)].advertiser.is_some()).collect::<Vec<_>>();
        for number in &advertises {
            self.last_advertisement(*number);
        }
        !advertises.is_empty()
    }

    fn advertise(&mut self, number: u16, lifetime: Option<u16>) {
        let (Some(there), Some(link)) = (self.interfaces.get(usize::from(number)), self.ip6.get(usize::from(number)))
        else {
            return;
        };
        let Some(ra) = self.config.interfaces.get(usize::from(number)).and_then(|config| config.ra.as_ref()) else {
            return;
        };
        // "The IP source address MUST be the link-local address assigned to the interface".
        let Some(source) = link.claims.link_local() else { return };
        let lifetime = lifetime.unwrap_or(ra.lifetime_s());
        let said = RouterAdvertisement {
            hop_limit: ra.hop_limit,
            managed: ra.managed,
            other: ra.other,
            // RFC 4191 2.2: "If the Router Lifetime is set to zero, the preference value MUST be set to (00) by the sender".
            preference: if lifetime == 0 { 0 } else { preference(ra) },
            lifetime,
            reachable: ra.reachable_ms,
            retransmit: ra.retransmit_ms,
        };
        let mut options = vec![NdOption::SourceLink(there.mac), NdOption::Mtu(ra.mtu.unwrap_or(there.mtu).into())];
        options.extend(prefixes(ra, link.claims.assigned()).into_iter().map(NdOption::Prefix));
        if !ra.name_servers.is_empty() {
            // RFC 8106 5.1: "The value of Lifetime SHOULD by default be at least 3 * MaxRtrAdvInterval".
            let lifetime = u32::from(ra.max_interval_s) * 3;
            options.push(NdOption::NameServers { lifetime, servers: &ra.name_servers });
        }
        let mut packet = [0; LONGEST];
        match emit_router_advertisement(&mut packet, &said, &options, source, ALL_NODES) {
            Some(len) => {
                self.send_on_link(number, group_mac(ALL_NODES), &packet[..len]);
                self.ip6[usize::from(number)].advertised += 1;
            }
            None => {
                let name = self.interface_name(number);
                tracing::warn!("router advertisement of {name}: more than {LONGEST} bytes; name fewer prefixes");
            }
        }
    }
}

fn preference(ra: &Advertise) -> i8 {
    match ra.preference {
        Preference::Low => -1,
        Preference::Medium => 0,
        Preference::High => 1,
    }
}

/// The prefixes that hosts are told: those configured, else every /64 of our own addresses.
fn prefixes(ra: &Advertise, own: impl Iterator<Item = Ipv6Net>) -> Vec<PrefixInformation> {
    let mut nets: Vec<Ipv6Net> = ra.prefixes.clone();
    if nets.is_empty() {
        let global = |net: &Ipv6Net| net.prefix_len() == 64 && !net.addr().is_unicast_link_local();
        nets = own.filter(global).map(|net| net.trunc()).collect();
        nets.dedup();
    }
    let information = |net: Ipv6Net| PrefixInformation {
        prefix: net.network(),
        len: net.prefix_len(),
        on_link: true,
        autonomous: ra.autonomous,
        valid: ra.valid_s,
        preferred: ra.preferred_s,
    };
    nets.into_iter().map(information).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_64_of_our_own_is_advertised_unless_prefixes_are_named() {
        let own = || {
            ["fe80::1/64", "2001:db8:1::1/64", "2001:db8:2::1/48", "2001:db8:1::2/64"].map(|net| net.parse().unwrap())
        };
        let told = |ra: &Advertise| -> Vec<String> {
            prefixes(ra, own().into_iter()).iter().map(|told| format!("{}/{}", told.prefix, told.len)).collect()
        };
        assert_eq!(told(&Advertise::default()), ["2001:db8:1::/64"]);
        let named = Advertise { prefixes: vec!["2001:db8:9::/64".parse().unwrap()], ..Advertise::default() };
        assert_eq!(told(&named), ["2001:db8:9::/64"]);
    }
}
