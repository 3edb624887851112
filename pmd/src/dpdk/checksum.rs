//! Asking a device to fill in the checksums of the frames that it sends.
//!
//! A device is told where the headers are and what to fill in. DPDK wants the IPv4 field to be zero before and that of TCP and UDP to hold
//! the sum of the pseudo-header; a driver that needs something else does it in `rte_eth_tx_prepare`.

use super::sys::{self, MbufLine};
use crate::TxOffloads;
use crate::offload::internet_checksum;

const ETHERNET: usize = 14;
const TAG: usize = 4;
const IPV6: usize = 40;
const TCP: u8 = 6;
const UDP: u8 = 17;
const SCTP: u8 = 132;

/// What a device is told of one frame.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Request {
    flags: u64,
    l2: usize,
    l3: usize,
}

/// Asks for the checksums of `which`, as far as each frame has them.
///
/// # Safety
/// The queue is this thread's, and the mbufs are filled, of one segment and nobody else's.
#[cold]
pub(super) unsafe fn ask(port: u16, queue: u16, mbufs: &mut [*mut sys::rte_mbuf], which: TxOffloads) {
    for &mbuf in mbufs.iter() {
        // SAFETY: the caller's promise: `data_len` bytes at `buf_addr + data_off` are the frame, and the second line of an mbuf
        // of ours is there to be written.
        unsafe {
            let line = &mut *mbuf.cast::<MbufLine>();
            let data = line.buf_addr.cast::<u8>().add(usize::from(line.data_off));
            let request = prepare(std::slice::from_raw_parts_mut(data, usize::from(line.data_len)), which);
            line.ol_flags = request.flags;
            let lengths = mbuf.cast::<u8>().add(sys::RINGWAY_MBUF_TX_OFFLOAD as usize).cast::<u64>();
            lengths.write(
                (request.l2 as u64) << sys::RINGWAY_TX_L2_LEN_SHIFT
                    | (request.l3 as u64) << sys::RINGWAY_TX_L3_LEN_SHIFT,
            );
        }
    }
    // One that the driver refuses is sent as it is; at most every frame of the burst is one.
    let mut ready = 0;
    for _ in 0..=mbufs.len() {
        let rest = &mut mbufs[ready..];
        // SAFETY: as the caller promises.
        ready += usize::from(unsafe { sys::ringway_tx_prepare(port, queue, rest.as_mut_ptr(), rest.len() as u16) });
        let Some(refused) = mbufs.get(ready) else { return };
        // SAFETY: as above.
        unsafe { (*refused.cast::<MbufLine>()).ol_flags = 0 };
    }
}

/// Finds the headers of a frame, and leaves in its checksum fields what the device wants there.
fn prepare(frame: &mut [u8], which: TxOffloads) -> Request {
    found(frame, which).unwrap_or_default()
}

fn found(frame: &mut [u8], which: TxOffloads) -> Option<Request> {
    let mut l2 = ETHERNET;
    // IEEE 802.1Q, table 9-1: the types of a customer's and of a service's tag; two tags at most.
    while l2 < ETHERNET + 2 * TAG && matches!(frame.get(l2 - 2..l2)?, [0x81, 0x00] | [0x88, 0xa8]) {
        l2 += TAG;
    }
    match frame.get(l2 - 2..l2)? {
        [0x08, 0x00] => v4(frame, l2, which),
        [0x86, 0xdd] => v6(frame, l2, which),
        _ => None,
    }
}

fn v4(frame: &mut [u8], l2: usize, which: TxOffloads) -> Option<Request> {
    let (l3, total, fragment, protocol) = {
        let header = frame.get(l2..)?.first_chunk::<20>()?;
        let number = |at: usize| u16::from_be_bytes([header[at], header[at + 1]]);
        (usize::from(header[0] & 0xf) * 4, usize::from(number(2)), number(6) & 0x3fff != 0, header[9])
    };
    if frame[l2] >> 4 != 4 || l3 < 20 || total < l3 || l2 + total > frame.len() {
        return None;
    }
    let mut flags = 0;
    if which.contains(TxOffloads::IPV4_CKSUM) {
        flags = sys::RINGWAY_TX_IP_CKSUM;
        frame[l2 + 10..l2 + 12].fill(0);
    }
    // The checksum of a fragmented datagram covers more than is here.
    if !fragment {
        flags |= transport(&mut frame[l2..l2 + total], 12..20, l3, protocol, which);
    }
    if flags == 0 {
        return None;
    }
    Some(Request { flags: flags | sys::RINGWAY_TX_IPV4, l2, l3 })
}

fn v6(frame: &mut [u8], l2: usize, which: TxOffloads) -> Option<Request> {
    let (payload, protocol) = {
        let header = frame.get(l2..)?.first_chunk::<IPV6>()?;
        (usize::from(u16::from_be_bytes([header[4], header[5]])), header[6])
    };
    let packet = frame.get_mut(l2..l2 + IPV6 + payload)?;
    let flags = transport(packet, 8..IPV6, IPV6, protocol, which);
    (flags != 0).then_some(Request { flags: flags | sys::RINGWAY_TX_IPV6, l2, l3: IPV6 })
}

