//! Neighbor Discovery messages: RFC 4861 4, checked as its sections 6.1, 7.1 and 8.1 ask.

use super::icmpv6::{
    self, NEIGHBOR_ADVERTISEMENT, NEIGHBOR_SOLICITATION, REDIRECT, ROUTER_ADVERTISEMENT, ROUTER_SOLICITATION,
};
use super::ipv6::{HEADER_LEN, ICMPV6, Ipv6, solicited_node};
use macaddr::MacAddr6;
use std::net::Ipv6Addr;

pub mod option;

use option::{NdOption, Options};

/// Bytes of a whole solicitation or advertisement of a neighbor, from the IPv6 header on, with its option.
pub const NEIGHBOR_LEN: usize = HEADER_LEN + 24 + option::LINK_LAYER_LEN;
/// What every message is sent with, and must arrive with: no router has forwarded it.
pub const HOP_LIMIT: u8 = 255;

/// Why a message is silently discarded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum NdError {
    /// No message of Neighbor Discovery.
    #[error("not Neighbor Discovery")]
    OtherKind,
    /// "The IP Hop Limit field has a value of 255, i.e., the packet could not possibly have been forwarded by a router."
    #[error("the hop limit is not 255")]
    HopLimit,
    /// "ICMP Checksum is valid."
    #[error("wrong checksum")]
    Checksum,
    /// "ICMP Code is 0."
    #[error("the code is not 0")]
    Code,
    /// "ICMP length (derived from the IP length) is" as many octets "or more".
    #[error("cut short")]
    TooShort,
    /// "All included options have a length that is greater than zero."
    #[error("an option has no length or goes on beyond the message")]
    Option,
    /// "Target Address is not a multicast address."
    #[error("the target is a multicast group")]
    Target,
    /// "If the IP source address is the unspecified address, the IP destination address is a solicited-node multicast
    /// address."
    #[error("a probe that is not sent to the target's group")]
    ProbeDestination,
    /// "If the IP source address is the unspecified address, there is no source link-layer address option in the message."
    #[error("a source address option without a source")]
    ProbeOption,
    /// "If the IP Destination Address is a multicast address the Solicited flag is zero."
    #[error("a multicast that claims to be solicited")]
    Solicited,
    /// "IP Source Address is a link-local address."
    #[error("the source is not link-local")]
    Source,
    /// "The ICMP Destination Address field in the redirect message does not contain a multicast address", and the target
    /// is a link-local address or the destination.
    #[error("a redirect that redirects nothing")]
    Redirect,
}

impl NdError {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::OtherKind,
        Self::HopLimit,
        Self::Checksum,
        Self::Code,
        Self::TooShort,
        Self::Option,
        Self::Target,
        Self::ProbeDestination,
        Self::ProbeOption,
        Self::Solicited,
        Self::Source,
        Self::Redirect,
    ];
}

/// A neighbor solicitation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Solicitation {
    /// Whose address is asked for.
    pub target: Ipv6Addr,
    /// The asker's address on the link.
    pub source_link: Option<MacAddr6>,
}

/// A neighbor advertisement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Advertisement {
    /// The sender is a router.
    pub router: bool,
    /// It answers a solicitation.
    pub solicited: bool,
    /// It overrides what is known.
    pub overrides: bool,
    /// Whose address it is about.
    pub target: Ipv6Addr,
    /// Its address on the link.
    pub target_link: Option<MacAddr6>,
}

/// What a router advertisement says before its options.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RouterAdvertisement {
    /// Hop limit for the hosts; 0 says nothing.
    pub hop_limit: u8,
    /// Addresses come by DHCPv6.
    pub managed: bool,
    /// Other things come by DHCPv6.
    pub other: bool,
    /// The default router preference of RFC 4191 2.2: 1 high, 0 medium, -1 low.
    pub preference: i8,
    /// Seconds for which the sender is a default router; 0: it is none.
    pub lifetime: u16,
    /// Milliseconds; 0 says nothing.
    pub reachable: u32,
    /// Milliseconds; 0 says nothing.
    pub retransmit: u32,
}

/// A message that has passed every check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Message<'a> {
    /// Type 133.
    RouterSolicitation {
        /// The asker's address on the link.
        source_link: Option<MacAddr6>,
    },
    /// Type 134.
    RouterAdvertisement(RouterAdvertisement, Options<'a>),
    /// Type 135.
    Solicitation(Solicitation),
    /// Type 136.
    Advertisement(Advertisement),
    /// Type 137: the better first hop (target) to a destination.
    Redirect {
        /// The better first hop.
        target: Ipv6Addr,
        /// Where to.
        destination: Ipv6Addr,
    },
}

