//! The smallest and largest MTU of an interface, which only rtnetlink(7) tells.

use std::io;
use std::ops::RangeInclusive;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

/// Bytes of `struct nlmsghdr` and of `struct ifinfomsg`.
const MESSAGE_HEADER: usize = 16;
const INTERFACE_INFO: usize = 16;
/// `IFLA_MIN_MTU` and `IFLA_MAX_MTU` (kernel 4.18 and later).
const MIN_MTU: u16 = 50;
const MAX_MTU: u16 = 51;
/// RFC 791, section 3.2: "Every internet module must be able to forward a datagram of 68 octets without further
/// fragmentation".
const IPV4_MIN_MTU: u32 = 68;

/// The MTUs that interface `index` of this thread's network namespace accepts.
pub(super) fn range(index: i32) -> io::Result<RangeInclusive<u16>> {
    // SAFETY: socket() touches no memory of ours.
    let socket = unsafe { libc::socket(libc::AF_NETLINK, libc::SOCK_RAW | libc::SOCK_CLOEXEC, libc::NETLINK_ROUTE) };
    if socket == -1 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the descriptor was just made and nobody else has it.
    let socket = unsafe { OwnedFd::from_raw_fd(socket) };
    let question = question(index);
    // SAFETY: the kernel reads `question.len()` bytes of `question`.
    if unsafe { libc::send(socket.as_raw_fd(), question.as_ptr().cast(), question.len(), 0) } == -1 {
        return Err(io::Error::last_os_error());
    }
    let mut answer = vec![0; 1 << 16];
    // SAFETY: the kernel writes at most `answer.len()` bytes into `answer`. It answers a question about one interface at once.
    let len = unsafe { libc::recv(socket.as_raw_fd(), answer.as_mut_ptr().cast(), answer.len(), 0) };
    let len = usize::try_from(len).map_err(|_| io::Error::last_os_error())?;
    Ok(range_in(&answer[..len]))
}

/// An `RTM_GETLINK` message about one interface.
fn question(index: i32) -> [u8; MESSAGE_HEADER + INTERFACE_INFO] {
    let mut question = [0; MESSAGE_HEADER + INTERFACE_INFO];
    let len = question.len() as u32;
    question[0..4].copy_from_slice(&len.to_ne_bytes());
    question[4..6].copy_from_slice(&libc::RTM_GETLINK.to_ne_bytes());
    question[6..8].copy_from_slice(&(libc::NLM_F_REQUEST as u16).to_ne_bytes());
    question[20..24].copy_from_slice(&index.to_ne_bytes());
    question
}

/// The range that an answer tells; what it does not tell is not limited.
fn range_in(answer: &[u8]) -> RangeInclusive<u16> {
    let (mut least, mut most) = (0, 0);
    let mut rest = answer.get(MESSAGE_HEADER + INTERFACE_INFO..).unwrap_or_default();
    // An attribute is its length, its type, its value, and padding to a multiple of four; each turn takes at least four bytes.
    while let Some(([a, b, c, d], value)) = rest.split_first_chunk() {
        let len = usize::from(u16::from_ne_bytes([*a, *b])).max(4);
        if let Some(number) = value.first_chunk() {
            match u16::from_ne_bytes([*c, *d]) {
                MIN_MTU => least = u32::from_ne_bytes(*number),
                MAX_MTU => most = u32::from_ne_bytes(*number),
                _ => {}
            }
        }
        rest = rest.get(len.next_multiple_of(4)..).unwrap_or_default();
    }
    let most = if most == 0 { u32::MAX } else { most };
    let within = |mtu: u32| mtu.try_into().unwrap_or(u16::MAX);
    within(least.max(IPV4_MIN_MTU))..=within(most)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_kernel_answers_for_the_loopback_interface() {
        // Interface 1 is the loopback interface in every network namespace.
        let range = range(1).unwrap();
        assert!(range.contains(&1500), "{range:?}");
    }

    #[test]
    fn limits_are_found_behind_other_attributes() {
        let mut answer = vec![0; MESSAGE_HEADER + INTERFACE_INFO];
        for (kind, value) in
            [(3_u16, &b"eth0\0"[..]), (MIN_MTU, &100_u32.to_ne_bytes()), (MAX_MTU, &9000_u32.to_ne_bytes())]
        {
            answer.extend((value.len() as u16 + 4).to_ne_bytes());
            answer.extend(kind.to_ne_bytes());
            answer.extend(value);
            answer.resize(answer.len().next_multiple_of(4), 0);
        }
        assert_eq!(range_in(&answer), 100..=9000);
    }

    #[test]
    fn what_is_not_told_is_not_limited() {
        assert_eq!(range_in(&[]), 68..=u16::MAX);
    }

    proptest! {
        #[test]
        fn any_answer_gives_a_range(answer in prop::collection::vec(any::<u8>(), 0..300)) {
            prop_assert!(*range_in(&answer).start() >= 68);
        }
    }
}
