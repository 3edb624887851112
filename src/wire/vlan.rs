//! VLAN tags between the Ethernet addresses and the type: 802.1Q, and 802.1ad outside of it.

use super::ethernet::{ETHERTYPE_QINQ, ETHERTYPE_VLAN, HEADER_LEN};

/// Why the tags could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TagError {
    /// The frame ends within a tag.
    #[error("the frame ends within a VLAN tag")]
    TooShort,
    /// A third tag follows.
    #[error("the frame has more than two VLAN tags")]
    TooDeep,
}

/// The tags of a frame, outermost first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tags {
    ids: [u16; 2],
    count: u8,
    ether_type: u16,
}

impl Tags {
    /// Reads the tags of a frame; a frame without tags has none.
    ///
    /// # Errors
    /// [`TagError`].
    pub fn check(frame: &[u8]) -> Result<Self, TagError> {
        let word = |at: usize| frame.get(at..at + 2).and_then(|bytes| bytes.first_chunk().copied());
        let mut tags = Self { ids: [0; 2], count: 0, ether_type: 0 };
        loop {
            let at = 12 + 4 * usize::from(tags.count);
            let ether_type = u16::from_be_bytes(word(at).ok_or(TagError::TooShort)?);
            if ether_type != ETHERTYPE_VLAN && ether_type != ETHERTYPE_QINQ {
                tags.ether_type = ether_type;
                return Ok(tags);
            }
            let control = u16::from_be_bytes(word(at + 2).ok_or(TagError::TooShort)?);
            let slot = tags.ids.get_mut(usize::from(tags.count)).ok_or(TagError::TooDeep)?;
            // IEEE 802.1Q 9.6: priority 3 bits, drop eligible 1, VLAN identifier 12.
            *slot = control & 0xfff;
            tags.count += 1;
        }
    }

    /// VLAN identifiers, outermost first.
    pub fn ids(&self) -> &[u16] {
        &self.ids[..usize::from(self.count)]
    }

    /// The type behind the tags.
    pub fn ether_type(&self) -> u16 {
        self.ether_type
    }

    /// Bytes before the payload: 14, 18 or 22.
    pub fn payload_offset(&self) -> usize {
        HEADER_LEN + 4 * usize::from(self.count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn frame(tail: &[u8]) -> Vec<u8> {
        [&[0; 12], tail].concat()
    }

    #[test]
    fn two_tags_are_read_outermost_first() {
        let tags = Tags::check(&frame(&[0x88, 0xa8, 0xe0, 200, 0x81, 0, 0x10, 100, 8, 0])).unwrap();
        assert_eq!((tags.ids(), tags.ether_type(), tags.payload_offset()), (&[200, 100][..], 0x0800, 22));
    }

    #[test]
    fn an_untagged_frame_has_no_tags() {
        let tags = Tags::check(&frame(&[8, 6])).unwrap();
        assert_eq!((tags.ids(), tags.ether_type(), tags.payload_offset()), (&[][..], 0x0806, 14));
    }

    #[test]
    fn a_third_tag_and_a_cut_tag_are_refused() {
        let deep = frame(&[0x81, 0, 0, 1, 0x81, 0, 0, 2, 0x81, 0, 0, 3, 8, 0]);
        assert_eq!(Tags::check(&deep), Err(TagError::TooDeep));
        assert_eq!(Tags::check(&frame(&[0x81, 0, 0])), Err(TagError::TooShort));
    }

    proptest! {
        #[test]
        fn agrees_with_etherparse(bytes in prop::collection::vec(any::<u8>(), 0..64), tagged in 0..3usize) {
            let mut bytes = bytes;
            for depth in 0..tagged {
                let at = 12 + 4 * depth;
                if bytes.len() > at + 1 { (bytes[at], bytes[at + 1]) = (0x81, 0); }
            }
            if let (Ok(ours), Ok(theirs)) = (Tags::check(&bytes), etherparse::SlicedPacket::from_ethernet(&bytes)) {
                let ids: Vec<u16> = theirs.vlan_ids().iter().map(|id| id.value()).collect();
                prop_assert_eq!(ours.ids(), &ids[..]);
            }
        }
    }
}