/// The flag for the transport header at `l3`, whose field then holds the sum of the pseudo-header; 0 when nothing is asked for.
fn transport(packet: &mut [u8], addresses: std::ops::Range<usize>, l3: usize, protocol: u8, which: TxOffloads) -> u64 {
    let (asked, flag, field, least) = match protocol {
        TCP => (TxOffloads::TCP_CKSUM, sys::RINGWAY_TX_TCP_CKSUM, 16, 20),
        UDP => (TxOffloads::UDP_CKSUM, sys::RINGWAY_TX_UDP_CKSUM, 6, 8),
        SCTP => (TxOffloads::SCTP_CKSUM, sys::RINGWAY_TX_SCTP_CKSUM, 8, 12),
        _ => return 0,
    };
    if !which.contains(asked) || packet.len() < l3 + least {
        return 0;
    }
    let len = packet.len() - l3;
    let at = l3 + field;
    if protocol == SCTP {
        // RFC 9260 6.8: a CRC, without a pseudo-header; devices take it over whole words only.
        if !len.is_multiple_of(4) {
            return 0;
        }
        packet[at..at + 4].fill(0);
        return flag;
    }
    // RFC 768: "An all zero transmitted checksum value means that the transmitter generated no checksum". Over IPv6 there is
    // always one (RFC 8200 8.1).
    if protocol == UDP && l3 != IPV6 && packet[at..at + 2] == [0, 0] {
        return 0;
    }
    let mut tail = [0, protocol, 0, 0];
    tail[2..].copy_from_slice(&(len as u16).to_be_bytes());
    let sum = internet_checksum(&[&packet[addresses], &tail]).map(|byte| !byte);
    packet[at..at + 2].copy_from_slice(&sum);
    flag
}

#[cfg(test)]
mod tests {
    use super::*;
    use etherparse::PacketBuilder;

    const ALL: TxOffloads = TxOffloads::IPV4_CKSUM.union(TxOffloads::UDP_CKSUM).union(TxOffloads::TCP_CKSUM);

    fn udp(vlans: bool) -> Vec<u8> {
        let builder = PacketBuilder::ethernet2([2; 6], [4; 6]);
        let builder = if vlans {
            builder.double_vlan(7.try_into().unwrap(), 9.try_into().unwrap()).ipv4([192, 0, 2, 1], [192, 0, 2, 2], 9)
        } else {
            builder.ipv4([192, 0, 2, 1], [192, 0, 2, 2], 9)
        };
        let builder = builder.udp(7, 9);
        let mut frame = Vec::new();
        builder.write(&mut frame, b"odd").unwrap();
        frame.resize(60, 0);
        frame
    }

    #[test]
    fn what_the_device_adds_up_to_is_the_checksum() {
        for l2 in [14, 22] {
            let right = udp(l2 == 22);
            let mut frame = right.clone();
            frame[l2 + 10..l2 + 12].fill(0x55);
            frame[l2 + 26..l2 + 28].fill(0x55);
            let request = prepare(&mut frame, ALL);
            assert_eq!((request.l2, request.l3), (l2, 20));
            let flags = sys::RINGWAY_TX_IPV4 | sys::RINGWAY_TX_IP_CKSUM | sys::RINGWAY_TX_UDP_CKSUM;
            assert_eq!(request.flags, flags);
            // What a device does: it sums the header, and the datagram with what the field holds.
            let header = internet_checksum(&[&frame[l2..l2 + 20]]);
            let datagram = internet_checksum(&[&frame[l2 + 20..l2 + 31]]);
            frame[l2 + 10..l2 + 12].copy_from_slice(&header);
            frame[l2 + 26..l2 + 28].copy_from_slice(&datagram);
            assert_eq!(frame, right);
        }
    }

    #[test]
    fn only_what_is_asked_for_is_touched() {
        let right = udp(false);
        let mut frame = right.clone();
        assert_eq!(prepare(&mut frame, TxOffloads::TCP_CKSUM), Request::default());
        assert_eq!(frame, right);
        frame[14 + 26..14 + 28].fill(0);
        let request = prepare(&mut frame, TxOffloads::UDP_CKSUM);
        assert_eq!(request, Request::default(), "UDP without a checksum stays without");
        // A fragment's checksum is that of the whole datagram.
        frame[14 + 6] = 0x20;
        frame[14 + 26] = 1;
        assert_eq!(prepare(&mut frame, ALL).flags, sys::RINGWAY_TX_IPV4 | sys::RINGWAY_TX_IP_CKSUM);
    }

    #[test]
    fn any_bytes_are_left_in_peace() {
        let whole = udp(true);
        for len in 0..whole.len() {
            let _ = prepare(&mut whole[..len].to_vec(), TxOffloads::all());
        }
        let mut arp = vec![0; 60];
        arp[12..14].copy_from_slice(&[8, 6]);
        assert_eq!(prepare(&mut arp, ALL), Request::default());
    }
}
