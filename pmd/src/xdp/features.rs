//! What the interfaces' drivers can do with XDP, asked of the kernel without touching one: the generic netlink family `netdev`
//! (kernel 6.3 and later).
//!
//! Read first: `Documentation/netlink/specs/netdev.yaml` and `Documentation/userspace-api/netlink/intro.rst`.

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

/// What the driver of one interface can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Features {
    /// The kernel's number of the interface.
    pub interface: u32,
    /// It runs XDP programs that steer frames into sockets.
    pub native: bool,
    /// It reads and writes the buffers of AF_XDP sockets itself.
    pub zero_copy: bool,
}

/// `GENL_ID_CTRL`, `CTRL_CMD_GETFAMILY`, `CTRL_ATTR_FAMILY_NAME`, `CTRL_ATTR_FAMILY_ID`.
const CONTROL: u16 = 0x10;
const GET_FAMILY: u8 = 3;
const FAMILY_NAME: u16 = 2;
const FAMILY_ID: u16 = 1;
/// `NETDEV_CMD_DEV_GET`, `NETDEV_A_DEV_IFINDEX`, `NETDEV_A_DEV_XDP_FEATURES`.
const DEVICE_GET: u8 = 1;
const INTERFACE: u16 = 1;
const XDP_FEATURES: u16 = 3;
/// `NETDEV_XDP_ACT_BASIC`, `..._REDIRECT`, `..._XSK_ZEROCOPY`.
const BASIC: u64 = 1;
const REDIRECT: u64 = 1 << 1;
const ZERO_COPY: u64 = 1 << 3;

const MESSAGE_HEADER: usize = 16;
const GENERIC_HEADER: usize = 4;
/// Answers that are read at most: each holds dozens of interfaces.
const ANSWERS: usize = 4096;

/// Every interface of this thread's network namespace; `None` when the kernel does not tell.
pub fn features() -> Option<Vec<Features>> {
    let socket = open().ok()?;
    let family = ask(&socket, &message(CONTROL, 0, GET_FAMILY, Some((FAMILY_NAME, b"netdev\0")))).ok()?;
    let family = family.iter().find_map(|answer| number(attribute(answer, FAMILY_ID)?))?;
    let dump = libc::NLM_F_DUMP as u16;
    let devices = ask(&socket, &message(family as u16, dump, DEVICE_GET, None)).ok()?;
    Some(devices.iter().filter_map(|answer| features_in(answer)).collect())
}

fn features_in(answer: &[u8]) -> Option<Features> {
    let interface = number(attribute(answer, INTERFACE)?)?;
    let flags = number(attribute(answer, XDP_FEATURES)?)?;
    Some(Features {
        interface: u32::try_from(interface).ok()?,
        native: flags & (BASIC | REDIRECT) == BASIC | REDIRECT,
        zero_copy: flags & ZERO_COPY != 0,
    })
}

fn open() -> io::Result<OwnedFd> {
    // SAFETY: socket() touches no memory of ours.
    let socket = unsafe { libc::socket(libc::AF_NETLINK, libc::SOCK_RAW | libc::SOCK_CLOEXEC, libc::NETLINK_GENERIC) };
    if socket == -1 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the descriptor was just made and nobody else has it.
    Ok(unsafe { OwnedFd::from_raw_fd(socket) })
}

fn message(family: u16, flags: u16, command: u8, attribute: Option<(u16, &[u8])>) -> Vec<u8> {
    let mut message = vec![0; MESSAGE_HEADER];
    message.extend([command, 1, 0, 0]);
    if let Some((kind, value)) = attribute {
        message.extend((value.len() as u16 + 4).to_ne_bytes());
        message.extend(kind.to_ne_bytes());
        message.extend(value);
        message.resize(message.len().next_multiple_of(4), 0);
    }
    let len = message.len() as u32;
    message[0..4].copy_from_slice(&len.to_ne_bytes());
    message[4..6].copy_from_slice(&family.to_ne_bytes());
    message[6..8].copy_from_slice(&(libc::NLM_F_REQUEST as u16 | flags).to_ne_bytes());
    message
}

