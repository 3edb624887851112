//! IPv6 extension headers: RFC 8200 4, walked only as far as asked, and never further than a bound.

use super::ipv6::{DESTINATION_OPTIONS, FRAGMENT, HEADER_LEN, HOP_BY_HOP, Ipv6, ROUTING};

/// Most extension headers that are walked. A packet needs five when it uses every kind that RFC 8200 4.1 names once.
pub const MOST: usize = 8;
/// Most options that are looked at in one header.
pub const MOST_OPTIONS: usize = 16;
/// Authentication header (RFC 4302), whose length counts in 4 bytes.
const AUTHENTICATION: u8 = 51;
/// Mobility header (RFC 6275), host identity (RFC 7401), shim6 (RFC 5533): laid out as RFC 6564 asks.
const UNIFORM: [u8; 3] = [135, 139, 140];

/// What is wrong with a chain of headers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ChainError {
    /// A header goes on beyond the packet. RFC 7112 5: a first fragment has to hold the whole chain.
    #[error("a header goes on beyond the packet")]
    Cut,
    /// There are more headers than are walked.
    #[error("there are more than {MOST} extension headers")]
    TooMany,
    /// RFC 8200 4.1: hop-by-hop options are "restricted to appear immediately after an IPv6 header only".
    #[error("hop-by-hop options are not the first header")]
    Misplaced {
        /// Where the next header field is that says so, from the start of the packet.
        pointer: u32,
    },
}

/// One extension header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extension<'a> {
    /// Its kind: the value of the next header field before it.
    pub kind: u8,
    /// Where it begins, from the start of the packet.
    pub offset: usize,
    /// All of it.
    pub bytes: &'a [u8],
}

/// The headers of a packet, one by one, until something comes that is no extension header.
#[derive(Debug, Clone)]
pub struct Chain<'a> {
    packet: &'a [u8],
    next: u8,
    offset: usize,
    pointer: usize,
    walked: usize,
    fragment: Option<Fragment>,
}

/// Starts at the first header after the fixed one.
pub fn chain<'a>(view: &Ipv6<'a>) -> Chain<'a> {
    Chain { packet: view.packet(), next: view.next_header(), offset: HEADER_LEN, pointer: 6, walked: 0, fragment: None }
}

impl<'a> Chain<'a> {
    /// What comes next: after the walk the protocol of the upper layer.
    pub fn protocol(&self) -> u8 {
        self.next
    }

    /// Where it begins, from the start of the packet.
    pub fn offset(&self) -> usize {
        self.offset
    }

    /// Where the next header field is that names it, from the start of the packet.
    pub fn pointer(&self) -> u32 {
        self.pointer as u32
    }

    /// The rest of the packet from there on.
    pub fn payload(&self) -> &'a [u8] {
        self.packet.get(self.offset..).unwrap_or(&[])
    }

    /// The fragment header, once the walk has passed one.
    pub fn fragment(&self) -> Option<Fragment> {
        self.fragment
    }

    /// The next extension header, if one is next.
    ///
    /// # Errors
    /// [`ChainError`].
    pub fn step(&mut self) -> Result<Option<Extension<'a>>, ChainError> {
        // Behind a fragment that is not the first, nothing is a header any more.
        if !is_extension(self.next) || self.fragment.is_some_and(|fragment| fragment.offset != 0) {
            return Ok(None);
        }
        if self.next == HOP_BY_HOP && self.walked > 0 {
            return Err(ChainError::Misplaced { pointer: self.pointer() });
        }
        if self.walked == MOST {
            return Err(ChainError::TooMany);
        }
        let rest = self.payload();
        let &[next, length, ..] = rest else { return Err(ChainError::Cut) };
        let len = match self.next {
            FRAGMENT => 8,
            AUTHENTICATION => (usize::from(length) + 2) * 4,
            _ => (usize::from(length) + 1) * 8,
        };
        let bytes = rest.get(..len).ok_or(ChainError::Cut)?;
        let extension = Extension { kind: self.next, offset: self.offset, bytes };
        if self.next == FRAGMENT {
            self.fragment = Fragment::read(bytes);
        }
        self.pointer = self.offset;
        self.next = next;
        self.offset += len;
        self.walked += 1;
        Ok(Some(extension))
    }

    /// Walks to the upper layer.
    ///
    /// # Errors
    /// [`ChainError`].
    pub fn skip_all(mut self) -> Result<Self, ChainError> {
        // At most MOST + 1 steps.
        while self.step()?.is_some() {}
        Ok(self)
    }
}

fn is_extension(kind: u8) -> bool {
    matches!(kind, HOP_BY_HOP | ROUTING | FRAGMENT | DESTINATION_OPTIONS | AUTHENTICATION) || UNIFORM.contains(&kind)
}

