//! IPv4 options: RFC 791 3.1, RFC 1812 5.3.13.

use std::net::Ipv4Addr;

/// What an option is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OptionKind {
    /// One byte of padding.
    NoOp,
    /// Route through these, and any between.
    LooseSourceRoute,
    /// Route through exactly these.
    StrictSourceRoute,
    /// Every router adds its address.
    RecordRoute,
    /// Every router adds the time.
    Timestamp,
    /// Routers are to look at the packet (RFC 2113).
    RouterAlert,
    /// Any other.
    Other(u8),
}

const END: u8 = 0;
const NO_OP: u8 = 1;
const RECORD_ROUTE: u8 = 7;
const TIMESTAMP: u8 = 68;
const LOOSE_SOURCE_ROUTE: u8 = 131;
const STRICT_SOURCE_ROUTE: u8 = 137;
const ROUTER_ALERT: u8 = 148;
/// The flag of an option that goes into every fragment.
const COPIED: u8 = 0x80;

/// One option.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IpOption {
    /// What it is.
    pub kind: OptionKind,
    /// Where it begins, in bytes from the start of the options.
    pub offset: usize,
    /// Its bytes, type and length included.
    pub len: usize,
    /// Whether it goes into every fragment.
    pub copied: bool,
}

/// An option that cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the option at byte {offset} is malformed")]
pub struct OptionError {
    /// The byte at fault, from the start of the options.
    pub offset: usize,
}

/// Reads the options one by one; ends at the end, at the first malformed one, or where the list says so.
pub fn iter(options: &[u8]) -> impl Iterator<Item = Result<IpOption, OptionError>> + '_ {
    let mut at = 0;
    std::iter::from_fn(move || {
        let offset = at;
        let of_type = *options.get(offset)?;
        if of_type == END {
            at = options.len();
            return None;
        }
        match option_at(options, offset, of_type) {
            Ok(option) => {
                at = offset + option.len;
                Some(Ok(option))
            }
            Err(error) => {
                at = options.len();
                Some(Err(error))
            }
        }
    })
}

fn option_at(options: &[u8], offset: usize, of_type: u8) -> Result<IpOption, OptionError> {
    let kind = match of_type {
        NO_OP => return Ok(IpOption { kind: OptionKind::NoOp, offset, len: 1, copied: false }),
        LOOSE_SOURCE_ROUTE => OptionKind::LooseSourceRoute,
        STRICT_SOURCE_ROUTE => OptionKind::StrictSourceRoute,
        RECORD_ROUTE => OptionKind::RecordRoute,
        TIMESTAMP => OptionKind::Timestamp,
        ROUTER_ALERT => OptionKind::RouterAlert,
        other => OptionKind::Other(other),
    };
    let length_at = OptionError { offset: offset + 1 };
    let len = usize::from(*options.get(offset + 1).ok_or(OptionError { offset })?);
    // Routes and time stamps have a pointer too, and lengths that hold at least that.
    let least = match kind {
        OptionKind::Timestamp | OptionKind::RouterAlert => 4,
        OptionKind::LooseSourceRoute | OptionKind::StrictSourceRoute | OptionKind::RecordRoute => 3,
        OptionKind::NoOp | OptionKind::Other(_) => 2,
    };
    if len < least || offset + len > options.len() {
        return Err(length_at);
    }
    Ok(IpOption { kind, offset, len, copied: of_type & COPIED != 0 })
}

/// Does what record route and time stamp options ask of a router on the way: puts our address and the time in, where
/// there is room. `now` is milliseconds since midnight UT, asked only when needed; `is_ours` knows all of the router's
/// addresses. The header checksum is the caller's.
///
/// # Errors
/// [`OptionError`], with the byte for the Parameter Problem's pointer; the options may have been changed up to there.
pub fn record(
    options: &mut [u8],
    here: Ipv4Addr,
    is_ours: impl Fn(Ipv4Addr) -> bool,
    now: impl Fn() -> u32,
) -> Result<(), OptionError> {
    let mut at = 0;
    loop {
        let next = iter(&options[at..]).next();
        let Some(option) = next else { return Ok(()) };
        let option = option.map_err(|error| OptionError { offset: at + error.offset })?;
        let start = at + option.offset;
        let bytes = &mut options[start..start + option.len];
        let fault = match option.kind {
            OptionKind::RecordRoute => record_route(bytes, here),
            OptionKind::Timestamp => timestamp(bytes, here, &is_ours, &now),
            _ => Ok(()),
        };
        fault.map_err(|within| OptionError { offset: start + within })?;
        at = start + option.len;
    }
}

