//! Checksums that a sender left open, found without being told.
//!
//! A kernel that hands a TCP or UDP packet to a card that computes checksums writes only the sum of the pseudo-header into the
//! checksum field (`CHECKSUM_PARTIAL` in the kernel's `include/linux/skbuff.h`). A virtual cable is such a card, and passes the
//! packet on as it is; an AF_XDP socket is not told. But such a field can be recognized: it holds exactly the sum of the
//! pseudo-header. A finished checksum holds that value for one packet in 65,536, and finishing it once more gives the same
//! checksum, so no good packet is changed. A packet damaged on its way would be repaired by mistake with the same
//! probability, on a cable that does no damage.

use super::fill_checksum;

const ETHERNET: usize = 14;
const VLAN_TAG: usize = 4;
const MOST_TAGS: usize = 2;
const IPV6_HEADER: usize = 40;
const TCP: u8 = 6;
const UDP: u8 = 17;

/// Fills in the checksum of a TCP or UDP packet if its sender left it open; returns whether it did. Anything else, and what is
/// too short to tell, is left alone.
#[inline]
pub fn finish_open_checksum(frame: &mut [u8]) -> bool {
    let Some(found) = open_checksum(frame) else { return false };
    frame.get_mut(..found.end).is_some_and(|packet| fill_checksum(packet, found.start, found.offset).is_ok())
}

struct Open {
    /// Where the transport header starts.
    start: usize,
    /// Where the checksum is in it.
    offset: usize,
    /// Where the packet ends; padding may follow.
    end: usize,
}

#[inline]
fn open_checksum(frame: &[u8]) -> Option<Open> {
    let mut ip = ETHERNET;
    let mut ether_type = number(frame, ip - 2)?;
    for _ in 0..MOST_TAGS {
        if !matches!(ether_type, 0x8100 | 0x88a8) {
            break;
        }
        ip += VLAN_TAG;
        ether_type = number(frame, ip - 2)?;
    }
    let (start, end, protocol, addresses) = match ether_type {
        0x0800 => {
            let header: &[u8; 20] = frame.get(ip..)?.first_chunk()?;
            // A sender finishes the checksum before it cuts a packet into fragments.
            let fragment = u16::from_be_bytes([header[6], header[7]]) & 0x3fff != 0;
            let len = usize::from(u16::from_be_bytes([header[2], header[3]]));
            if fragment {
                return None;
            }
            (ip + usize::from(header[0] & 0x0f) * 4, ip + len, header[9], ip + 12..ip + 20)
        }
        0x86dd => {
            let header: &[u8; IPV6_HEADER] = frame.get(ip..)?.first_chunk()?;
            let len = usize::from(u16::from_be_bytes([header[4], header[5]]));
            (ip + IPV6_HEADER, ip + IPV6_HEADER + len, header[6], ip + 8..ip + IPV6_HEADER)
        }
        _ => return None,
    };
    let offset = match protocol {
        TCP => 16,
        UDP => 6,
        _ => return None,
    };
    let len = end.checked_sub(start)?;
    if end > frame.len() || len < offset + 2 {
        return None;
    }
    // RFC 9293, section 3.1, and RFC 768: the pseudo-header is the addresses, the protocol and the length of what follows it.
    let mut sum = u32::from(protocol) + len as u32;
    for pair in frame.get(addresses)?.as_chunks::<2>().0 {
        sum += u32::from(u16::from_be_bytes(*pair));
    }
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    (u32::from(number(frame, start + offset)?) == sum).then_some(Open { start, offset, end })
}

#[inline]
fn number(frame: &[u8], at: usize) -> Option<u16> {
    frame.get(at..)?.first_chunk().map(|bytes| u16::from_be_bytes(*bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use etherparse::PacketBuilder;
    use proptest::prelude::*;

    /// A finished frame, and where its checksum is.
    fn finished(v6: bool, udp: bool, tagged: bool, payload: &[u8]) -> (Vec<u8>, usize) {
        let builder = PacketBuilder::ethernet2([2; 6], [4; 6]);
        let mut frame = Vec::new();
        let (ip, l4) = match (v6, tagged) {
            (false, false) => (builder.ipv4([192, 0, 2, 1], [198, 51, 100, 2], 64), 34),
            (false, true) => {
                (builder.single_vlan(5.try_into().unwrap()).ipv4([192, 0, 2, 1], [198, 51, 100, 2], 64), 38)
            }
            (true, _) => (builder.ipv6([0x20; 16], [0x30; 16], 64), 54),
        };
        let at = if udp {
            ip.udp(1000, 2000).write(&mut frame, payload).unwrap();
            l4 + 6
        } else {
            ip.tcp(1000, 2000, 7, 8).write(&mut frame, payload).unwrap();
            l4 + 16
        };
        (frame, at)
    }

    /// What a kernel leaves in the field: the sum of the pseudo-header, computed by other means than above.
    fn leave_open(frame: &mut [u8], v6: bool, udp: bool, at: usize) {
        let start = at - if udp { 6 } else { 16 };
        let addresses = if v6 { 22..54 } else { start - 8..start };
        let len = (frame.len() - start) as u64;
        let sum: u64 = frame[addresses]
            .iter()
            .enumerate()
            .map(|(n, byte)| u64::from(*byte) << if n % 2 == 0 { 8 } else { 0 })
            .sum();
        let sum = (sum + len + if udp { 17 } else { 6 }) % 0xffff;
        frame[at..at + 2].copy_from_slice(&(sum as u16).to_be_bytes());
    }

    proptest! {
        #[test]
        fn an_open_checksum_is_finished_and_a_finished_one_is_kept(
            v6 in any::<bool>(), udp in any::<bool>(), tagged in any::<bool>(), padding in 0..30_usize,
            payload in prop::collection::vec(any::<u8>(), 1..200),
        ) {
            let (mut frame, at) = finished(v6, udp, tagged && !v6, &payload);
            let (mut padded, expected) = (frame.clone(), frame.clone());
            padded.extend(std::iter::repeat_n(0xa5, padding));
            finish_open_checksum(&mut padded);
            prop_assert_eq!(&padded[..frame.len()], &expected[..]);
            leave_open(&mut frame, v6, udp, at);
            frame.extend(std::iter::repeat_n(0xa5, padding));
            prop_assert!(finish_open_checksum(&mut frame));
            prop_assert_eq!(&frame[..expected.len()], &expected[..]);
        }

        #[test]
        fn any_bytes_are_no_danger(mut bytes in prop::collection::vec(any::<u8>(), 0..120), kind in 0..3_usize) {
            if let Some(place) = bytes.get_mut(12..14) {
                place.copy_from_slice(&[[8, 0], [0x86, 0xdd], [0x81, 0]][kind]);
            }
            finish_open_checksum(&mut bytes);
        }
    }

    #[test]
    fn a_fragment_is_left_alone() {
        let (mut frame, at) = finished(false, true, false, b"payload");
        leave_open(&mut frame, false, true, at);
        frame[20] = 0x20;
        assert!(!finish_open_checksum(&mut frame));
    }
}
