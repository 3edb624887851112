//! Options of Neighbor Discovery: RFC 4861 4.6, and the recursive name servers of RFC 8106 5.1.

use super::NdError;
use macaddr::MacAddr6;
use std::net::Ipv6Addr;

/// Bytes of an option with an Ethernet address.
pub const LINK_LAYER_LEN: usize = 8;
/// Bytes of a prefix information option.
pub const PREFIX_LEN: usize = 32;
/// A lifetime that never ends.
pub const INFINITY: u32 = u32::MAX;

const SOURCE_LINK: u8 = 1;
const TARGET_LINK: u8 = 2;
const PREFIX: u8 = 3;
const REDIRECTED: u8 = 4;
const MTU: u8 = 5;
const RDNSS: u8 = 25;

/// A prefix and what hosts may do with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PrefixInformation {
    /// The prefix.
    pub prefix: Ipv6Addr,
    /// Bits of it that count.
    pub len: u8,
    /// Its addresses are on the link.
    pub on_link: bool,
    /// Hosts form addresses of it (RFC 4862).
    pub autonomous: bool,
    /// Seconds for which it is on the link and addresses of it work.
    pub valid: u32,
    /// Seconds for which addresses of it are preferred.
    pub preferred: u32,
}

/// One option.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NdOption<'a> {
    /// The sender's address on the link.
    SourceLink(MacAddr6),
    /// The target's address on the link.
    TargetLink(MacAddr6),
    /// Prefix information.
    Prefix(PrefixInformation),
    /// The packet that a redirect is about.
    Redirected(&'a [u8]),
    /// MTU of the link.
    Mtu(u32),
    /// Recursive name servers, 16 bytes each, for so many seconds.
    NameServers {
        /// Seconds.
        lifetime: u32,
        /// Their addresses.
        servers: &'a [Ipv6Addr],
    },
    /// "Receivers MUST silently ignore any options they do not recognize and continue processing the message."
    Other(u8),
}

/// Options whose lengths have been checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options<'a>(&'a [u8]);

impl<'a> Options<'a> {
    /// Checks that the options fill these bytes exactly.
    ///
    /// # Errors
    /// [`NdError::Option`]. RFC 4861 4.6: "Nodes MUST silently discard an ND packet that contains an option with length
    /// zero."
    pub fn check(bytes: &'a [u8]) -> Result<Self, NdError> {
        let mut rest = bytes;
        while let [_, units, ..] = rest {
            let len = usize::from(*units) * 8;
            rest = rest.get(len..).filter(|_| len > 0).ok_or(NdError::Option)?;
        }
        if rest.is_empty() { Ok(Self(bytes)) } else { Err(NdError::Option) }
    }

    /// Each option, with the addresses of name servers left out.
    pub fn iter(&self) -> impl Iterator<Item = NdOption<'a>> + use<'a> {
        let mut rest = self.0;
        std::iter::from_fn(move || {
            let &[kind, units, ..] = rest else { return None };
            let (option, after) =
                rest.split_at_checked(usize::from(units) * 8).filter(|(option, _)| !option.is_empty())?;
            rest = after;
            Some(read(kind, option))
        })
    }

    /// The sender's address on the link: the first such option.
    pub fn source_link(&self) -> Option<MacAddr6> {
        self.iter().find_map(|option| if let NdOption::SourceLink(mac) = option { Some(mac) } else { None })
    }

    /// The target's address on the link: the first such option.
    pub fn target_link(&self) -> Option<MacAddr6> {
        self.iter().find_map(|option| if let NdOption::TargetLink(mac) = option { Some(mac) } else { None })
    }
}

