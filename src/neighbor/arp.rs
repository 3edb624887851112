//! What an ARP frame means to one interface: an answer to give, a neighbor to learn, a conflict, or nothing.
//!
//! RFC 826 "Packet Reception" is the skeleton. RFC 1812 section 3.3.2 adds what a router must not believe, RFC 5227
//! what to do when somebody else uses our address. We believe less than RFC 826: a sender that is not on the link's
//! own prefixes is a martian, for no packet is ever routed to it there.
//!
//! The fields come parsed and checked (Ethernet and IPv4 lengths and types); frames are built and sent by the caller.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, Instant};

use ipnet::Ipv4Net;
use macaddr::MacAddr6;

use crate::wire::arp::{Arp, REPLY, REQUEST};

#[cfg(test)]
mod tests;

/// The least time between two defences of one address: DEFEND_INTERVAL of RFC 5227 section 1.1.
pub const DEFEND_INTERVAL: Duration = Duration::from_secs(10);

/// The interface that the frame came in on.
#[derive(Debug, Clone, Copy)]
pub struct Local<'a> {
    /// Its MAC.
    pub mac: MacAddr6,
    /// Its addresses with their prefix lengths.
    pub addresses: &'a [Ipv4Net],
}

impl Local<'_> {
    fn has(&self, address: Ipv4Addr) -> bool {
        self.addresses.iter().any(|own| own.addr() == address)
    }

    /// Whether a neighbor can have this address: it is inside one of our prefixes and no broadcast address of it.
    fn may_have_neighbor(&self, address: Ipv4Addr) -> bool {
        self.prefix_of(address)
            .is_some_and(|own| own.prefix_len() >= 31 || (address != own.network() && address != own.broadcast()))
    }

    /// Of our addresses the one with the longest prefix around `address`. A /32 has nothing around it.
    fn prefix_of(&self, address: Ipv4Addr) -> Option<Ipv4Net> {
        let around = self.addresses.iter().filter(|own| own.prefix_len() < 32 && own.contains(&address));
        around.max_by_key(|own| own.prefix_len()).copied()
    }

    /// The request that asks for `target`, from our address in its subnet; none if we have none there. To ask
    /// one neighbor alone, send it to that neighbor's MAC instead of to everybody.
    pub fn request(&self, target: Ipv4Addr) -> Option<Arp> {
        self.prefix_of(target).map(|own| Arp {
            operation: REQUEST,
            sender_mac: self.mac,
            sender: own.addr(),
            target_mac: MacAddr6::nil(),
            target,
        })
    }

    /// The announcement (gratuitous ARP) that `address` is ours; to be broadcast.
    ///
    /// RFC 5227 section 2.3: "An ARP Announcement is identical to the ARP Probe described above, except that now
    /// the sender and target IP addresses are both set to the host's newly selected IPv4 address."
    pub fn announcement(&self, address: Ipv4Addr) -> Arp {
        Arp { operation: REQUEST, sender_mac: self.mac, sender: address, target_mac: MacAddr6::nil(), target: address }
    }
}

/// What a frame says about a neighbor: the arguments of [`super::table::Table::observe`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Observation {
    /// The sender's address.
    pub address: IpAddr,
    /// The sender's MAC.
    pub mac: MacAddr6,
    /// The frame is a reply to us.
    pub answered: bool,
    /// The frame is a reason to know the sender: it speaks to us.
    pub may_create: bool,
}

/// What to do about a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Received {
    /// A request for our address. Send the reply to `reply.target_mac`. A prober is answered but not learnt.
    Asked {
        /// The reply.
        reply: Arp,
        /// What the table learns.
        observation: Option<Observation>,
    },
    /// A reply to our address.
    Told {
        /// What the table learns.
        observation: Observation,
    },
    /// Meant for somebody else, or for all (a gratuitous ARP): only a neighbor that we know already is brought up
    /// to date.
    Overheard {
        /// What the table learns.
        observation: Observation,
    },
    /// Somebody else uses our address.
    Conflict {
        /// The address.
        address: Ipv4Addr,
        /// Who uses it.
        mac: MacAddr6,
        /// The announcement to broadcast in defence, unless we have just sent one. Tell the operator then, too.
        defence: Option<Arp>,
    },
    /// Nothing.
    Ignored(Ignored),
}

/// Why a frame means nothing to us.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Ignored {
    /// The sender's MAC is a group address or all zeros.
    SenderMacNotUnicast,
    /// It is our own frame, looped back.
    OwnFrame,
    /// Neither request nor reply.
    UnknownOperation,
    /// The sender's address is none that a neighbor on this link can have: a martian.
    SenderNotOnLink,
    /// A probe for an address that is not ours.
    TargetNotOurs,
}

impl Ignored {
    /// All reasons.
    pub const ALL: [Self; 5] =
        [Self::SenderMacNotUnicast, Self::OwnFrame, Self::UnknownOperation, Self::SenderNotOnLink, Self::TargetNotOurs];
}

impl fmt::Display for Ignored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::SenderMacNotUnicast => "sender-mac-not-unicast",
            Self::OwnFrame => "own-frame",
            Self::UnknownOperation => "unknown-operation",
            Self::SenderNotOnLink => "sender-not-on-link",
            Self::TargetNotOurs => "target-not-ours",
        })
    }
}

