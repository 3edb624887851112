//! What a device leaves for us to finish: checksums not yet filled in, and superframes not yet cut.
//!
//! A kernel that sends over a virtual cable (veth, TAP, virtio) assumes that the other end is memory, where nothing gets
//! damaged: it leaves the TCP or UDP checksum open and hands over up to 64 KB of a stream as one frame. A virtio-net
//! header in front of the frame says what was left open. A router whose other ports are real must finish both,
//! for a receiver behind them rejects a wrong checksum and no cable carries 64 KB.
//!
//! Read first: OASIS Virtual I/O Device 1.2, section 5.1.6 (`struct virtio_net_hdr`), and the kernel's
//! `include/linux/virtio_net.h`, which fills it in.

mod checksum;
mod open;
mod superframe;

pub use checksum::{fill_checksum, internet_checksum};
pub use open::finish_open_checksum;
pub use superframe::Superframe;

/// Segments of TCP over IPv4 (virtio 1.2, section 5.1.6, `VIRTIO_NET_HDR_GSO_TCPV4`).
const GSO_TCPV4: u8 = 1;
/// Segments of TCP over IPv6.
const GSO_TCPV6: u8 = 4;
/// Segments of UDP that each become a datagram of their own.
const GSO_UDP_L4: u8 = 5;
/// Added to the type: CWR is set in the TCP header, and belongs to the first segment only.
const GSO_ECN: u8 = 0x80;
/// The checksum is not filled in: the field holds the sum of the pseudo-header.
const NEEDS_CHECKSUM: u8 = 1;

/// The virtio-net header in its legacy form of 10 bytes, numbers in the byte order of the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct VnetHeader {
    /// Bit 0: the checksum has to be filled in.
    pub flags: u8,
    /// Whether the frame is a superframe, and of what.
    pub gso_type: u8,
    /// Bytes of headers, as a hint; not to be trusted.
    pub header_len: u16,
    /// Payload bytes of each segment of a superframe.
    pub segment_size: u16,
    /// Where the checksummed bytes start in the frame.
    pub checksum_start: u16,
    /// Where the checksum is, from `checksum_start`.
    pub checksum_offset: u16,
}

impl VnetHeader {
    /// Bytes on the wire.
    pub const LEN: usize = 10;

    /// Reads a header; any bytes are one.
    #[inline]
    pub fn parse(bytes: &[u8; Self::LEN]) -> Self {
        let number = |at: usize| u16::from_ne_bytes([bytes[at], bytes[at + 1]]);
        Self {
            flags: bytes[0],
            gso_type: bytes[1],
            header_len: number(2),
            segment_size: number(4),
            checksum_start: number(6),
            checksum_offset: number(8),
        }
    }

    /// Whether the checksum has to be filled in.
    #[inline]
    pub fn needs_checksum(&self) -> bool {
        self.flags & NEEDS_CHECKSUM != 0
    }

    /// Whether the frame has to be cut into segments.
    #[inline]
    pub fn is_superframe(&self) -> bool {
        self.gso_type & !GSO_ECN != 0
    }
}

/// Why a frame could not be finished; it is then dropped and counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OffloadError {
    /// The checksum would lie outside of the frame.
    #[error("the checksum lies outside of the frame")]
    OutsideFrame,
    /// A superframe of a protocol that we cannot cut.
    #[error("superframes of this kind are not supported")]
    Unsupported,
    /// The headers contradict themselves or the virtio-net header.
    #[error("the headers of the superframe are inconsistent")]
    Malformed,
}

#[cfg(test)]
mod tests;
