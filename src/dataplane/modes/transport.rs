//! Where the headers of a frame are that `5tswap` and `csum` work on: IPv4 or IPv6 behind up to two VLAN tags, and UDP or TCP
//! directly behind that.
//!
//! Nothing here is trusted: what does not hold together is left out, and the modes leave such bytes as they are.

use crate::wire::checksum::Sum;
use crate::wire::{ethernet, vlan};

/// UDP's number (IANA protocol numbers).
pub const UDP: u8 = 17;
/// TCP's.
pub const TCP: u8 = 6;
/// EtherType of IPv6.
const ETHERTYPE_IPV6: u16 = 0x86dd;
/// Bytes of an IPv6 header (RFC 8200 3).
const IPV6_HEADER: usize = 40;

/// The version of the IP header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// IPv4, its header this long.
    V4(usize),
    /// IPv6.
    V6,
}

/// Where what begins, in bytes from the start of the frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Headers {
    /// The IP header.
    pub ip: usize,
    /// Its version.
    pub family: Family,
    /// The transport header, where it is UDP or TCP and not in the middle of a fragmented packet.
    pub transport: Option<Transport>,
}

/// A transport header and what it covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Transport {
    /// [`UDP`] or [`TCP`].
    pub protocol: u8,
    /// Where it begins.
    pub start: usize,
    /// Where the datagram or segment ends, link padding left out.
    pub end: usize,
    /// Whether all of it is here: no fragment.
    pub whole: bool,
}

impl Headers {
    /// Finds them; `None` when the frame carries no sound IP packet.
    pub fn find(frame: &[u8]) -> Option<Self> {
        let tags = vlan::Tags::check(frame).ok()?;
        let ip = tags.payload_offset();
        match tags.ether_type() {
            ethernet::ETHERTYPE_IPV4 => v4(frame, ip),
            ETHERTYPE_IPV6 => v6(frame, ip),
            _ => None,
        }
    }

    /// Source and destination, each this long, behind each other at this place.
    pub fn addresses(&self) -> (usize, usize) {
        match self.family {
            Family::V4(_) => (self.ip + 12, 4),
            Family::V6 => (self.ip + 8, 16),
        }
    }

    /// The pseudo header's sum (RFC 768, RFC 9293 3.1, RFC 8200 8.1): both addresses, the protocol, the length.
    pub fn pseudo_sum(&self, frame: &[u8], transport: &Transport) -> Sum {
        let (start, bytes) = self.addresses();
        let addresses = frame.get(start..start + 2 * bytes).unwrap_or(&[]);
        let len = (transport.end - transport.start) as u16;
        Sum::ZERO.bytes(addresses).word(u16::from(transport.protocol)).word(len)
    }
}

fn v4(frame: &[u8], ip: usize) -> Option<Headers> {
    let bytes = frame.get(ip..)?;
    // The checksum may be wrong: that is what `csum` is for. The lengths have to hold.
    let header_len = usize::from(bytes.first()? & 0xf) * 4;
    let total = usize::from(u16::from_be_bytes(*bytes.get(2..4)?.first_chunk()?));
    if bytes.first()? >> 4 != 4 || header_len < 20 || total < header_len || total > bytes.len() {
        return None;
    }
    let fragment = u16::from_be_bytes(*bytes.get(6..8)?.first_chunk()?);
    let (first, more) = (fragment & 0x1fff == 0, fragment & 0x2000 != 0);
    let protocol = *bytes.get(9)?;
    let transport = if first { transport(protocol, ip + header_len, ip + total, !more) } else { None };
    Some(Headers { ip, family: Family::V4(header_len), transport })
}

fn v6(frame: &[u8], ip: usize) -> Option<Headers> {
    let bytes = frame.get(ip..)?;
    let payload = usize::from(u16::from_be_bytes(*bytes.get(4..6)?.first_chunk()?));
    let end = IPV6_HEADER + payload;
    if bytes.first()? >> 4 != 6 || end > bytes.len() {
        return None;
    }
    let transport = transport(*bytes.get(6)?, ip + IPV6_HEADER, ip + end, true);
    Some(Headers { ip, family: Family::V6, transport })
}

fn transport(protocol: u8, start: usize, end: usize, whole: bool) -> Option<Transport> {
    let header = match protocol {
        UDP => 8,
        TCP => 20,
        _ => return None,
    };
    (end - start >= header).then_some(Transport { protocol, start, end, whole })
}
