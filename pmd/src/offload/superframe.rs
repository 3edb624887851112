//! A superframe: one frame with the payload of many, cut one segment at a time.
//!
//! The frame stays where it is; [`Superframe`] only remembers how far it was cut. Each segment is written
//! straight into the buffer that travels on, so a superframe that outlasts a burst costs no memory.
//!
//! What changes from segment to segment is what the kernel's own `net/ipv4/tcp_offload.c` changes: IP length, IPv4
//! identification and checksum; TCP sequence number, FIN, PSH and CWR, UDP length; the checksum of either.

use super::{GSO_ECN, GSO_TCPV4, GSO_TCPV6, GSO_UDP_L4, OffloadError, VnetHeader, internet_checksum};

const ETHERNET: usize = 14;
const VLAN_TAG: usize = 4;
/// VLAN tags that may still be in the frame.
const MOST_TAGS: usize = 2;
const IPV6_HEADER: usize = 40;
const UDP_HEADER: usize = 8;
const PROTOCOL_TCP: u8 = 6;
const PROTOCOL_UDP: u8 = 17;
/// IPv6 extension headers that may precede the transport (RFC 8200, section 4.1 lists six, one of them twice).
const MOST_EXTENSIONS: usize = 7;

const FIN: u8 = 0x01;
const PSH: u8 = 0x08;
const CWR: u8 = 0x80;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Transport {
    Tcp,
    /// With the checksum switched off (RFC 768), or on.
    Udp {
        checksum: bool,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Network {
    V4,
    V6,
}

/// How a superframe is cut, and how far it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Superframe {
    network: Network,
    transport: Transport,
    /// Where the IP header starts.
    ip: usize,
    /// Where the TCP or UDP header starts.
    l4: usize,
    /// Where the payload starts: the bytes that every segment repeats.
    payload: usize,
    /// Where the payload ends; Ethernet padding may follow.
    end: usize,
    /// Payload bytes of a segment.
    segment: usize,
    /// CWR belongs to the first segment only.
    clear_cwr: bool,
    /// Where the payload of the next segment starts.
    next: usize,
    /// Segments cut so far.
    cut: u16,
}

impl Superframe {
    /// Checks the headers of `frame` against the virtio-net header that came with it.
    ///
    /// # Errors
    /// [`OffloadError::Unsupported`] for what is neither TCP nor UDP by segments, [`OffloadError::Malformed`] when the headers
    /// do not fit the frame.
    pub fn parse(header: &VnetHeader, frame: &[u8]) -> Result<Self, OffloadError> {
        let (wanted, protocol) = match header.gso_type & !GSO_ECN {
            GSO_TCPV4 => (Some(Network::V4), PROTOCOL_TCP),
            GSO_TCPV6 => (Some(Network::V6), PROTOCOL_TCP),
            GSO_UDP_L4 => (None, PROTOCOL_UDP),
            _ => return Err(OffloadError::Unsupported),
        };
        let (network, ip) = find_ip(frame)?;
        if wanted.is_some_and(|wanted| wanted != network) || header.segment_size == 0 {
            return Err(OffloadError::Malformed);
        }
        let (l4, end) = match network {
            Network::V4 => find_l4_v4(frame, ip, protocol)?,
            Network::V6 => find_l4_v6(frame, ip, protocol)?,
        };
        let (transport, payload) = match protocol {
            PROTOCOL_TCP => {
                let header = usize::from(byte(frame, l4 + 12)? >> 4) * 4;
                if header < 20 {
                    return Err(OffloadError::Malformed);
                }
                (Transport::Tcp, l4 + header)
            }
            _ => {
                let switched_off = [byte(frame, l4 + 6)?, byte(frame, l4 + 7)?] == [0, 0] && !header.needs_checksum();
                (Transport::Udp { checksum: !switched_off }, l4 + UDP_HEADER)
            }
        };
        if payload >= end {
            return Err(OffloadError::Malformed);
        }
        Ok(Self {
            network,
            transport,
            ip,
            l4,
            payload,
            end,
            segment: usize::from(header.segment_size),
            clear_cwr: header.gso_type & GSO_ECN != 0,
            next: payload,
            cut: 0,
        })
    }

    /// Bytes of the longest segment, headers included.
    pub fn longest_segment(&self) -> usize {
        self.payload + self.segment.min(self.end - self.payload)
    }

    /// Segments still to be cut.
    pub fn remaining(&self) -> usize {
        (self.end - self.next).div_ceil(self.segment)
    }

    /// Writes the next segment to the front of `room` and returns its length; `None` when all are cut, and, without
    /// cutting, when `room` is shorter than the segment.
    ///
    /// `frame` is the frame that was parsed.
    pub fn cut(&mut self, frame: &[u8], room: &mut [u8]) -> Option<usize> {
        let take = self.segment.min(self.end.checked_sub(self.next)?);
        if take == 0 {
            return None;
        }
        let len = self.payload + take;
        let segment = room.get_mut(..len)?;
        segment[..self.payload].copy_from_slice(frame.get(..self.payload)?);
        segment[self.payload..].copy_from_slice(frame.get(self.next..self.next + take)?);
        self.write_ip(segment);
        match self.transport {
            Transport::Tcp => self.write_tcp(segment, take),
            Transport::Udp { checksum } => self.write_udp(segment, checksum),
        }
        self.next += take;
        self.cut = self.cut.wrapping_add(1);
        Some(len)
    }

    fn write_ip(&self, segment: &mut [u8]) {
        let (ip, len) = (self.ip, segment.len());
        match self.network {
            Network::V4 => {
                write(segment, ip + 2, (len - ip) as u16);
                let id = u16::from_be_bytes([segment[ip + 4], segment[ip + 5]]).wrapping_add(self.cut);
                write(segment, ip + 4, id);
                write(segment, ip + 10, 0);
                let checksum = internet_checksum(&[&segment[ip..self.l4]]);
                segment[ip + 10..ip + 12].copy_from_slice(&checksum);
            }
            Network::V6 => write(segment, ip + 4, (len - ip - IPV6_HEADER) as u16),
        }
    }

    fn write_tcp(&self, segment: &mut [u8], take: usize) {
        let l4 = self.l4;
        let [a, b, c, d] = [segment[l4 + 4], segment[l4 + 5], segment[l4 + 6], segment[l4 + 7]];
        let sequence = u32::from_be_bytes([a, b, c, d]).wrapping_add((self.next - self.payload) as u32);
        segment[l4 + 4..l4 + 8].copy_from_slice(&sequence.to_be_bytes());
        if self.next + take < self.end {
            segment[l4 + 13] &= !(FIN | PSH);
        }
        // RFC 3168, section 6.1.2: "the TCP sender sets the CWR flag in the TCP header of the first new data packet sent
        // after the window reduction".
        if self.clear_cwr && self.cut > 0 {
            segment[l4 + 13] &= !CWR;
        }
        write(segment, l4 + 16, 0);
        let checksum = self.transport_checksum(segment, PROTOCOL_TCP);
        segment[l4 + 16..l4 + 18].copy_from_slice(&checksum);
    }

    fn write_udp(&self, segment: &mut [u8], checksum: bool) {
        let (l4, len) = (self.l4, segment.len());
        write(segment, l4 + 4, (len - l4) as u16);
        write(segment, l4 + 6, 0);
        if checksum {
            let checksum = self.transport_checksum(segment, PROTOCOL_UDP);
            // RFC 768: "If the computed checksum is zero, it is transmitted as all ones".
            segment[l4 + 6..l4 + 8].copy_from_slice(&if checksum == [0, 0] { [0xff, 0xff] } else { checksum });
        }
    }

    /// The checksum over pseudo-header (RFC 9293, section 3.1; RFC 8200, section 8.1), header and payload.
    fn transport_checksum(&self, segment: &[u8], protocol: u8) -> [u8; 2] {
        // The destination of a source route that is still to be followed would count (RFC 8200, section 8.1); the
        // parser refuses routing headers.
        let addresses = match self.network {
            Network::V4 => &segment[self.ip + 12..self.ip + 20],
            Network::V6 => &segment[self.ip + 8..self.ip + IPV6_HEADER],
        };
        let [high, low] = ((segment.len() - self.l4) as u16).to_be_bytes();
        internet_checksum(&[addresses, &[0, protocol, high, low], &segment[self.l4..]])
    }
}

fn byte(frame: &[u8], at: usize) -> Result<u8, OffloadError> {
    frame.get(at).copied().ok_or(OffloadError::Malformed)
}

fn number(frame: &[u8], at: usize) -> Result<u16, OffloadError> {
    Ok(u16::from_be_bytes([byte(frame, at)?, byte(frame, at + 1)?]))
}

fn write(segment: &mut [u8], at: usize, value: u16) {
    segment[at..at + 2].copy_from_slice(&value.to_be_bytes());
}

/// The IP version by EtherType, behind any VLAN tags, and where the header starts.
fn find_ip(frame: &[u8]) -> Result<(Network, usize), OffloadError> {
    let mut at = ETHERNET;
    for _ in 0..=MOST_TAGS {
        match number(frame, at - 2)? {
            0x0800 => return Ok((Network::V4, at)),
            0x86dd => return Ok((Network::V6, at)),
            0x8100 | 0x88a8 => at += VLAN_TAG,
            _ => return Err(OffloadError::Unsupported),
        }
    }
    Err(OffloadError::Unsupported)
}

/// The end of what starts at `start` and is `len` bytes long. A length of 0 (the kernel's BIG TCP, which a cable between two
/// kernels has to be configured for) is refused.
fn packet_end(frame: &[u8], start: usize, len: u16) -> Result<usize, OffloadError> {
    let end = start + usize::from(len);
    if len == 0 || end > frame.len() { Err(OffloadError::Malformed) } else { Ok(end) }
}

/// Where transport and padding start in an IPv4 packet that is no fragment.
fn find_l4_v4(frame: &[u8], ip: usize, protocol: u8) -> Result<(usize, usize), OffloadError> {
    let first = byte(frame, ip)?;
    // RFC 791, section 3.1: "Internet Header Length is the length of the internet header in 32 bit words".
    let header = usize::from(first & 0x0f) * 4;
    let fragment = number(frame, ip + 6)? & 0x3fff != 0;
    if first >> 4 != 4 || header < 20 || fragment || byte(frame, ip + 9)? != protocol {
        return Err(OffloadError::Malformed);
    }
    Ok((ip + header, packet_end(frame, ip, number(frame, ip + 2)?)?))
}

/// Where transport and padding start in an IPv6 packet: behind hop-by-hop and destination options. Kernels do not
/// make superframes of routed or fragmented packets.
fn find_l4_v6(frame: &[u8], ip: usize, protocol: u8) -> Result<(usize, usize), OffloadError> {
    if byte(frame, ip)? >> 4 != 6 {
        return Err(OffloadError::Malformed);
    }
    let end = packet_end(frame, ip + IPV6_HEADER, number(frame, ip + 4)?)?;
    let (mut next, mut at) = (byte(frame, ip + 6)?, ip + IPV6_HEADER);
    for _ in 0..=MOST_EXTENSIONS {
        match next {
            next if next == protocol => return Ok((at, end)),
            // RFC 8200, sections 4.3 and 4.6: "8-octet units, not including the first 8 octets".
            0 | 60 => (next, at) = (byte(frame, at)?, at + 8 + usize::from(byte(frame, at + 1)?) * 8),
            _ => return Err(OffloadError::Unsupported),
        }
    }
    Err(OffloadError::Malformed)
}