/// What came of the frames so far.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct ArpCounters {
    /// Requests for our addresses.
    pub asked: u64,
    /// Replies to our addresses.
    pub told: u64,
    /// Frames between others.
    pub overheard: u64,
    /// Frames of somebody who uses our address.
    pub conflicts: u64,
    /// Conflicts that we answered with an announcement.
    pub defences: u64,
    ignored: [u64; Ignored::ALL.len()],
}

impl ArpCounters {
    /// Frames ignored for this reason.
    pub fn ignored(&self, reason: Ignored) -> u64 {
        self.ignored[reason as usize]
    }
}

/// The receiving side of ARP on one interface.
#[derive(Debug, Default)]
pub struct Receiver {
    /// When each of our addresses was last defended. Only addresses of ours get in, and those that are no more ours
    /// leave.
    defended: Vec<(Ipv4Addr, Instant)>,
    counters: ArpCounters,
}

impl Receiver {
    /// Decides about one frame.
    pub fn receive(&mut self, now: Instant, fields: &Arp, local: &Local<'_>) -> Received {
        let received = self.decide(now, fields, local);
        match received {
            Received::Asked { .. } => self.counters.asked += 1,
            Received::Told { .. } => self.counters.told += 1,
            Received::Overheard { .. } => self.counters.overheard += 1,
            Received::Conflict { defence, .. } => {
                self.counters.conflicts += 1;
                self.counters.defences += u64::from(defence.is_some());
            }
            Received::Ignored(reason) => self.counters.ignored[reason as usize] += 1,
        }
        received
    }

    /// What came of the frames so far.
    pub fn counters(&self) -> ArpCounters {
        self.counters
    }

    fn decide(&mut self, now: Instant, fields: &Arp, local: &Local<'_>) -> Received {
        let &Arp { operation, sender_mac, sender, target_mac, target } = fields;

        // RFC 1812 section 3.3.2: "A router MUST not believe any ARP reply that claims that the Link Layer address
        // of another host or router is a broadcast or multicast address."
        if sender_mac.is_multicast() || sender_mac.is_nil() {
            return Received::Ignored(Ignored::SenderMacNotUnicast);
        }
        if sender_mac == local.mac {
            return Received::Ignored(Ignored::OwnFrame);
        }
        if operation != REQUEST && operation != REPLY {
            return Received::Ignored(Ignored::UnknownOperation);
        }

        // RFC 826: "?Am I the target protocol address?"
        let for_us = local.has(target);

        let reply = fields.reply_from(local.mac);

        // RFC 5227 section 1.1: an ARP Probe is an ARP Request "broadcast on the local link, with an all-zero
        // 'sender IP address'". The prober has no address yet that could be learnt, but must hear that this one is
        // taken.
        if sender.is_unspecified() {
            if operation != REQUEST {
                return Received::Ignored(Ignored::SenderNotOnLink);
            }
            if !for_us {
                return Received::Ignored(Ignored::TargetNotOurs);
            }
            return Received::Asked { reply, observation: None };
        }

        // RFC 5227 section 2.4: "At any time, if a host receives an ARP packet (Request *or* Reply) where the
        // 'sender IP address' is (one of) the host's own IP address(es) configured on that interface, but the
        // 'sender hardware address' does not match any of the host's own interface addresses, then this is a
        // conflicting ARP packet".
        if local.has(sender) {
            let defence = self.may_defend(now, sender, local).then(|| local.announcement(sender));
            return Received::Conflict { address: sender, mac: sender_mac, defence };
        }
        if !local.may_have_neighbor(sender) {
            return Received::Ignored(Ignored::SenderNotOnLink);
        }

        // RFC 826: "If the pair <protocol type, sender protocol address> is already in my translation table, update
        // the sender hardware address field of the entry". And only if we are the target: "If Merge_flag is false,
        // add the triplet <protocol type, sender protocol address, sender hardware address> to the translation
        // table."
        let observation = Observation {
            address: sender.into(),
            mac: sender_mac,
            // A reply that is broadcast, or sent to another MAC, answers nobody in particular.
            answered: operation == REPLY && for_us && target_mac == local.mac,
            may_create: for_us,
        };
        if !for_us {
            return Received::Overheard { observation };
        }
        // RFC 826: "?Is the opcode ares_op$REQUEST?  (NOW look at the opcode!!)"
        if operation == REQUEST {
            Received::Asked { reply, observation: Some(observation) }
        } else {
            Received::Told { observation }
        }
    }

    /// A router keeps its address, whoever else claims it; so RFC 5227 section 2.4 (c) applies: "If the host has
    /// not seen any other conflicting ARP packets recently, within the last DEFEND_INTERVAL seconds, then it MUST
    /// record the time that the conflicting ARP packet was received, and then broadcast one single ARP
    /// Announcement, giving its own IP and link-layer addresses."
    ///
    /// We count from the recorded time, so a claim that never ends is answered every ten seconds, not only once.
    fn may_defend(&mut self, now: Instant, address: Ipv4Addr, local: &Local<'_>) -> bool {
        self.defended.retain(|&(own, at)| local.has(own) && now.saturating_duration_since(at) < DEFEND_INTERVAL);
        if self.defended.iter().any(|&(own, _)| own == address) {
            return false;
        }
        self.defended.push((address, now));
        true
    }
}