/// Reads and checks a packet whose upper layer is ICMPv6 and begins right behind the fixed header.
///
/// # Errors
/// [`NdError`].
pub fn check<'a>(view: &Ipv6<'a>) -> Result<Message<'a>, NdError> {
    let message = view.payload();
    let (source, destination) = (view.source(), view.destination());
    let Some(&[kind, code, ..]) = message.first_chunk::<4>() else { return Err(NdError::TooShort) };
    if view.next_header() != ICMPV6 || !(ROUTER_SOLICITATION..=REDIRECT).contains(&kind) {
        return Err(NdError::OtherKind);
    }
    if view.hop_limit() != HOP_LIMIT {
        return Err(NdError::HopLimit);
    }
    if icmpv6::checked_type(message, source, destination).is_none() {
        return Err(NdError::Checksum);
    }
    if code != 0 {
        return Err(NdError::Code);
    }
    match kind {
        ROUTER_SOLICITATION => router_solicitation(message, source),
        ROUTER_ADVERTISEMENT => router_advertisement(message, source),
        NEIGHBOR_SOLICITATION => solicitation(message, source, destination),
        NEIGHBOR_ADVERTISEMENT => advertisement(message, destination),
        _ => redirect(message, source),
    }
}

fn router_solicitation(message: &[u8], source: Ipv6Addr) -> Result<Message<'_>, NdError> {
    let options = Options::check(message.get(8..).ok_or(NdError::TooShort)?)?;
    let source_link = options.source_link();
    if source.is_unspecified() && source_link.is_some() {
        return Err(NdError::ProbeOption);
    }
    Ok(Message::RouterSolicitation { source_link })
}

fn router_advertisement(message: &[u8], source: Ipv6Addr) -> Result<Message<'_>, NdError> {
    let fixed = message.first_chunk::<16>().ok_or(NdError::TooShort)?;
    if !source.is_unicast_link_local() {
        return Err(NdError::Source);
    }
    let said = RouterAdvertisement {
        hop_limit: fixed[4],
        managed: fixed[5] & 0x80 != 0,
        other: fixed[5] & 0x40 != 0,
        // RFC 4191 2.2: "01 High, 00 Medium (default), 11 Low, 10 Reserved - MUST NOT be sent", and is taken as medium.
        preference: match fixed[5] >> 3 & 3 {
            1 => 1,
            3 => -1,
            _ => 0,
        },
        lifetime: super::be16(fixed, 6),
        reachable: super::be32(fixed, 8),
        retransmit: super::be32(fixed, 12),
    };
    Ok(Message::RouterAdvertisement(said, Options::check(&message[16..])?))
}

fn solicitation(message: &[u8], source: Ipv6Addr, destination: Ipv6Addr) -> Result<Message<'_>, NdError> {
    let target = address(message, 8)?;
    let options = Options::check(message.get(24..).ok_or(NdError::TooShort)?)?;
    if target.is_multicast() {
        return Err(NdError::Target);
    }
    let source_link = options.source_link();
    if source.is_unspecified() {
        if destination != solicited_node(target) {
            return Err(NdError::ProbeDestination);
        }
        if source_link.is_some() {
            return Err(NdError::ProbeOption);
        }
    }
    Ok(Message::Solicitation(Solicitation { target, source_link }))
}

fn advertisement(message: &[u8], destination: Ipv6Addr) -> Result<Message<'_>, NdError> {
    let target = address(message, 8)?;
    let options = Options::check(message.get(24..).ok_or(NdError::TooShort)?)?;
    if target.is_multicast() {
        return Err(NdError::Target);
    }
    let flags = message[4];
    let solicited = flags & 0x40 != 0;
    if destination.is_multicast() && solicited {
        return Err(NdError::Solicited);
    }
    Ok(Message::Advertisement(Advertisement {
        router: flags & 0x80 != 0,
        solicited,
        overrides: flags & 0x20 != 0,
        target,
        target_link: options.target_link(),
    }))
}

fn redirect(message: &[u8], source: Ipv6Addr) -> Result<Message<'_>, NdError> {
    let (target, destination) = (address(message, 8)?, address(message, 24)?);
    Options::check(message.get(40..).ok_or(NdError::TooShort)?)?;
    if !source.is_unicast_link_local() {
        return Err(NdError::Source);
    }
    if destination.is_multicast() || !(target.is_unicast_link_local() || target == destination) {
        return Err(NdError::Redirect);
    }
    Ok(Message::Redirect { target, destination })
}