/// Sends a question and returns the attributes of every message of the answer.
fn ask(socket: &OwnedFd, question: &[u8]) -> io::Result<Vec<Vec<u8>>> {
    // SAFETY: the kernel reads `question.len()` bytes of `question`.
    if unsafe { libc::send(socket.as_raw_fd(), question.as_ptr().cast(), question.len(), 0) } == -1 {
        return Err(io::Error::last_os_error());
    }
    let several = u16::from_ne_bytes([question[6], question[7]]) & libc::NLM_F_DUMP as u16 != 0;
    let (mut answers, mut buffer) = (Vec::new(), vec![0; 1 << 16]);
    for _ in 0..ANSWERS {
        // SAFETY: the kernel writes at most `buffer.len()` bytes into `buffer`. It answers at once.
        let len = unsafe { libc::recv(socket.as_raw_fd(), buffer.as_mut_ptr().cast(), buffer.len(), 0) };
        let len = usize::try_from(len).map_err(|_| io::Error::last_os_error())?;
        if read(&buffer[..len], &mut answers)? || !several {
            break;
        }
    }
    Ok(answers)
}

/// Reads the messages of one datagram; true when the answer is over.
fn read(mut datagram: &[u8], answers: &mut Vec<Vec<u8>>) -> io::Result<bool> {
    while let Some(header) = datagram.first_chunk::<MESSAGE_HEADER>() {
        let len = u32::from_ne_bytes([header[0], header[1], header[2], header[3]]) as usize;
        let body = datagram.get(MESSAGE_HEADER..len).unwrap_or_default();
        match i32::from(u16::from_ne_bytes([header[4], header[5]])) {
            libc::NLMSG_DONE => return Ok(true),
            libc::NLMSG_ERROR => {
                let error = body.first_chunk().map_or(libc::EPROTO, |code| -i32::from_ne_bytes(*code));
                return Err(io::Error::from_raw_os_error(error));
            }
            _ => answers.push(body.get(GENERIC_HEADER..).unwrap_or_default().to_vec()),
        }
        datagram = datagram.get(len.next_multiple_of(4).max(MESSAGE_HEADER)..).unwrap_or_default();
    }
    Ok(false)
}

/// The value of an attribute.
fn attribute(mut attributes: &[u8], wanted: u16) -> Option<&[u8]> {
    while let Some([a, b, c, d]) = attributes.first_chunk() {
        let len = usize::from(u16::from_ne_bytes([*a, *b])).max(4);
        if u16::from_ne_bytes([*c, *d]) == wanted {
            return attributes.get(4..len);
        }
        attributes = attributes.get(len.next_multiple_of(4)..).unwrap_or_default();
    }
    None
}

/// A number of two, four or eight bytes.
fn number(value: &[u8]) -> Option<u64> {
    match value {
        [a, b] => Some(u16::from_ne_bytes([*a, *b]).into()),
        [a, b, c, d] => Some(u32::from_ne_bytes([*a, *b, *c, *d]).into()),
        value => value.first_chunk().map(|bytes| u64::from_ne_bytes(*bytes)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_loopback_interface_has_no_native_mode_where_the_kernel_tells() {
        if let Some(features) = features() {
            let lo = features.iter().find(|features| features.interface == 1).unwrap();
            assert!(!lo.native && !lo.zero_copy);
        }
    }

    proptest! {
        #[test]
        fn any_answer_is_read_to_an_end(datagram in prop::collection::vec(any::<u8>(), 0..200)) {
            let mut answers = Vec::new();
            let _ = read(&datagram, &mut answers);
            for answer in answers.iter().chain([&datagram]) {
                let _ = features_in(answer);
            }
        }
    }
}