fn read(kind: u8, option: &[u8]) -> NdOption<'_> {
    let word =
        |at: usize| option.get(at..at + 4).map_or(0, |word| u32::from_be_bytes([word[0], word[1], word[2], word[3]]));
    let mac = || option.get(2..).and_then(|rest| rest.first_chunk::<6>()).map(|bytes| MacAddr6::from(*bytes));
    match (kind, option.len()) {
        (SOURCE_LINK, LINK_LAYER_LEN) => mac().map_or(NdOption::Other(kind), NdOption::SourceLink),
        (TARGET_LINK, LINK_LAYER_LEN) => mac().map_or(NdOption::Other(kind), NdOption::TargetLink),
        (PREFIX, PREFIX_LEN) => NdOption::Prefix(PrefixInformation {
            prefix: option[16..].first_chunk::<16>().map_or(Ipv6Addr::UNSPECIFIED, |bytes| Ipv6Addr::from(*bytes)),
            len: option[2],
            on_link: option[3] & 0x80 != 0,
            autonomous: option[3] & 0x40 != 0,
            valid: word(4),
            preferred: word(8),
        }),
        (REDIRECTED, _) => NdOption::Redirected(option.get(8..).unwrap_or(&[])),
        (MTU, 8) => NdOption::Mtu(word(4)),
        (RDNSS, 24..) => NdOption::NameServers { lifetime: word(4), servers: &[] },
        _ => NdOption::Other(kind),
    }
}

impl NdOption<'_> {
    /// Writes the option; returns its bytes, `None` when there is no room. An option that is not known writes nothing.
    pub fn emit(&self, out: &mut [u8]) -> Option<usize> {
        match self {
            Self::SourceLink(mac) => link_layer(out, SOURCE_LINK, *mac),
            Self::TargetLink(mac) => link_layer(out, TARGET_LINK, *mac),
            Self::Prefix(prefix) => {
                let bytes = out.first_chunk_mut::<PREFIX_LEN>()?;
                *bytes = [0; PREFIX_LEN];
                let flags = if prefix.on_link { 0x80 } else { 0 } | if prefix.autonomous { 0x40 } else { 0 };
                bytes[..4].copy_from_slice(&[PREFIX, 4, prefix.len, flags]);
                bytes[4..8].copy_from_slice(&prefix.valid.to_be_bytes());
                bytes[8..12].copy_from_slice(&prefix.preferred.to_be_bytes());
                bytes[16..].copy_from_slice(&prefix.prefix.octets());
                Some(PREFIX_LEN)
            }
            Self::Redirected(packet) => {
                let len = 8 + packet.len().next_multiple_of(8);
                let units = u8::try_from(len / 8).ok()?;
                let bytes = out.get_mut(..len)?;
                bytes.fill(0);
                bytes[..2].copy_from_slice(&[REDIRECTED, units]);
                bytes[8..8 + packet.len()].copy_from_slice(packet);
                Some(len)
            }
            Self::Mtu(mtu) => {
                let bytes = out.first_chunk_mut::<8>()?;
                bytes[..4].copy_from_slice(&[MTU, 1, 0, 0]);
                bytes[4..].copy_from_slice(&mtu.to_be_bytes());
                Some(8)
            }
            Self::NameServers { lifetime, servers } => {
                let len = 8 + servers.len() * 16;
                let units = u8::try_from(len / 8).ok()?;
                let (head, addresses) = out.get_mut(..len)?.split_at_mut(8);
                head[..4].copy_from_slice(&[RDNSS, units, 0, 0]);
                head[4..].copy_from_slice(&lifetime.to_be_bytes());
                for (to, server) in addresses.chunks_exact_mut(16).zip(servers.iter()) {
                    to.copy_from_slice(&server.octets());
                }
                Some(len)
            }
            Self::Other(_) => Some(0),
        }
    }
}

fn link_layer(out: &mut [u8], kind: u8, mac: MacAddr6) -> Option<usize> {
    let bytes = out.first_chunk_mut::<LINK_LAYER_LEN>()?;
    bytes[..2].copy_from_slice(&[kind, 1]);
    bytes[2..].copy_from_slice(mac.as_bytes());
    Some(LINK_LAYER_LEN)
}