fn address(message: &[u8], at: usize) -> Result<Ipv6Addr, NdError> {
    let bytes = message.get(at..).and_then(|rest| rest.first_chunk::<16>()).ok_or(NdError::TooShort)?;
    Ok(Ipv6Addr::from(*bytes))
}

impl Solicitation {
    /// The packet that asks, from one of our addresses; without a `source_link` it is the probe of RFC 4862 5.4.2.
    /// Returns its bytes and how many count.
    pub fn packet(&self, source: Ipv6Addr, destination: Ipv6Addr) -> ([u8; NEIGHBOR_LEN], usize) {
        let link = self.source_link.map(NdOption::SourceLink);
        neighbor(NEIGHBOR_SOLICITATION, 0, self.target, link, source, destination)
    }
}

impl Advertisement {
    /// The packet that tells. Returns its bytes and how many count.
    pub fn packet(&self, source: Ipv6Addr, destination: Ipv6Addr) -> ([u8; NEIGHBOR_LEN], usize) {
        let bit = |set: bool, bit: u8| if set { bit } else { 0 };
        let flags = bit(self.router, 0x80) | bit(self.solicited, 0x40) | bit(self.overrides, 0x20);
        let link = self.target_link.map(NdOption::TargetLink);
        neighbor(NEIGHBOR_ADVERTISEMENT, flags, self.target, link, source, destination)
    }
}

fn neighbor(
    kind: u8,
    flags: u8,
    target: Ipv6Addr,
    link: Option<NdOption<'_>>,
    source: Ipv6Addr,
    destination: Ipv6Addr,
) -> ([u8; NEIGHBOR_LEN], usize) {
    let mut packet = [0; NEIGHBOR_LEN];
    packet[40] = kind;
    packet[44] = flags;
    packet[48..64].copy_from_slice(&target.octets());
    let len = 64 + link.and_then(|link| link.emit(&mut packet[64..])).unwrap_or(0);
    icmpv6::finish(&mut packet[..len], source, destination, HOP_LIMIT);
    (packet, len)
}

/// Writes a router advertisement with its options into `packet`, from the IPv6 header on; `None` when it does not fit.
pub fn emit_router_advertisement(
    packet: &mut [u8],
    said: &RouterAdvertisement,
    options: &[NdOption<'_>],
    source: Ipv6Addr,
    destination: Ipv6Addr,
) -> Option<usize> {
    let fixed: &mut [u8; 16] = packet.get_mut(HEADER_LEN..)?.first_chunk_mut()?;
    let bit = |set: bool, bit: u8| if set { bit } else { 0 };
    let preference = match said.preference {
        1.. => 1 << 3,
        0 => 0,
        ..0 => 3 << 3,
    };
    *fixed = [0; 16];
    fixed[0] = ROUTER_ADVERTISEMENT;
    fixed[4] = said.hop_limit;
    fixed[5] = bit(said.managed, 0x80) | bit(said.other, 0x40) | preference;
    fixed[6..8].copy_from_slice(&said.lifetime.to_be_bytes());
    fixed[8..12].copy_from_slice(&said.reachable.to_be_bytes());
    fixed[12..16].copy_from_slice(&said.retransmit.to_be_bytes());
    let mut len = HEADER_LEN + 16;
    for option in options {
        len += option.emit(packet.get_mut(len..)?)?;
    }
    icmpv6::finish(&mut packet[..len], source, destination, HOP_LIMIT);
    Some(len)
}

/// Bytes of a redirect before its options, from the IPv6 header on.
pub const REDIRECT_LEN: usize = HEADER_LEN + 40;

/// Writes the fixed part of a redirect into `packet`, whose options stand behind it already, and finishes it.
pub fn emit_redirect(packet: &mut [u8], target: Ipv6Addr, about: Ipv6Addr, source: Ipv6Addr, destination: Ipv6Addr) {
    let Some(fixed) = packet.get_mut(HEADER_LEN..).and_then(|rest| rest.first_chunk_mut::<40>()) else { return };
    fixed[..8].copy_from_slice(&[REDIRECT, 0, 0, 0, 0, 0, 0, 0]);
    fixed[8..24].copy_from_slice(&target.octets());
    fixed[24..].copy_from_slice(&about.octets());
    icmpv6::finish(packet, source, destination, HOP_LIMIT);
}

#[cfg(test)]
mod tests;
