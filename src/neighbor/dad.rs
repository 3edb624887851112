//! Our own IPv6 addresses of one interface, each of them tentative until nobody has claimed it: RFC 4862 5.4.
//!
//! ```text
//!   start ──▶ Tentative ──delay, probe, RetransTimer──▶ Assigned
//!                 └──somebody else has it──▶ Duplicate (until the operator does something)
//! ```

use std::fmt;
use std::net::Ipv6Addr;
use std::time::{Duration, Instant};

use ipnet::Ipv6Net;

/// RFC 4862 5.1: "DupAddrDetectTransmits [...] Default: 1".
pub const TRANSMITS: u8 = 1;
/// RFC 4861 10: RETRANS_TIMER.
pub const RETRANSMIT: Duration = Duration::from_secs(1);
/// RFC 4861 10: MAX_RTR_SOLICITATION_DELAY, the most that the first probe waits.
pub const DELAY: Duration = Duration::from_secs(1);

/// How far an address is ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Claim {
    /// "an address whose uniqueness on a link is being verified, prior to its assignment to an interface." Nothing is
    /// sent from it and nothing but Neighbor Discovery for it is looked at.
    Tentative,
    /// Ours.
    Assigned,
    /// Somebody else has it; it is not used.
    Duplicate,
}

impl fmt::Display for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Tentative => "tentative",
            Self::Assigned => "assigned",
            Self::Duplicate => "duplicate",
        })
    }
}

/// The anycast address of the subnet of one of our addresses.
pub fn anycast(net: Ipv6Net) -> Option<Ipv6Addr> {
    (net.prefix_len() < 127 && !net.addr().is_unicast_link_local()).then(|| net.network())
}

/// One of our addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Own {
    /// The address with its prefix.
    pub net: Ipv6Net,
    /// How far it is ours.
    pub claim: Claim,
    /// Probes still to send.
    left: u8,
    /// When the next probe is due, or after the last one the verdict.
    due: Option<Instant>,
    /// Has become ours and was not taken by [`Claims::take_fresh`] yet.
    fresh: bool,
}

/// Something to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClaimEvent {
    /// Send a probe: a solicitation for the address, from the unspecified address to its solicited-node group.
    Probe(Ipv6Addr),
    /// The address is ours from now on.
    Assigned(Ipv6Addr),
}

/// All addresses of an interface.
#[derive(Debug, Clone, Default)]
pub struct Claims {
    addresses: Vec<Own>,
}

impl Claims {
    /// Addresses that are not claimed yet: the interface is down.
    pub fn new(nets: impl IntoIterator<Item = Ipv6Net>) -> Self {
        let own = |net| Own { net, claim: Claim::Tentative, left: 0, due: None, fresh: false };
        Self { addresses: nets.into_iter().map(own).collect() }
    }

    /// The interface came up: every address is claimed anew, after a delay that differs from router to router.
    ///
    /// RFC 4862 5.4.2: "If the Neighbor Solicitation is going to be the first message sent from an interface after interface
    /// (re)initialization, the node SHOULD delay [...] by a random delay between 0 and MAX_RTR_SOLICITATION_DELAY". With
    /// `detect` off, DupAddrDetectTransmits is 0: the addresses are ours at once.
    pub fn start(&mut self, now: Instant, delay: Duration, detect: bool) {
        for own in &mut self.addresses {
            own.claim = Claim::Tentative;
            own.left = if detect { TRANSMITS } else { 0 };
            own.due = Some(if detect { now + delay.min(DELAY) } else { now });
        }
    }

    /// The interface went down: nothing is ours there.
    pub fn stop(&mut self) {
        for own in &mut self.addresses {
            (own.claim, own.due, own.fresh) = (Claim::Tentative, None, false);
        }
    }

    /// Those that have become ours since the last call.
    pub fn take_fresh(&mut self) -> Vec<Ipv6Addr> {
        let fresh = self.addresses.iter_mut().filter(|own| own.fresh);
        fresh
            .map(|own| {
                own.fresh = false;
                own.net.addr()
            })
            .collect()
    }

    /// When [`Claims::tick`] has something to do next.
    pub fn next(&self) -> Option<Instant> {
        self.addresses.iter().filter_map(|own| own.due).min()
    }

    /// Does what is due.
    pub fn tick(&mut self, now: Instant) -> Vec<ClaimEvent> {
        let mut events = Vec::new();
        for own in &mut self.addresses {
            if own.due.is_none_or(|due| due > now) {
                continue;
            }
            if own.left > 0 {
                own.left -= 1;
                own.due = Some(now + RETRANSMIT);
                events.push(ClaimEvent::Probe(own.net.addr()));
            } else {
                own.due = None;
                own.claim = Claim::Assigned;
                own.fresh = true;
                events.push(ClaimEvent::Assigned(own.net.addr()));
            }
        }
        events
    }

    /// Somebody else has claimed or defended a tentative address; says whether it was one.
    pub fn conflict(&mut self, address: Ipv6Addr) -> bool {
        let tentative = |own: &&mut Own| own.net.addr() == address && own.claim == Claim::Tentative;
        match self.addresses.iter_mut().find(tentative) {
            Some(own) => {
                (own.claim, own.due) = (Claim::Duplicate, None);
                true
            }
            None => false,
        }
    }

    /// Claims another address in the place of a duplicate, from `due` on.
    pub fn replace(&mut self, duplicate: Ipv6Addr, with: Ipv6Net, due: Instant) {
        let taken = |own: &&mut Own| own.net.addr() == duplicate && own.claim == Claim::Duplicate;
        if let Some(own) = self.addresses.iter_mut().find(taken) {
            *own = Own { net: with, claim: Claim::Tentative, left: TRANSMITS, due: Some(due), fresh: false };
        }
    }

