//! The standard output while EAL starts: it prints its whole manual there when it does not know an option, and the one line that
//! matters is logged.

use std::fs::File;
use std::io::Write;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

/// What the standard output was; it is that again when this is dropped.
pub(super) struct Silence(Option<OwnedFd>);

impl Silence {
    /// Sends what is printed from now on nowhere.
    pub(super) fn begin() -> Self {
        let _ = std::io::stdout().flush();
        let Ok(nowhere) = File::options().write(true).open("/dev/null") else { return Self(None) };
        // SAFETY: the first call makes a descriptor that nobody else has, the second replaces the standard output by another open
        // file. Both take numbers and touch no memory.
        unsafe {
            let kept = libc::dup(libc::STDOUT_FILENO);
            if kept < 0 || libc::dup2(nowhere.as_raw_fd(), libc::STDOUT_FILENO) < 0 {
                return Self(None);
            }
            Self(Some(OwnedFd::from_raw_fd(kept)))
        }
    }
}

impl Drop for Silence {
    fn drop(&mut self) {
        let Some(kept) = &self.0 else { return };
        // SAFETY: the C library writes what it has collected for the standard output, then the descriptor is the old one again.
        unsafe {
            libc::fflush(std::ptr::null_mut());
            libc::dup2(kept.as_raw_fd(), libc::STDOUT_FILENO);
        }
    }
}