/// What a fragment header says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fragment {
    /// Where this fragment's data begins, in bytes.
    pub offset: u16,
    /// More fragments follow.
    pub more: bool,
    /// Which packet it belongs to.
    pub identification: u32,
}

impl Fragment {
    /// Reads a fragment header.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let &[_, _, high, low, a, b, c, d, ..] = bytes else { return None };
        let field = u16::from_be_bytes([high, low]);
        let identification = u32::from_be_bytes([a, b, c, d]);
        Some(Self { offset: field & 0xfff8, more: field & 1 != 0, identification })
    }

    /// RFC 6946 2: a packet "that contains a Fragment Header with the Fragment Offset set to 0 and the M flag set to 0".
    pub fn is_atomic(self) -> bool {
        self.offset == 0 && !self.more
    }

    /// The header's bytes.
    pub fn emit(&self, next_header: u8) -> [u8; 8] {
        let [high, low] = (self.offset & 0xfff8 | u16::from(self.more)).to_be_bytes();
        let [a, b, c, d] = self.identification.to_be_bytes();
        [next_header, 0, high, low, a, b, c, d]
    }
}

/// A routing header's type and how many of its segments are left.
pub fn routing(bytes: &[u8]) -> Option<(u8, u8)> {
    bytes.get(2..4).map(|fields| (fields[0], fields[1]))
}

/// What an option asks for that is not understood: the two highest bits of its type (RFC 8200 4.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnknownOption {
    /// 01: "discard the packet."
    Discard,
    /// 10: "discard the packet and, regardless of whether or not the packet's Destination Address was a multicast address,
    /// send an ICMP Parameter Problem, Code 2, message to the packet's Source Address, pointing to the unrecognized Option
    /// Type."
    Answer {
        /// Where the option is, from the start of the packet.
        pointer: u32,
    },
    /// 11: the same, "only if the packet's Destination Address was not a multicast address".
    AnswerUnicast {
        /// Where the option is, from the start of the packet.
        pointer: u32,
    },
    /// The options do not fit their header: it is not known what they ask for.
    Malformed {
        /// Where it went wrong, from the start of the packet.
        pointer: u32,
    },
}

/// Router alert (RFC 2711).
pub const ROUTER_ALERT: u8 = 5;

