//! What the queues of a port share with its control side.

use super::bpf::Map;
use super::socket::Socket;
use super::umem::ZeroCopy;
use crate::PortError;
use std::io;
use std::sync::atomic::AtomicBool;

/// What the queues of a port share with its control side.
pub(super) struct Shared {
    pub name: String,
    pub device: String,
    pub sockets: Map,
    pub zero_copy: ZeroCopy,
    pub busy_poll: bool,
    /// The sender may have left checksums open.
    pub finish_checksums: bool,
    pub gone: AtomicBool,
}

impl Shared {
    /// The queue's frames go to this socket.
    pub fn steer(&self, queue: u32, socket: &Socket) -> Result<(), PortError> {
        self.sockets
            .insert(&queue.to_ne_bytes(), &socket.raw().to_ne_bytes())
            .map_err(|source| self.failed(format!("steering queue {queue} of `{}`", self.device), source))
    }

    /// The queue's frames go to the kernel again; a socket that is closed leaves the table by itself in the end.
    pub fn unsteer(&self, queue: u32) {
        let _ = self.sockets.remove(&queue.to_ne_bytes());
    }

    pub fn refused(&self, message: String) -> PortError {
        PortError::Refused { port: self.name.clone(), message }
    }

    pub fn failed(&self, call: String, source: io::Error) -> PortError {
        PortError::System { port: self.name.clone(), call, source }
    }

    /// Why a queue could not be bound.
    pub fn bind_failed(&self, queue: u32, source: io::Error) -> PortError {
        let (port, device) = (self.name.clone(), self.device.clone());
        match source.raw_os_error() {
            Some(libc::EBUSY) => {
                let reason = format!("another AF_XDP socket has queue {queue}; end the program that holds it");
                PortError::Busy { port, device, reason }
            }
            Some(libc::EOPNOTSUPP) if self.zero_copy == ZeroCopy::On => {
                let message = format!("the driver of `{device}` has no zero-copy AF_XDP; set zero_copy = \"auto\"");
                PortError::Refused { port, message }
            }
            Some(libc::ENOBUFS | libc::ENOMEM) => {
                let message = format!(
                    "the packet memory could not be registered for `{device}`: locked memory is limited (`ulimit -l`); raise it, \
                     or run with CAP_IPC_LOCK"
                );
                PortError::Refused { port, message }
            }
            _ => self.failed(format!("binding an AF_XDP socket to queue {queue} of `{device}`"), source),
        }
    }
}
