//! ARP for IPv4 over Ethernet: RFC 826.

use super::be16;
use super::ethernet::{ETHERTYPE_ARP, SHORTEST};
use macaddr::MacAddr6;
use std::net::Ipv4Addr;

/// Bytes of an ARP packet for these address sizes.
pub const LEN: usize = 28;

/// Why a packet is not ARP for IPv4 over Ethernet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ArpError {
    /// Shorter than 28 bytes.
    #[error("shorter than 28 bytes")]
    TooShort,
    /// Another hardware or protocol, or other address sizes.
    #[error("not for IPv4 over Ethernet")]
    OtherKind,
}

/// Who asks whom for what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arp {
    /// 1 request, 2 reply; others exist.
    pub operation: u16,
    /// Address of the sender's station.
    pub sender_mac: MacAddr6,
    /// The sender's protocol address.
    pub sender: Ipv4Addr,
    /// Address of the target's station; meaningless in a request.
    pub target_mac: MacAddr6,
    /// The target's protocol address.
    pub target: Ipv4Addr,
}

/// Operation of a request.
pub const REQUEST: u16 = 1;
/// Operation of a reply.
pub const REPLY: u16 = 2;

impl Arp {
    /// Reads a packet, which may be followed by padding.
    ///
    /// # Errors
    /// [`ArpError`].
    pub fn check(bytes: &[u8]) -> Result<Self, ArpError> {
        let packet = bytes.first_chunk::<LEN>().ok_or(ArpError::TooShort)?;
        // RFC 826, "Packet Reception": "?Do I have the hardware type in ar$hrd?" and so on: Ethernet is 1, IPv4 0x0800, and
        // the lengths 6 and 4 are checked as it suggests.
        if be16(packet, 0) != 1 || be16(packet, 2) != 0x0800 || packet[4] != 6 || packet[5] != 4 {
            return Err(ArpError::OtherKind);
        }
        let mac = |at: usize| MacAddr6::from(std::array::from_fn::<u8, 6, _>(|byte| packet[at + byte]));
        let address = |at: usize| Ipv4Addr::from(std::array::from_fn::<u8, 4, _>(|byte| packet[at + byte]));
        Ok(Self {
            operation: be16(packet, 6),
            sender_mac: mac(8),
            sender: address(14),
            target_mac: mac(18),
            target: address(24),
        })
    }

    /// The packet's bytes.
    pub fn emit(&self) -> [u8; LEN] {
        let mut bytes = [0; LEN];
        bytes[..6].copy_from_slice(&[0, 1, 8, 0, 6, 4]);
        bytes[6..8].copy_from_slice(&self.operation.to_be_bytes());
        bytes[8..14].copy_from_slice(self.sender_mac.as_bytes());
        bytes[14..18].copy_from_slice(&self.sender.octets());
        bytes[18..24].copy_from_slice(self.target_mac.as_bytes());
        bytes[24..28].copy_from_slice(&self.target.octets());
        bytes
    }

    /// The reply to this request from the station that has the target address.
    ///
    /// RFC 826: "Swap hardware and protocol fields, putting the local hardware and protocol addresses in the sender
    /// fields. Set the ar$op field to ares_op$REPLY".
    pub fn reply_from(&self, mac: MacAddr6) -> Self {
        Self {
            operation: REPLY,
            sender_mac: mac,
            sender: self.target,
            target_mac: self.sender_mac,
            target: self.sender,
        }
    }

    /// A whole frame: an Ethernet header (as long as `header`, whose destination and type are set here), the packet, and
    /// padding to the shortest frame. Returns its bytes and how many count.
    pub fn frame(&self, header: &[u8], to: MacAddr6) -> ([u8; SHORTEST], usize) {
        let mut frame = [0; SHORTEST];
        // Two tags leave 10 bytes of padding, none 18.
        let len = header.len().min(SHORTEST - LEN);
        frame[..len].copy_from_slice(&header[..len]);
        frame[..6].copy_from_slice(to.as_bytes());
        frame[len - 2..len].copy_from_slice(&ETHERTYPE_ARP.to_be_bytes());
        frame[len..len + LEN].copy_from_slice(&self.emit());
        (frame, SHORTEST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use smoltcp::wire::{ArpPacket, ArpRepr};

    const REQUEST_PACKET: Arp = Arp {
        operation: REQUEST,
        sender_mac: MacAddr6::new(2, 0, 0, 0, 0, 1),
        sender: Ipv4Addr::new(192, 0, 2, 1),
        target_mac: MacAddr6::nil(),
        target: Ipv4Addr::new(192, 0, 2, 9),
    };

    #[test]
    fn a_reply_goes_back_to_who_asked() {
        let reply = REQUEST_PACKET.reply_from(MacAddr6::new(2, 0, 0, 0, 0, 9));
        assert_eq!(
            (reply.sender, reply.target, reply.target_mac),
            (REQUEST_PACKET.target, REQUEST_PACKET.sender, REQUEST_PACKET.sender_mac)
        );
        assert_eq!(Arp::check(&reply.emit()), Ok(reply));
    }

    #[test]
    fn a_tagged_frame_keeps_its_tags_and_is_padded() {
        let header = [0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 1, 0x81, 0, 0, 100, 8, 0];
        let (frame, len) = REQUEST_PACKET.frame(&header, MacAddr6::broadcast());
        assert_eq!(len, 60);
        assert_eq!(frame[..6], [0xff; 6]);
        assert_eq!(frame[12..18], [0x81, 0, 0, 100, 8, 6]);
        assert_eq!(Arp::check(&frame[18..]), Ok(REQUEST_PACKET));
    }

    #[test]
    fn other_hardware_is_refused() {
        let mut bytes = REQUEST_PACKET.emit();
        bytes[1] = 6;
        assert_eq!(Arp::check(&bytes), Err(ArpError::OtherKind));
        assert_eq!(Arp::check(&bytes[..27]), Err(ArpError::TooShort));
    }

    proptest! {
        #[test]
        fn agrees_with_smoltcp(bytes in prop::collection::vec(any::<u8>(), 0..40), good in any::<bool>()) {
            let mut bytes = bytes;
            if good && bytes.len() >= 8 {
                bytes[..8].copy_from_slice(&[0, 1, 8, 0, 6, 4, 0, 2]);
            }
            let theirs = ArpPacket::new_checked(&bytes[..]).ok().and_then(|packet| ArpRepr::parse(&packet).ok());
            if let Some(ArpRepr::EthernetIpv4 { source_hardware_addr, source_protocol_addr, target_protocol_addr, .. }) = theirs {
                let ours = Arp::check(&bytes).unwrap();
                prop_assert_eq!(ours.sender_mac.as_bytes(), source_hardware_addr.as_bytes());
                prop_assert_eq!((ours.sender, ours.target), (source_protocol_addr, target_protocol_addr));
            }
        }
    }
}