/// RFC 791 3.1: "If the route data area is already full (the pointer exceeds the length) the datagram is forwarded without
/// inserting the address into the recorded route. If there is some room but not enough room for a full address to be
/// inserted, the original datagram is considered to be in error".
fn record_route(bytes: &mut [u8], here: Ipv4Addr) -> Result<(), usize> {
    let pointer = usize::from(bytes[2]);
    // "The pointer is relative to this option, and the smallest legal value for the pointer is 4."
    if pointer < 4 {
        return Err(2);
    }
    if pointer > bytes.len() {
        return Ok(());
    }
    let room = bytes.get_mut(pointer - 1..pointer + 3).ok_or(2_usize)?;
    room.copy_from_slice(&here.octets());
    bytes[2] += 4;
    Ok(())
}

/// RFC 791 3.1, "Internet Timestamp": flag 0 time stamps only, 1 each with the address, 3 only at the addresses given.
fn timestamp(
    bytes: &mut [u8],
    here: Ipv4Addr,
    is_ours: &impl Fn(Ipv4Addr) -> bool,
    now: &impl Fn() -> u32,
) -> Result<(), usize> {
    let pointer = usize::from(bytes[2]);
    let flag = bytes[3] & 0xf;
    // "The smallest legal value is 5."
    if pointer < 5 {
        return Err(2);
    }
    if pointer > bytes.len() {
        if flag == 3 {
            return Ok(());
        }
        // "If the timestamp data area is already full (the pointer exceeds the length) the datagram is forwarded without
        // inserting the timestamp, but the overflow count is incremented by one. If there is some room but not enough
        // room for a full timestamp to be inserted, or the overflow count itself overflows, the original datagram is
        // considered to be in error".
        if bytes[3] >> 4 == 0xf {
            return Err(3);
        }
        bytes[3] += 0x10;
        return Ok(());
    }
    let size = match flag {
        0 => 4,
        1 | 3 => 8,
        _ => return Err(3),
    };
    let area = bytes.get_mut(pointer - 1..pointer - 1 + size).ok_or(2_usize)?;
    // RFC 1812 5.3.13.6: "If the flags field = 3 (timestamp and prespecified address), the router MUST add its timestamp if
    // the next prespecified address matches any of the router's IP addresses."
    if flag == 3 && !is_ours(Ipv4Addr::new(area[0], area[1], area[2], area[3])) {
        return Ok(());
    }
    if flag == 1 {
        area[..4].copy_from_slice(&here.octets());
    }
    area[size - 4..].copy_from_slice(&now().to_be_bytes());
    bytes[2] += size as u8;
    Ok(())
}

/// The next address of a source route that is not used up, and puts ours in its place (RFC 791 3.1, "recorded route
/// address replaces the source route address just used"). `None` when there is none.
pub fn advance_source_route(options: &mut [u8], here: Ipv4Addr) -> Option<Ipv4Addr> {
    let route = iter(options)
        .flatten()
        .find(|option| matches!(option.kind, OptionKind::LooseSourceRoute | OptionKind::StrictSourceRoute))?;
    let bytes = &mut options[route.offset..route.offset + route.len];
    let pointer = usize::from(bytes[2]);
    let address = bytes.get_mut(pointer.checked_sub(1)?..pointer + 3).filter(|_| pointer >= 4)?;
    let next = Ipv4Addr::from(*address.first_chunk::<4>()?);
    address.copy_from_slice(&here.octets());
    bytes[2] += 4;
    Some(next)
}

