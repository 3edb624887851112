//! What a message of Neighbor Discovery means to one interface: an answer to give, a neighbor to learn, a claim that
//! fails, or nothing.
//!
//! RFC 4861 7.2 is the skeleton, RFC 4862 5.4 says what a claim on our own addresses means. The messages come parsed and
//! checked ([`crate::wire::nd::check`]); packets are sent by the caller.

use std::fmt;
use std::net::Ipv6Addr;
use std::time::{Duration, Instant};

use macaddr::MacAddr6;

use super::dad::{Claim, Claims};
use crate::wire::ipv6::ALL_NODES;
use crate::wire::nd::{Advertisement, Message, Solicitation};

#[cfg(test)]
mod tests;

/// The least time between two defences of one address: as for IPv4 (RFC 5227 1.1, DEFEND_INTERVAL).
pub const DEFEND_INTERVAL: Duration = Duration::from_secs(10);

/// The packet around a message.
#[derive(Debug, Clone, Copy)]
pub struct Around {
    /// Source of the packet.
    pub source: Ipv6Addr,
    /// Destination of the packet.
    pub destination: Ipv6Addr,
    /// Source of the frame.
    pub mac: MacAddr6,
}

/// The interface that the message came in on.
#[derive(Debug, Clone, Copy)]
pub struct Local<'a> {
    /// Its MAC.
    pub mac: MacAddr6,
    /// Its addresses.
    pub claims: &'a Claims,
}

impl Local<'_> {
    /// The advertisement that an address is ours: unasked, or the answer to who asked.
    ///
    /// RFC 4861 7.2.4: "If the node is a router, it MUST set the Router flag to one"; "If the Target Address is either an anycast
    /// address or a unicast address for which the node is providing proxy service [...] the Override flag SHOULD be set to
    /// zero. Otherwise, the Override flag SHOULD be set to one."
    pub fn advertisement(&self, target: Ipv6Addr, solicited: bool) -> Advertisement {
        let overrides = !self.claims.is_anycast(target);
        Advertisement { router: true, solicited, overrides, target, target_link: Some(self.mac) }
    }
}

/// What to do about a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Received {
    /// Somebody asked for an address of ours: send the answer, and learn who asked.
    Asked {
        /// The answer.
        answer: Advertisement,
        /// Where to.
        to: Ipv6Addr,
        /// The asker's MAC, to send to; `None` for a group.
        mac: Option<MacAddr6>,
        /// The asker, when it may be learnt.
        asker: Option<(Ipv6Addr, MacAddr6)>,
    },
    /// An advertisement for [`super::table::Table::advertised`].
    Told(Advertisement),
    /// A router or host is there, by what it solicits or advertises: the table learns it.
    Seen {
        /// Its address.
        address: Ipv6Addr,
        /// Its MAC, if it said so.
        mac: Option<MacAddr6>,
        /// It solicits routers.
        solicits: bool,
    },
    /// Somebody else has our tentative address: it is a duplicate.
    Duplicate {
        /// The address.
        address: Ipv6Addr,
        /// Who has it.
        mac: MacAddr6,
    },
    /// Somebody else uses an address that is ours already.
    Conflict {
        /// The address.
        address: Ipv6Addr,
        /// Who uses it.
        mac: MacAddr6,
        /// The advertisement to send to every node in defence, unless we have just sent one.
        defence: Option<Advertisement>,
    },
    /// Nothing.
    Ignored(Ignored),
}

/// Why a message means nothing to us.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Ignored {
    /// The MAC it names is a group address or all zeros.
    MacNotUnicast,
    /// It is our own, looped back.
    OwnFrame,
    /// It asks for an address that is not ours, or not yet.
    TargetNotOurs,
    /// The asker's address is none that a neighbor on this link can have.
    SourceNotOnLink,
    /// RFC 4861 8.2: "A router MUST NOT update its routing tables upon receipt of a Redirect."
    Redirect,
}

impl Ignored {
    /// All reasons.
    pub const ALL: [Self; 5] =
        [Self::MacNotUnicast, Self::OwnFrame, Self::TargetNotOurs, Self::SourceNotOnLink, Self::Redirect];
}

impl fmt::Display for Ignored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::MacNotUnicast => "mac-not-unicast",
            Self::OwnFrame => "own-frame",
            Self::TargetNotOurs => "target-not-ours",
            Self::SourceNotOnLink => "source-not-on-link",
            Self::Redirect => "redirect",
        })
    }
}

/// What came of the messages so far.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct NdCounters {
    /// Solicitations for our addresses.
    pub asked: u64,
    /// Advertisements of neighbors.
    pub told: u64,
    /// Router solicitations and advertisements.
    pub seen: u64,
    /// Claims on addresses that were ours, or about to be.
    pub conflicts: u64,
    /// Messages that failed a check of RFC 4861.
    pub invalid: u64,
    ignored: [u64; Ignored::ALL.len()],
}

impl NdCounters {
    /// Messages ignored for this reason.
    pub fn ignored(&self, reason: Ignored) -> u64 {
        self.ignored[reason as usize]
    }
}

/// The receiving side of Neighbor Discovery on one interface.
#[derive(Debug, Default)]
pub struct Receiver {
    /// When each of our addresses was last defended; those that are no more ours leave.
    defended: Vec<(Ipv6Addr, Instant)>,
    counters: NdCounters,
}

