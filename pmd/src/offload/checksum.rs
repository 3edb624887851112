//! The Internet checksum (RFC 1071), over whole packets.

use super::OffloadError;

/// The sum of `bytes` as 32-bit words in the machine's byte order, an odd end filled up with zeros.
///
/// RFC 1071, section 2 (B): "The sum of 16-bit integers can be computed in either byte order"; (C): "On machines that have
/// word-sizes that are multiples of 16 bits, it is possible to develop even more efficient implementations".
/// 64 bits hold the carries of 2^32 words, and the loop has no dependency but the addition.
#[inline]
fn sum(bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks::<4>();
    let mut last = [0; 4];
    last[..rest.len()].copy_from_slice(rest);
    words.iter().map(|word| u64::from(u32::from_ne_bytes(*word))).sum::<u64>() + u64::from(u32::from_ne_bytes(last))
}

/// Adds the carries until 16 bits are left, still in the machine's byte order.
#[inline]
fn fold(mut sum: u64) -> u16 {
    sum = (sum & 0xffff_ffff) + (sum >> 32);
    sum = (sum & 0xffff_ffff) + (sum >> 32);
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    sum as u16
}

/// The Internet checksum of the concatenation of `parts`, as the two bytes to write. Every part but the last has an
/// even length.
#[inline]
pub fn internet_checksum(parts: &[&[u8]]) -> [u8; 2] {
    debug_assert!(parts.iter().rev().skip(1).all(|part| part.len() % 2 == 0));
    (!fold(parts.iter().map(|part| sum(part)).sum())).to_ne_bytes()
}

/// Fills in a checksum that the sender left open: sums the frame from `start` to its end, the field included, for it
/// holds the sum of the pseudo-header, and writes the complement to `start + offset`.
///
/// A sum of zero is written as 0xffff, which is the same number; RFC 768: "An all zero transmitted checksum value means
/// that the transmitter generated no checksum".
///
/// # Errors
/// [`OffloadError::OutsideFrame`]; the frame is unchanged then.
#[inline]
pub fn fill_checksum(frame: &mut [u8], start: usize, offset: usize) -> Result<(), OffloadError> {
    let covered = frame.get_mut(start..).ok_or(OffloadError::OutsideFrame)?;
    let checksum = internet_checksum(&[covered]);
    let field = covered.get_mut(offset..).and_then(|rest| rest.get_mut(..2)).ok_or(OffloadError::OutsideFrame)?;
    field.copy_from_slice(&if checksum == [0, 0] { [0xff, 0xff] } else { checksum });
    Ok(())
}
