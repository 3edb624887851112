//! The system calls of a TAP device; its kernel side is an interface like any other ([`crate::linux`]).
//!
//! Read first: <https://docs.kernel.org/networking/tuntap.html>, netdevice(7).

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::OpenOptionsExt;

/// Where TAP devices are made.
pub(super) const CLONE_DEVICE: &str = "/dev/net/tun";

/// Opens a file that becomes one queue of a TAP device.
pub(super) fn open_clone_device() -> io::Result<File> {
    OpenOptions::new().read(true).write(true).custom_flags(libc::O_NONBLOCK).open(CLONE_DEVICE)
}

/// A request about the interface `name`, all else zero. The name is cut to what fits, so the zero at its end stays.
fn request(name: &str) -> libc::ifreq {
    // SAFETY: `ifreq` is plain old data for which all zeros is a valid value.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    for (place, byte) in request.ifr_name[..libc::IFNAMSIZ - 1].iter_mut().zip(name.bytes()) {
        *place = byte as libc::c_char;
    }
    request
}

/// Makes a request of the TAP driver.
fn ask(file: &impl AsRawFd, call: libc::Ioctl, request: &mut libc::ifreq) -> io::Result<()> {
    // SAFETY: every call made here (TUN[GS]ETIFF) reads and writes one `struct ifreq` and nothing else,
    // and `request` is one that we alone have. No buffer of a pool is involved (INV-CUSTODY untouched).
    match unsafe { libc::ioctl(file.as_raw_fd(), call, std::ptr::from_mut(request)) } {
        -1 => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}

/// Makes `file` a queue of the TAP device `name` and returns the device's name, which the kernel completes when it
/// contains `%d`. `flags` are added to `IFF_TAP | IFF_NO_PI`.
pub(super) fn attach(file: &File, name: &str, flags: libc::c_int) -> io::Result<String> {
    let mut request = request(name);
    request.ifr_ifru.ifru_flags = (libc::IFF_TAP | libc::IFF_NO_PI | flags) as libc::c_short;
    ask(file, libc::TUNSETIFF, &mut request)?;
    let name = request.ifr_name.iter().take_while(|&&byte| byte != 0).map(|&byte| byte as u8).collect();
    String::from_utf8(name).map_err(|_| io::ErrorKind::InvalidData.into())
}

/// Asks for frames that are complete: no segmentation left to do, no checksum left open.
pub(super) fn switch_offloads_off(file: &File) -> io::Result<()> {
    // SAFETY: TUNSETOFFLOAD takes its argument by value and touches no memory of ours.
    match unsafe { libc::ioctl(file.as_raw_fd(), libc::TUNSETOFFLOAD, 0 as libc::c_ulong) } {
        -1 => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}

/// Plugs the cable in, or pulls it, as the kernel side sees it.
pub(super) fn set_carrier(file: &File, on: bool) -> io::Result<()> {
    let on = libc::c_int::from(on);
    // SAFETY: TUNSETCARRIER reads one `int`, which outlives the call, and nothing else.
    match unsafe { libc::ioctl(file.as_raw_fd(), libc::TUNSETCARRIER, std::ptr::from_ref(&on)) } {
        -1 => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}

/// Whether the device of this queue still exists, in whichever network namespace.
pub(super) fn is_attached(file: &File) -> bool {
    ask(file, libc::TUNGETIFF, &mut request("")).is_ok()
}

/// Frames that the kernel dropped on the TAP `name` because we did not fetch them in time; 0 where it cannot be told.
///
/// Only `/proc` tells; it shows the network namespace of the thread that reads.
pub(super) fn dropped(name: &str) -> u64 {
    let table = std::fs::read_to_string("/proc/thread-self/net/dev").unwrap_or_default();
    dropped_in(&table, name).unwrap_or(0)
}

/// The transmit drops of an interface in a table like `/proc/net/dev`: eight columns of reception, then bytes, packets,
/// errors and drops of transmission.
fn dropped_in(table: &str, name: &str) -> Option<u64> {
    table.lines().find_map(|line| {
        let (interface, columns) = line.split_once(':')?;
        if interface.trim() == name { columns.split_whitespace().nth(11)?.parse().ok() } else { None }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drops_are_read_from_the_right_interface_and_column() {
        let table = "Inter-|   Receive                  |  Transmit\n face |bytes packets|bytes\n\
                     tap10: 1 2 3 4 5 6 7 8 9 10 11 99 13 14 15 16\n  tap1: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n";
        assert_eq!(dropped_in(table, "tap1"), Some(12));
        assert_eq!(dropped_in(table, "tap2"), None);
    }

    #[test]
    fn a_name_that_is_too_long_keeps_its_zero() {
        assert_eq!(request("a-name-of-more-than-sixteen-bytes").ifr_name[libc::IFNAMSIZ - 1], 0);
    }
}