impl Receiver {
    /// Decides about one message.
    pub fn receive(&mut self, now: Instant, around: &Around, message: &Message<'_>, local: &Local<'_>) -> Received {
        let received = self.decide(now, around, message, local);
        match received {
            Received::Asked { .. } => self.counters.asked += 1,
            Received::Told(_) => self.counters.told += 1,
            Received::Seen { .. } => self.counters.seen += 1,
            Received::Duplicate { .. } | Received::Conflict { .. } => self.counters.conflicts += 1,
            Received::Ignored(reason) => self.counters.ignored[reason as usize] += 1,
        }
        received
    }

    /// Counts a message that failed a check.
    pub fn invalid(&mut self) {
        self.counters.invalid += 1;
    }

    /// What came of the messages so far.
    pub fn counters(&self) -> NdCounters {
        self.counters
    }

    fn decide(&mut self, now: Instant, around: &Around, message: &Message<'_>, local: &Local<'_>) -> Received {
        if around.mac == local.mac {
            return Received::Ignored(Ignored::OwnFrame);
        }
        match *message {
            Message::Solicitation(asked) => self.solicitation(now, around, asked, local),
            Message::Advertisement(told) => self.advertisement(now, around, told, local),
            Message::RouterSolicitation { source_link } => seen(around, source_link, true, local),
            Message::RouterAdvertisement(_, options) => seen(around, options.source_link(), false, local),
            Message::Redirect { .. } => Received::Ignored(Ignored::Redirect),
        }
    }

    fn solicitation(&mut self, now: Instant, around: &Around, asked: Solicitation, local: &Local<'_>) -> Received {
        let (target, source) = (asked.target, around.source);
        if asked.source_link.is_some_and(|mac| !is_unicast(mac)) || !is_unicast(around.mac) {
            return Received::Ignored(Ignored::MacNotUnicast);
        }
        match local.claims.claim(target) {
            // RFC 4862 5.4.3: "If the source address of the Neighbor Solicitation is the unspecified address, the solicitation
            // is from a node performing Duplicate Address Detection. If the solicitation is from another node, the tentative
            // address is a duplicate"; "If the source address [...] is a unicast address, the sender is performing address
            // resolution on the target; the solicitation should be silently ignored."
            Some(Claim::Tentative) if source.is_unspecified() => {
                return Received::Duplicate { address: target, mac: around.mac };
            }
            None if !source.is_unspecified() && local.claims.is_anycast(target) => {}
            Some(Claim::Tentative | Claim::Duplicate) | None => return Received::Ignored(Ignored::TargetNotOurs),
            Some(Claim::Assigned) => {}
        }
        if source.is_unspecified() {
            // RFC 4861 7.2.4: "If the source of the solicitation is the unspecified address, the node MUST set the Solicited
            // flag to zero and multicast the advertisement to the all-nodes address."
            let answer = local.advertisement(target, false);
            return Received::Asked { answer, to: ALL_NODES, mac: None, asker: None };
        }
        if local.claims.claim(source) == Some(Claim::Assigned) {
            return self.conflict(now, source, around.mac, local);
        }
        // We believe less than RFC 4861, which has no such check: an entry for an address off the link serves nobody but
        // whoever wants to fill the table.
        if source.is_multicast() || !local.claims.is_on_link(source) {
            return Received::Ignored(Ignored::SourceNotOnLink);
        }
        let answer = local.advertisement(target, true);
        // A probe of unreachability may come without its sender's address (7.2.2); the frame has it.
        let mac = Some(asked.source_link.unwrap_or(around.mac));
        Received::Asked { answer, to: source, mac, asker: asked.source_link.map(|mac| (source, mac)) }
    }

    fn advertisement(&mut self, now: Instant, around: &Around, told: Advertisement, local: &Local<'_>) -> Received {
        if told.target_link.is_some_and(|mac| !is_unicast(mac)) {
            return Received::Ignored(Ignored::MacNotUnicast);
        }
        match local.claims.claim(told.target) {
            // RFC 4862 5.4.4: "If the target address is tentative, the tentative address is not unique."
            Some(Claim::Tentative) => Received::Duplicate { address: told.target, mac: around.mac },
            Some(Claim::Assigned) => self.conflict(now, told.target, around.mac, local),
            Some(Claim::Duplicate) => Received::Ignored(Ignored::TargetNotOurs),
            None => Received::Told(told),
        }
    }

    fn conflict(&mut self, now: Instant, address: Ipv6Addr, mac: MacAddr6, local: &Local<'_>) -> Received {
        let claims = local.claims;
        self.defended.retain(|&(own, at)| {
            claims.claim(own) == Some(Claim::Assigned) && now.saturating_duration_since(at) < DEFEND_INTERVAL
        });
        let may = !self.defended.iter().any(|&(own, _)| own == address);
        if may {
            self.defended.push((address, now));
        }
        Received::Conflict { address, mac, defence: may.then(|| local.advertisement(address, false)) }
    }
}

fn seen(around: &Around, mac: Option<MacAddr6>, solicits: bool, local: &Local<'_>) -> Received {
    if mac.is_some_and(|mac| !is_unicast(mac)) {
        return Received::Ignored(Ignored::MacNotUnicast);
    }
    let (address, mac) = (around.source, mac.filter(|_| local.claims.claim(around.source).is_none()));
    if !address.is_unspecified() && !local.claims.is_on_link(address) {
        return Received::Ignored(Ignored::SourceNotOnLink);
    }
    Received::Seen { address, mac, solicits }
}

fn is_unicast(mac: MacAddr6) -> bool {
    !mac.is_multicast() && !mac.is_nil()
}