/// Looks at the options of a hop-by-hop or destination options header. Says whether a router alert is among them.
///
/// # Errors
/// The first option that is not understood and that must not be passed over.
pub fn options(extension: &Extension<'_>) -> Result<bool, UnknownOption> {
    let (bytes, mut at, mut alert) = (extension.bytes, 2, false);
    let pointer = |at: usize| (extension.offset + at) as u32;
    for _ in 0..MOST_OPTIONS {
        let Some(&kind) = bytes.get(at) else { return Ok(alert) };
        // RFC 8200 4.2: "Pad1 option (alignment requirement: none) [...] NOTE! the format of the Pad1 option is a special
        // case -- it does not have length and value fields."
        if kind == 0 {
            at += 1;
            continue;
        }
        let Some(len) = bytes.get(at + 1) else { return Err(UnknownOption::Malformed { pointer: pointer(at) }) };
        let end = at + 2 + usize::from(*len);
        if end > bytes.len() {
            return Err(UnknownOption::Malformed { pointer: pointer(at + 1) });
        }
        match (kind, kind >> 6) {
            (ROUTER_ALERT, _) => alert = true,
            (_, 0) => {}
            (_, 1) => return Err(UnknownOption::Discard),
            (_, 2) => return Err(UnknownOption::Answer { pointer: pointer(at) }),
            (_, _) => return Err(UnknownOption::AnswerUnicast { pointer: pointer(at) }),
        }
        at = end;
    }
    // RFC 8504 5.3: a node "MAY impose a limit on the maximum number of options" and "MAY discard the packet" then.
    if bytes[at.min(bytes.len())..].iter().any(|byte| *byte != 0) { Err(UnknownOption::Discard) } else { Ok(alert) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::ipv6::{Ipv6Header, NO_NEXT_HEADER, UDP};
    use proptest::prelude::*;

    fn packet(next_header: u8, payload: &[u8]) -> Vec<u8> {
        let header = Ipv6Header {
            traffic_class: 0,
            flow_label: 0,
            payload_len: payload.len() as u16,
            next_header,
            hop_limit: 64,
            source: "2001:db8::1".parse().unwrap(),
            destination: "2001:db8::2".parse().unwrap(),
        };
        [&header.emit()[..], payload].concat()
    }

    fn options_of(bytes: &[u8]) -> Result<bool, UnknownOption> {
        options(&Extension { kind: HOP_BY_HOP, offset: 40, bytes })
    }

    #[test]
    fn the_walk_ends_at_the_upper_layer() {
        let mut payload = vec![ROUTING, 0, 1, 4, 0, 0, 0, 0];
        payload.extend([DESTINATION_OPTIONS, 0, 0, 0, 0, 0, 0, 0]);
        payload.extend([UDP, 1, 1, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        payload.extend([9; 8]);
        let bytes = packet(HOP_BY_HOP, &payload);
        let chain = chain(&Ipv6::check(&bytes).unwrap()).skip_all().unwrap();
        assert_eq!((chain.protocol(), chain.offset(), chain.pointer()), (UDP, 72, 56));
        assert_eq!(chain.payload(), [9; 8]);
    }

    #[test]
    fn what_follows_a_later_fragment_is_no_header() {
        let fragment = Fragment { offset: 1232, more: true, identification: 7 };
        let bytes = packet(FRAGMENT, &[&fragment.emit(DESTINATION_OPTIONS)[..], &[0xff; 8]].concat());
        let chain = chain(&Ipv6::check(&bytes).unwrap()).skip_all().unwrap();
        assert_eq!(chain.fragment(), Some(fragment));
        assert_eq!((chain.protocol(), chain.offset()), (DESTINATION_OPTIONS, 48));
    }

    #[test]
    fn a_long_chain_a_cut_one_and_late_hop_by_hop_options_are_errors() {
        let mut payload = [DESTINATION_OPTIONS, 0, 1, 4, 0, 0, 0, 0].repeat(MOST);
        payload.extend([NO_NEXT_HEADER, 0, 1, 4, 0, 0, 0, 0]);
        let walk = |bytes: &[u8]| chain(&Ipv6::check(bytes).unwrap()).skip_all().map(|chain| chain.protocol());
        assert_eq!(walk(&packet(DESTINATION_OPTIONS, &payload)), Err(ChainError::TooMany));
        assert_eq!(walk(&packet(DESTINATION_OPTIONS, &payload[..68])), Err(ChainError::TooMany));
        assert_eq!(walk(&packet(ROUTING, &[UDP, 1, 0, 0, 0, 0, 0, 0])), Err(ChainError::Cut));
        let late = [HOP_BY_HOP, 0, 1, 4, 0, 0, 0, 0, UDP, 0, 1, 4, 0, 0, 0, 0];
        assert_eq!(walk(&packet(DESTINATION_OPTIONS, &late)), Err(ChainError::Misplaced { pointer: 40 }));
    }

    #[test]
    fn an_unknown_option_is_treated_as_its_highest_bits_ask() {
        assert_eq!(options_of(&[58, 0, ROUTER_ALERT, 2, 0, 0, 1, 0]), Ok(true));
        assert_eq!(options_of(&[58, 0, 0x1e, 4, 1, 2, 3, 4]), Ok(false));
        assert_eq!(options_of(&[58, 0, 0x5e, 4, 0, 0, 0, 0]), Err(UnknownOption::Discard));
        assert_eq!(options_of(&[58, 0, 0, 0x9e, 3, 0, 0, 0]), Err(UnknownOption::Answer { pointer: 43 }));
        assert_eq!(options_of(&[58, 0, 0xc2, 4, 0, 1, 0, 0]), Err(UnknownOption::AnswerUnicast { pointer: 42 }));
        assert_eq!(options_of(&[58, 0, 1, 5, 0, 0, 0, 0]), Err(UnknownOption::Malformed { pointer: 43 }));
    }

    #[test]
    fn more_options_than_are_looked_at_are_refused() {
        let mut bytes = vec![58, 4];
        bytes.extend([0x1e, 0].repeat(19));
        assert_eq!(options_of(&bytes), Err(UnknownOption::Discard));
    }

    proptest! {
        #[test]
        fn any_chain_ends_within_the_packet(first in any::<u8>(), payload in prop::collection::vec(prop_oneof![Just(0u8), Just(44), Just(60), any::<u8>()], 0..200)) {
            let bytes = packet(first, &payload);
            let mut walk = chain(&Ipv6::check(&bytes).unwrap());
            let mut steps = 0;
            while let Ok(Some(extension)) = walk.step() {
                steps += 1;
                let _ = options(&extension);
                prop_assert!(steps <= MOST && walk.offset() <= bytes.len());
            }
        }

        #[test]
        fn a_fragment_header_reads_back(offset in 0..8191u16, more in any::<bool>(), identification in any::<u32>()) {
            let fragment = Fragment { offset: offset * 8, more, identification };
            prop_assert_eq!(Fragment::read(&fragment.emit(UDP)), Some(fragment));
        }
    }
}
