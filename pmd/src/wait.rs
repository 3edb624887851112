//! How a worker that may sleep waits for frames.

use std::os::fd::RawFd;
use std::time::Duration;

/// Descriptors that are waited for at once; a worker with more ports polls the rest when it wakes.
const MOST: usize = 64;

/// Sleeps until one of the descriptors is readable, at most `longest`. Allocates nothing.
pub fn wait(descriptors: impl Iterator<Item = RawFd>, longest: Duration) {
    let mut polled = [libc::pollfd { fd: -1, events: libc::POLLIN, revents: 0 }; MOST];
    let mut count = 0;
    for (slot, fd) in polled.iter_mut().zip(descriptors) {
        slot.fd = fd;
        count += 1;
    }
    let longest = libc::timespec { tv_sec: 0, tv_nsec: longest.subsec_nanos().into() };
    // SAFETY: `polled` holds at least `count` entries and outlives the call; a descriptor that is no longer open is
    // reported in `revents`, which nobody reads. A signal ends the wait early, which is as good as a frame.
    unsafe { libc::ppoll(polled.as_mut_ptr(), count, &longest, std::ptr::null()) };
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::os::fd::AsRawFd;

    #[test]
    fn a_readable_descriptor_ends_the_wait() {
        let (reader, mut writer) = std::io::pipe().unwrap();
        writer.write_all(b"x").unwrap();
        wait([reader.as_raw_fd()].into_iter(), Duration::from_millis(999));
        wait(std::iter::empty(), Duration::from_micros(1));
    }
}