/// Copies the options that go into every fragment, padded to a multiple of 4 bytes; returns how many bytes.
///
/// RFC 791 3.2: "Some options may be copied, others remain with the first fragment only."
pub fn strip_for_fragment(options: &[u8], out: &mut [u8]) -> usize {
    let mut len = 0;
    for option in iter(options).flatten().filter(|option| option.copied) {
        if let Some(target) = out.get_mut(len..len + option.len) {
            target.copy_from_slice(&options[option.offset..option.offset + option.len]);
            len += option.len;
        }
    }
    let padded = len.next_multiple_of(4).min(out.len());
    out[len..padded].fill(END);
    padded
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const HERE: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);

    #[test]
    fn options_are_read_up_to_the_end_marker() {
        let options = [NO_OP, RECORD_ROUTE, 7, 4, 0, 0, 0, 0, END, 99, 99, 99];
        let kinds: Vec<_> = iter(&options).map(|option| option.unwrap().kind).collect();
        assert_eq!(kinds, [OptionKind::NoOp, OptionKind::RecordRoute]);
    }

    #[test]
    fn a_length_beyond_the_header_is_an_error_at_the_length() {
        assert_eq!(iter(&[NO_OP, 7, 9, 4]).last(), Some(Err(OptionError { offset: 2 })));
        assert_eq!(iter(&[7, 0, 4, 0]).last(), Some(Err(OptionError { offset: 1 })));
    }

    #[test]
    fn our_address_is_recorded_where_there_is_room() {
        let mut options = [RECORD_ROUTE, 7, 4, 0, 0, 0, 0, NO_OP];
        record(&mut options, HERE, |address| address == HERE, || 0).unwrap();
        assert_eq!(options, [RECORD_ROUTE, 7, 8, 192, 0, 2, 1, NO_OP]);
        let before = options;
        record(&mut options, HERE, |address| address == HERE, || 0).unwrap();
        assert_eq!(options, before, "a full record is left alone");
    }

    #[test]
    fn room_for_half_an_address_is_an_error_at_the_pointer() {
        let mut options = [RECORD_ROUTE, 6, 4, 0, 0, 0, 0, 0];
        assert_eq!(record(&mut options, HERE, |address| address == HERE, || 0), Err(OptionError { offset: 2 }));
    }

    #[test]
    fn the_three_kinds_of_time_stamp_are_filled_in() {
        let mut only = [TIMESTAMP, 8, 5, 0, 0, 0, 0, 0];
        record(&mut only, HERE, |address| address == HERE, || 0x0102_0304).unwrap();
        assert_eq!(only, [TIMESTAMP, 8, 9, 0, 1, 2, 3, 4]);
        let mut with = [TIMESTAMP, 12, 5, 1, 0, 0, 0, 0, 0, 0, 0, 0];
        record(&mut with, HERE, |address| address == HERE, || 1).unwrap();
        assert_eq!(with, [TIMESTAMP, 12, 13, 1, 192, 0, 2, 1, 0, 0, 0, 1]);
        let mut other = [TIMESTAMP, 12, 5, 3, 10, 0, 0, 1, 0, 0, 0, 0];
        let before = other;
        record(&mut other, HERE, |address| address == HERE, || 1).unwrap();
        assert_eq!(other, before, "the address given is not ours");
        let mut asked = [TIMESTAMP, 12, 5, 3, 10, 0, 0, 1, 0, 0, 0, 0];
        record(&mut asked, HERE, |address| address == Ipv4Addr::new(10, 0, 0, 1), || 1).unwrap();
        assert_eq!(asked, [TIMESTAMP, 12, 13, 3, 10, 0, 0, 1, 0, 0, 0, 1], "any address of ours counts");
    }

    #[test]
    fn an_overflowing_overflow_count_is_an_error() {
        let mut full = [TIMESTAMP, 4, 5, 0xe0];
        record(&mut full, HERE, |address| address == HERE, || 0).unwrap();
        assert_eq!(full[3], 0xf0);
        assert_eq!(record(&mut full, HERE, |address| address == HERE, || 0), Err(OptionError { offset: 3 }));
    }

    #[test]
    fn only_options_with_the_copied_flag_go_into_every_fragment() {
        let options = [RECORD_ROUTE, 7, 4, 0, 0, 0, 0, ROUTER_ALERT, 4, 0, 0, END];
        let mut out = [0xff; 40];
        assert_eq!(strip_for_fragment(&options, &mut out), 4);
        assert_eq!(out[..4], [ROUTER_ALERT, 4, 0, 0]);
    }

    #[test]
    fn a_source_route_advances_by_one_address() {
        let mut options = [LOOSE_SOURCE_ROUTE, 7, 4, 10, 0, 0, 9, NO_OP];
        assert_eq!(advance_source_route(&mut options, HERE), Some(Ipv4Addr::new(10, 0, 0, 9)));
        assert_eq!(options, [LOOSE_SOURCE_ROUTE, 7, 8, 192, 0, 2, 1, NO_OP]);
        assert_eq!(advance_source_route(&mut options, HERE), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_processed_without_a_panic(mut options in prop::collection::vec(any::<u8>(), 0..=40)) {
            let len = options.len();
            let _ = record(&mut options, HERE, |address| address == HERE, || 7);
            let _ = advance_source_route(&mut options, HERE);
            let mut out = [0; 40];
            let kept = strip_for_fragment(&options, &mut out);
            prop_assert!(kept <= 40 && kept.is_multiple_of(4) && options.len() == len);
        }
    }
}
