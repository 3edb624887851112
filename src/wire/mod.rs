//! Views of packet headers: check once, then accessors that cannot fail.
//!
//! A view borrows bytes whose length `check` has tested and keeps the fixed part as an array reference, so every access
//! is a constant index that the compiler proves. Nothing here allocates or panics on any input, and nothing here knows
//! of buffers, ports or tables. Numbers are big-endian on the wire and host order in Rust.
//!
//! Zerocopy's derives would save the accessors, but what they expand to is not allowed under this crate's `forbid`.

pub mod arp;
pub mod checksum;
pub mod ethernet;
pub mod extension;
pub mod icmpv4;
pub mod icmpv6;
pub mod ipv4;
pub mod ipv6;
pub mod mld;
pub mod nd;
pub mod options;
pub mod tcp;
pub mod udp;
pub mod vlan;

/// The 16-bit number at a constant position.
#[inline]
fn be16<const N: usize>(bytes: &[u8; N], at: usize) -> u16 {
    u16::from_be_bytes([bytes[at], bytes[at + 1]])
}

/// The 32-bit number at a constant position.
#[inline]
fn be32<const N: usize>(bytes: &[u8; N], at: usize) -> u32 {
    u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}