    /// How far an address is ours; `None` when it is not one of these.
    pub fn claim(&self, address: Ipv6Addr) -> Option<Claim> {
        self.addresses.iter().find(|own| own.net.addr() == address).map(|own| own.claim)
    }

    /// All of them, in the order of the configuration.
    pub fn iter(&self) -> impl Iterator<Item = &Own> {
        self.addresses.iter()
    }

    /// Those that are ours.
    pub fn assigned(&self) -> impl Iterator<Item = Ipv6Net> + '_ {
        self.addresses.iter().filter(|own| own.claim == Claim::Assigned).map(|own| own.net)
    }

    /// Our address to speak from on the link, or towards a neighbor: the one whose prefix holds it, else a link-local one.
    pub fn source_towards(&self, peer: Ipv6Addr) -> Option<Ipv6Addr> {
        let link_local = || self.assigned().find(|net| net.addr().is_unicast_link_local());
        let near = self.assigned().find(|net| !peer.is_unicast_link_local() && net.contains(&peer));
        near.or_else(link_local).map(|net| net.addr())
    }

    /// Whether this is the anycast address of one of our subnets: RFC 4291 2.6.1, "All routers are required to support the
    /// Subnet-Router anycast addresses for the subnets to which they have interfaces"; a prefix of 127 bits has none (RFC 6164 6).
    pub fn is_anycast(&self, address: Ipv6Addr) -> bool {
        self.assigned().filter_map(anycast).any(|own| own == address)
    }

    /// Our link-local address, once it is ours.
    pub fn link_local(&self) -> Option<Ipv6Addr> {
        self.assigned().map(|net| net.addr()).find(Ipv6Addr::is_unicast_link_local)
    }

    /// Whether a neighbor can have this address: it is link-local or inside one of our prefixes.
    pub fn is_on_link(&self, address: Ipv6Addr) -> bool {
        address.is_unicast_link_local()
            || self.addresses.iter().any(|own| own.net.prefix_len() < 128 && own.net.contains(&address))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "2001:db8::1/64";

    fn address(text: &str) -> Ipv6Addr {
        text.parse::<Ipv6Net>().unwrap().addr()
    }

    fn claims() -> Claims {
        Claims::new([A.parse().unwrap(), "fe80::1/64".parse().unwrap()])
    }

    #[test]
    fn an_address_is_ours_when_nobody_answers_its_probe() {
        let (mut claims, start) = (claims(), Instant::now());
        assert_eq!(claims.next(), None);
        claims.start(start, Duration::from_millis(300), true);
        assert_eq!(claims.next(), Some(start + Duration::from_millis(300)));
        assert!(claims.tick(start).is_empty());
        let probes = claims.tick(start + DELAY);
        assert_eq!(probes, [ClaimEvent::Probe(address(A)), ClaimEvent::Probe(address("fe80::1/64"))]);
        assert_eq!((claims.assigned().count(), claims.link_local()), (0, None));
        let events = claims.tick(start + DELAY + RETRANSMIT);
        assert_eq!(events[0], ClaimEvent::Assigned(address(A)));
        assert_eq!((claims.next(), claims.assigned().count()), (None, 2));
        assert_eq!((claims.take_fresh().len(), claims.take_fresh().len()), (2, 0));
        assert_eq!(claims.source_towards("2001:db8::9".parse().unwrap()), Some(address(A)));
        assert_eq!(claims.source_towards("fe80::9".parse().unwrap()), claims.link_local());
    }

    #[test]
    fn a_duplicate_is_never_assigned_until_the_link_comes_up_again() {
        let (mut claims, start) = (claims(), Instant::now());
        claims.start(start, Duration::ZERO, true);
        claims.tick(start);
        assert!(claims.conflict(address(A)));
        assert!(!claims.conflict(address(A)), "told once");
        claims.tick(start + RETRANSMIT);
        assert_eq!(claims.claim(address(A)), Some(Claim::Duplicate));
        assert!(!claims.conflict(address("fe80::1/64")), "what is ours already stays");
        claims.stop();
        assert_eq!(claims.assigned().count(), 0);
        claims.start(start, Duration::ZERO, true);
        assert_eq!(claims.claim(address(A)), Some(Claim::Tentative));
    }

    #[test]
    fn another_address_takes_the_place_of_a_duplicate() {
        let (mut claims, start) = (claims(), Instant::now());
        claims.start(start, Duration::ZERO, true);
        claims.tick(start);
        let (taken, other) = (address("fe80::1/64"), "fe80::2/64".parse().unwrap());
        claims.replace(taken, other, start);
        assert_eq!(claims.claim(taken), Some(Claim::Tentative), "it is no duplicate yet");
        assert!(claims.conflict(taken));
        claims.replace(taken, other, start + RETRANSMIT);
        assert_eq!(claims.claim(taken), None);
        claims.tick(start + RETRANSMIT);
        claims.tick(start + RETRANSMIT * 2);
        assert_eq!(claims.link_local(), Some(address("fe80::2/64")));
    }

    #[test]
    fn without_detection_an_address_is_ours_at_once() {
        let (mut claims, start) = (claims(), Instant::now());
        claims.start(start, DELAY, false);
        assert!(matches!(claims.tick(start)[..], [ClaimEvent::Assigned(_), ClaimEvent::Assigned(_)]));
    }
}
